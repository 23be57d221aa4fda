"""Masks known values in one piece of bytes or in a stream of pieces."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from skykeep.redaction.sieve import searches

_HEAD = 4


class Match(NamedTuple):
    """An occurrence of a value.

    Attributes:
        start, end: the bytes ``data[start:end]``.
        value: the place of the value among those that were given, the first of equal ones.
    """

    start: int
    end: int
    value: int


class Redactor:
    """Puts a mask in the place of every known value.

    Values that overlap in the data are masked as one, so that no part of either is left.
    The output holds no value, unless one has (a part of) the mask itself in it.

    ``feed`` and ``flush`` are for a stream: what was fed comes back masked as soon as it is
    certain, that is when no value can have begun in it. Whatever the pieces, the answer is
    that of :meth:`redact` for the whole. One instance is for one stream at a time; `redact`
    and `find` touch no state and may be used by many threads.
    """

    def __init__(self, values: Iterable[bytes], mask: bytes = b"***") -> None:
        """Empty values are left out, equal ones are one."""
        self._places: dict[bytes, int] = {}
        for place, value in enumerate(values):
            if value:
                self._places.setdefault(bytes(value), place)
        self._mask = mask
        self._searches = searches(self._places)
        self._sorted = sorted(self._places)
        self._longest = max(map(len, self._sorted), default=0)
        self._heads = frozenset(value[:_HEAD] for value in self._sorted)
        self._kept = b""

    def __repr__(self) -> str:
        return f"Redactor({len(self._places)} values)"

    @property
    def longest(self) -> int:
        """The length of the longest value in bytes; 0 if there is none."""
        return self._longest

    def find(self, data: bytes) -> Iterator[Match]:
        """All occurrences of all values, also those inside others, in no set order."""
        for search in self._searches:
            for start, end in search(data):
                yield Match(start, end, self._places[data[start:end]])

    def redact(self, data: bytes) -> bytes:
        """The bytes with every value masked."""
        return self._masked(data, self._spans(data))

    def feed(self, chunk: bytes) -> bytes:
        """The next piece of the stream; returns what is certain by now, perhaps nothing."""
        data = self._kept + chunk
        spans = self._spans(data)
        certain = self._pending(data)
        # What may yet begin inside a value that is whole already would be masked with it.
        for start, end in reversed(spans):
            if end <= certain:
                break
            certain = min(certain, start)
        self._kept = data[certain:]
        return self._masked(data[:certain], [span for span in spans if span[1] <= certain])

    def flush(self) -> bytes:
        """The rest, at the end of the stream. The next ``feed`` begins another one."""
        rest, self._kept = self._kept, b""
        return self.redact(rest)

    def _spans(self, data: bytes) -> list[tuple[int, int]]:
        """Where values are, in order; those that overlap are one span."""
        spans: list[tuple[int, int]] = []
        for start, end in sorted(found for search in self._searches for found in search(data)):
            if spans and start < spans[-1][1]:
                spans[-1] = (spans[-1][0], max(end, spans[-1][1]))
            else:
                spans.append((start, end))
        return spans

    def _masked(self, data: bytes, spans: list[tuple[int, int]]) -> bytes:
        if not spans:
            return data
        parts: list[bytes] = []
        done = 0
        for start, end in spans:
            parts += (data[done:start], self._mask)
            done = end
        parts.append(data[done:])
        return b"".join(parts)

    def _pending(self, data: bytes) -> int:
        """The first place from which all of ``data`` is the beginning of a longer value."""
        end = len(data)
        for at in range(max(0, end - self._longest + 1), end):
            if end - at >= _HEAD and data[at : at + _HEAD] not in self._heads:
                continue
            rest = data[at:]
            # The values that begin with `rest` follow it in the order; it itself is none.
            next_one = bisect_left(self._sorted, rest)
            if next_one < len(self._sorted) and self._sorted[next_one] == rest:
                next_one += 1
            if next_one < len(self._sorted) and self._sorted[next_one].startswith(rest):
                return at
        return end
