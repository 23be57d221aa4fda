"""Where the vault's key comes from."""

from __future__ import annotations

import base64
from pathlib import Path

from skykeep.durable.key_file import read_key_file
from skykeep.envelope.header import Header, unlock_with_key, unlock_with_passphrase
from skykeep.envelope.keys import VaultKeys
from skykeep.envelope.sealed import KEY_BYTES
from skykeep.errors import ConfigError, KeyFailure
from skykeep.interfaces.provider import OpenContext
from skykeep.providers.local import unlocked
from skykeep.providers.local.anchor import Anchor, FileAnchor, NoAnchor
from skykeep.providers.local.os_keyring import KeyringAnchor, OsKeyring
from skykeep.providers.local.settings import LocalSettings

KEY_FILE = "SKYKEEP_KEY_FILE"
KEYRING = "SKYKEEP_KEYRING"
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

    Key file, then ``SKYKEEP_PASSPHRASE``, the system's keyring, what ``skykeep unlock``
    keeps, the question. A source that does not unlock is an error, not a reason to try the
    next. Inside of ``skykeep.unlocked()`` none is asked twice. Raises ``KeyFailure``,
    ``Denied``, ``MissingExtra`` and ``Unsupported`` (for the keyring).
    """
    keys = unlocked.held_keys(header)
    if keys is None:
        found = None
        if asks_next(header, settings, context):
            found = unlocked.kept(header, spare_keyring(header, settings, context))
        dek = unlock_dek(header, settings, context) if found is None else found[0]
        keys = VaultKeys(dek, header.vault)
        del dek, found  # reports of errors may show the variables of a frame
        unlocked.hold_keys(header, keys)
    return keys


def asks_next(header: Header, settings: LocalSettings, context: OpenContext) -> bool:
    """Whether nothing but a question would unlock the vault."""
    kinds = header.kinds()
    return (
        "passphrase" in kinds
        and not context.environ.get(PASSPHRASE)
        and not ("key-file" in kinds and key_file_path(settings, context) is not None)
        and not _keyring_is_next(header, settings, context)
    )


def spare_keyring(
    header: Header, settings: LocalSettings, context: OpenContext
) -> OsKeyring | None:
    """The system's keyring, for what the kernel does not keep; None if it is switched off."""
    return keyring_of(header.vault, context) if keyring_is_on(settings, context) else None


def unlock_dek(header: Header, settings: LocalSettings, context: OpenContext) -> bytes:
    """The DEK itself, by a key and by nothing that was kept: for what wraps it anew.

    The sources are those of :func:`unlock`, without what is kept.
    """
    kinds = header.kinds()
    path = key_file_path(settings, context)
    if path is not None and "key-file" in kinds:
        return unlock_with_key(header, read_key_file(path))
    if _keyring_is_next(header, settings, context):
        return unlock_with_key(header, keyring_key(header.vault, context), "keyring")
    if "passphrase" in kinds:
        return unlock_with_passphrase(header, _passphrase(context))
    if "keyring" in kinds:
        raise KeyFailure(
            "the vault is unlocked by the system's keyring, which is switched off",
            hint=f"switch it on: unset {KEYRING}, or keyring: true in the configuration",
        )
    raise KeyFailure(
        "the vault is unlocked by a key file and none is configured",
        hint=f"set {KEY_FILE}, or key_file in the configuration",
    )


def anchor_of(header: Header, settings: LocalSettings, context: OpenContext) -> Anchor:
    """What keeps the vault's counter outside of it: beside what :func:`unlock` takes."""
    if not settings.notice_rollback:
        return NoAnchor("notice_rollback is off in the configuration")
    path = key_file_path(settings, context)
    if path is not None and "key-file" in header.kinds():
        return FileAnchor(path, header.vault)
    if _keyring_is_next(header, settings, context):
        return KeyringAnchor(keyring_of(header.vault, context))
    return NoAnchor(
        "a passphrase leaves no place outside of the vault to keep its counter in"
        " (a key file or the keyring does)"
    )


def keyring_of(vault: bytes, context: OpenContext) -> OsKeyring:
    """The system's keyring, for the vault of this id."""
    return OsKeyring(vault, attended=context.ask is not None)


def keyring_key(vault: bytes, context: OpenContext) -> bytes:
    """The 32 bytes that the keyring keeps. Raises as ``OsKeyring.get``, ``KeyFailure``."""
    keyring = keyring_of(vault, context)
    found = keyring.get()
    if found is None:
        raise KeyFailure(
            f"the system's keyring ({keyring.name()}) has no key of this vault",
            hint=f"log in where it was put there; with another key: {KEYRING}=off",
        )
    try:
        key = base64.b64decode(found, validate=True)
    except ValueError:  # its message may quote the text
        key = b""
    finally:
        del found  # reports of errors may show the variables of a frame
    if len(key) == KEY_BYTES:
        return key
    del key
    raise KeyFailure(
        f"the system's keyring ({keyring.name()}) has something else than a key of this vault",
        hint=f"make it anew with another key: {KEYRING}=off skykeep vault keyring",
    )


def keyring_is_on(settings: LocalSettings, context: OpenContext) -> bool:
    """Whether the keyring may be used. Raises ``ConfigError``."""
    given = context.environ.get(KEYRING, "").lower()
    if given in {"off", "on", ""}:
        return given == "on" or (not given and settings.keyring)
    raise ConfigError(f"{KEYRING} is on or off, not {given!r}")


def _keyring_is_next(header: Header, settings: LocalSettings, context: OpenContext) -> bool:
    """Whether it is the keyring's turn, where there is no key file."""
    kinds = header.kinds()
    asked_for = "passphrase" in kinds and bool(context.environ.get(PASSPHRASE))
    return "keyring" in kinds and not asked_for and keyring_is_on(settings, context)


def _passphrase(context: OpenContext) -> str:
    given = context.environ.get(PASSPHRASE)
    if given:
        return given
    if context.ask is None:
        raise KeyFailure("the vault is locked and there is no key to open it", hint=_HOW)
    return context.ask("Passphrase")
