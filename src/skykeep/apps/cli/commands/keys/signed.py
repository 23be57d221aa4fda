"""What ``sign`` and ``verify`` share: the digest of what is signed."""

from __future__ import annotations

import hashlib
import sys
from typing import BinaryIO

from skykeep.errors import Denied, Invalid, NotFound


def digest_of(file: str | None) -> bytes:
    """SHA-256 of a file, read in pieces; None and ``-`` are standard input.

    Raises ``NotFound``, ``Denied``, ``Invalid``.
    """
    if file is None or file == "-":
        if sys.stdin is None:
            raise Invalid("standard input is closed")
        return _digest(sys.stdin.buffer)
    try:
        with open(file, "rb") as opened:  # noqa: PTH123  (a path is shown as it was given)
            return _digest(opened)
    except FileNotFoundError:
        raise NotFound(f"there is no file {file}") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is no path"
        raise Denied(f"the file {file} cannot be read: {reason}") from None


def _digest(stream: BinaryIO) -> bytes:
    digest = hashlib.sha256()
    while piece := stream.read(1024 * 1024):
        digest.update(piece)
    return digest.digest()
