"""zstd from where this Python has it: the standard library from 3.14 on, else its backport.

Decompression is bounded: what an object says of itself is never trusted.
"""

from __future__ import annotations

import sys
from typing import Any, Final

from skykeep.errors import Corrupt, MissingExtra

LEVEL: Final = 3
"""zstd's own default: JSON at 300 MB/s a core."""
_WINDOW_LOG: Final = 27
"""Frames that want more than 128 MiB of memory for their window are refused."""


def _library() -> Any:
    try:
        if sys.version_info >= (3, 14):
            from compression import zstd
        else:
            from backports import zstd
    except ImportError:
        raise MissingExtra(
            "results are compressed with zstd, which is not installed",
            hint="pip install 'skykeep[zstd]'",
        ) from None
    return zstd


def check_installed() -> None:
    """Raises ``MissingExtra``."""
    _library()


def compress(data: bytes) -> bytes:
    """One frame with its size and a checksum. Raises ``MissingExtra``."""
    zstd = _library()
    parameter = zstd.CompressionParameter
    options = {parameter.compression_level: LEVEL, parameter.checksum_flag: 1}
    packed: bytes = zstd.compress(data, options=options)
    return packed


def decompress(data: bytes, most: int) -> bytes:
    """All frames of the data, which hold at most so many bytes.

    Raises ``Corrupt`` for what is no zstd, ends early, or holds more; ``MissingExtra``.
    """
    zstd = _library()
    options = {zstd.DecompressionParameter.window_log_max: _WINDOW_LOG}
    found: list[bytes] = []
    room = most + 1
    try:
        while data:
            frame = zstd.ZstdDecompressor(options=options)
            while not frame.eof:
                found.append(frame.decompress(data, max_length=room))
                data = b""
                room -= len(found[-1])
                if room <= 0:
                    raise _corrupt(f"it holds more than {most:,} bytes")
                if frame.needs_input and not frame.eof:
                    raise _corrupt("it ends early")
            data = frame.unused_data
    except zstd.ZstdError:
        raise _corrupt("it is damaged, or is no zstd") from None
    return b"".join(found)


def _corrupt(why: str) -> Corrupt:
    return Corrupt(f"a compressed object of the archive cannot be read: {why}")
