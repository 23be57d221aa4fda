"""Files that values come from and go to: private from the first byte, whole or not there."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from skykeep.apps.cli.failures import Stop
from skykeep.errors import Denied, Invalid, NotFound

_LONGEST = 256 * 1024 * 1024


def write(path: str, data: bytes) -> None:
    """Put ``data`` in the place of what is at ``path``, with mode 0600.

    A link is followed, so that it stays one. What else can be written to (a pipe,
    ``/dev/stdout``) is written to as it is. Raises ``Denied``, ``NotFound``; a disk that is
    full ends the command like an output that cannot be written.
    """
    try:
        target = Path(os.path.realpath(path))
        if target.exists() and not target.is_file():
            with target.open("wb") as file:
                file.write(data)
            return
        _replace(target, data)
    except FileNotFoundError:
        raise NotFound(f"there is no folder for the file {path}") from None
    except (PermissionError, IsADirectoryError, NotADirectoryError, ValueError) as error:
        raise _denied(path, "written", error) from None
    except OSError as error:
        raise Stop("Output", f"{path} cannot be written: {error.strerror}") from None


def append(path: str, data: bytes) -> None:
    """Add ``data`` to a file that somebody else made and reads. Raises ``Denied``."""
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
    try:
        with os.fdopen(os.open(path, flags, 0o600), "ab") as file:
            file.write(data)
    except (OSError, ValueError) as error:
        raise _denied(path, "written", error) from None


def read(path: str) -> bytes:
    """The bytes of a file, or of standard input for ``-``.

    Raises ``NotFound``, ``Denied``, and ``Invalid`` over 256 MiB.
    """
    try:
        if path == "-":
            if sys.stdin is None:
                raise Invalid("standard input is closed")
            data = sys.stdin.buffer.read(_LONGEST + 1)
        else:
            with open(path, "rb") as file:  # noqa: PTH123  (shown as it was given)
                data = file.read(_LONGEST + 1)
    except FileNotFoundError:
        raise NotFound(f"there is no file {path}") from None
    except (OSError, ValueError) as error:
        raise _denied(path, "read", error) from None
    if len(data) > _LONGEST:
        raise Invalid(f"the file {path} has more than {_LONGEST:,} bytes")
    return data


def _replace(target: Path, data: bytes) -> None:
    # mkstemp makes it 0600; beside the target, because a rename does not cross disks.
    descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _denied(path: str, what: str, error: Exception) -> Denied:
    reason = getattr(error, "strerror", None) or "it is no path"
    return Denied(f"the file {path} cannot be {what}: {reason}")
