"""Texts as bytes for RE2, and the way back from byte offsets to code points."""

from __future__ import annotations

import re

_CONTINUATION = bytes(range(0x80, 0xC0))
_SURROGATES = re.compile("[\ud800-\udfff]")


def encoded(text: str) -> bytes:
    """UTF-8, one character for each code point; a lone surrogate, which UTF-8 does not have,
    becomes U+FFFD."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return _SURROGATES.sub("\ufffd", text).encode()


class Places:
    """Code points of byte offsets, which must be asked for in ascending order of start.

    Each byte between two questions is looked at once.
    """

    def __init__(self, data: bytes, is_ascii: bool) -> None:
        self._data = data
        self._ascii = is_ascii
        self._byte = 0
        self._point = 0

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The code points that these bytes belong to, each of them whole."""
        if self._ascii:
            return start, end
        data = self._data
        while 0 < start < len(data) and 0x80 <= data[start] < 0xC0:
            start -= 1
        if start < self._byte:  # began in the same character as the one before it
            self._byte = self._point = 0
        self._point += _points(data[self._byte : start])
        self._byte = start
        return self._point, self._point + _points(data[start:end])


def _points(data: bytes) -> int:
    """How many characters begin in these bytes."""
    return len(data.translate(None, _CONTINUATION))
