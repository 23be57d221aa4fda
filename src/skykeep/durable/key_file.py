"""Key files: 32 random bytes that unlock something else, for their owner alone."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from pathlib import Path

from skykeep.durable.errors import not_written
from skykeep.durable.files import draft_of, refuse_public, sync_directory
from skykeep.envelope.sealed import KEY_BYTES
from skykeep.errors import Denied, KeyFailure


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
        sync_directory(path.parent)
        return True
    except OSError as error:
        raise not_written(error, f"the key file {path}") from None
    finally:
        with suppress(OSError):
            draft.unlink()
