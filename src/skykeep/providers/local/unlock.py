"""Where the vault's key comes from, and how key files are made and read."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from pathlib import Path

from skykeep.envelope.header import Header, unlock_with_key, unlock_with_passphrase
from skykeep.envelope.keys import VaultKeys
from skykeep.envelope.sealed import KEY_BYTES
from skykeep.errors import ConfigError, Denied, KeyFailure
from skykeep.interfaces.provider import OpenContext
from skykeep.providers.local.errors import not_written
from skykeep.providers.local.session import draft_of, refuse_public
from skykeep.providers.local.settings import LocalSettings

KEY_FILE = "SKYKEEP_KEY_FILE"
PASSPHRASE = "SKYKEEP_PASSPHRASE"  # noqa: S105  (the variable's name)

_HOW = f"set {KEY_FILE} or {PASSPHRASE}, or run it on a terminal"


def key_file_path(settings: LocalSettings, context: OpenContext) -> Path | None:
    """The configured key file, else ``SKYKEEP_KEY_FILE``'s, else None."""
    path = settings.key_file or context.environ.get(KEY_FILE)
    return expanded(path) if path else None


def expanded(path: str) -> Path:
    """The path with ``~`` as the home directory. Raises ``ConfigError``."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise ConfigError(f"there is no home directory for {path!r}") from None


def unlock(header: Header, settings: LocalSettings, context: OpenContext) -> VaultKeys:
    """The keys of the vault, from the first source that is configured and fits its slots.

    Key file, then ``SKYKEEP_PASSPHRASE``, then the question. A source that does not
    unlock is an error, not a reason to try the next. Raises ``KeyFailure``, ``Denied``.
    """
    return VaultKeys(unlock_dek(header, settings, context), header.vault)


def unlock_dek(header: Header, settings: LocalSettings, context: OpenContext) -> bytes:
    """The DEK itself, as :func:`unlock`: for what wraps it anew."""
    kinds = header.kinds()
    path = key_file_path(settings, context)
    if path is not None and "key-file" in kinds:
        return unlock_with_key(header, read_key_file(path))
    if "passphrase" in kinds:
        return unlock_with_passphrase(header, _passphrase(context))
    raise KeyFailure(
        "the vault is unlocked by a key file and none is configured",
        hint=f"set {KEY_FILE}, or key_file in the configuration",
    )


def _passphrase(context: OpenContext) -> str:
    given = context.environ.get(PASSPHRASE)
    if given:
        return given
    if context.ask is None:
        raise KeyFailure("the vault is locked and there is no key to open it", hint=_HOW)
    return context.ask("Passphrase")


def read_key_file(path: Path) -> bytes:
    """The 32 bytes. Raises ``KeyFailure``, ``Denied`` if everybody can read it."""
    try:
        with path.open("rb") as file:
            refuse_public(path, os.fstat(file.fileno()).st_mode, "key file")
            key = file.read(KEY_BYTES + 1)
    except FileNotFoundError:
        raise KeyFailure(f"there is no key file at {path}", hint="check the path") from None
    except ValueError:
        raise KeyFailure(f"{str(path)!r} is no path of a key file") from None
    except OSError as error:
        raise Denied(
            f"the key file {path} cannot be read: {error.strerror}",
            hint="it must be a file that this user can read",
        ) from None
    if len(key) != KEY_BYTES:
        size = f"{len(key)} bytes" if len(key) < KEY_BYTES else f"over {KEY_BYTES} bytes"
        raise KeyFailure(f"{path} is no key file: it has {size}, a key file has {KEY_BYTES}")
    return key


def make_key_file(path: Path) -> bool:
    """Make a key file of 32 random bytes, mode 0600, if there is none; whether it was made.

    It is complete or not there: written beside, synced, then linked into place. Raises
    ``Denied``, ``Quota``.
    """
    draft = draft_of(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if path.exists():
            return False
        descriptor = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        try:
            if os.write(descriptor, os.urandom(KEY_BYTES)) != KEY_BYTES:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        try:
            os.link(draft, path)
        except FileExistsError:
            return False
        directory = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
        return True
    except OSError as error:
        raise not_written(error, f"the key file {path}") from None
    finally:
        with suppress(OSError):
            draft.unlink()
