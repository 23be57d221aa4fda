"""Where a value may begin: a sieve over samples of the data, and exact looks at what is left.

Every occurrence of a value of at least ``stride + width - 1`` bytes covers one sample of
``width`` bytes whose place is a multiple of ``stride``. So it is enough to look up one
sample every ``stride`` bytes in the set of what the values have at their first ``stride``
offsets. ``set.isdisjoint`` over a strided memoryview does that without a step of Python per
sample, which is why this is faster than an automaton that reads every byte
(docs/guides/scan.md has the figures).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterator
from itertools import compress
from typing import Literal

_FEW = 8
"""So many values are looked for one by one: ``bytes.find`` runs at memory's speed."""

_MOST_SAMPLES = 400_000
"""A larger set falls out of the processor's caches and costs more than its stride saves."""

_SEGMENT = 1 << 16
"""Bytes that are asked about at once; places are worked out in segments with a hit only."""

Found = tuple[int, int]
"""Start and end of an occurrence."""

Search = Callable[[bytes], Iterator[Found]]
"""All occurrences of some values, in no particular order."""


def searches(values: Collection[bytes]) -> list[Search]:
    """What finds every occurrence of every value, in as few passes as will do."""
    tiny: list[bytes] = []
    short: list[bytes] = []
    middling: list[bytes] = []
    long: list[bytes] = []
    for value in values:
        size = len(value)
        room = tiny if size < 7 else short if size < 15 else middling if size < 31 else long
        room.append(value)
    found: list[Search] = []
    sieved: list[bytes] = []
    for room in (middling, long):
        if len(room) > _FEW:
            sieved += room
        else:
            found += map(_plain, room)
    if sieved:
        found.append(_Sieve(sieved, 8, _stride(sieved)))
    found += [_Sieve(short, 4, 4)] if len(short) > _FEW else map(_plain, short)
    # There are few values so short that are worth hiding.
    found += map(_plain, tiny)
    return found


def _stride(values: Collection[bytes]) -> int:
    """The longest that the shortest value bears, in steps of a sample."""
    longest = min(24, (min(map(len, values)) - 7) // 8 * 8)
    while longest > 8 and longest * len(values) > _MOST_SAMPLES:
        longest -= 8
    return longest


def _plain(value: bytes) -> Search:
    def search(data: bytes) -> Iterator[Found]:
        at = data.find(value)
        while at >= 0:
            yield at, at + len(value)
            at = data.find(value, at + 1)

    return search


class _Sieve:
    """Finds values of at least ``stride + width - 1`` bytes; ``width`` is 4 or 8."""

    def __init__(self, values: Collection[bytes], width: int, stride: int) -> None:
        self._stride = stride
        self._width = width
        self._format: Literal["I", "Q"] = "I" if width == 4 else "Q"
        self._values = frozenset(values)
        self._samples = frozenset(
            int.from_bytes(value[at : at + width], sys.byteorder)
            for value in self._values
            for at in range(stride)
        )
        # What a value begins with -> the lengths of the values that begin so.
        lengths: dict[bytes, set[int]] = {}
        for value in self._values:
            lengths.setdefault(value[:width], set()).add(len(value))
        self._lengths = {head: tuple(sorted(sizes)) for head, sizes in lengths.items()}

    def __call__(self, data: bytes) -> Iterator[Found]:
        whole = memoryview(data)[: len(data) // self._width * self._width]
        samples = whole.cast(self._format)[:: self._stride // self._width]
        per_segment = _SEGMENT // self._stride
        for first in range(0, len(samples), per_segment):
            segment = samples[first : first + per_segment]
            if self._samples.isdisjoint(segment):
                continue
            hits = compress(range(len(segment)), map(self._samples.__contains__, segment))
            for hit in hits:
                yield from self._around(data, (first + hit) * self._stride)

    def _around(self, data: bytes, at: int) -> Iterator[Found]:
        """The values of which the sample at ``at`` is the first that is looked at."""
        for start in range(max(0, at - self._stride + 1), at + 1):
            for size in self._lengths.get(data[start : start + self._width], ()):
                if data[start : start + size] in self._values:
                    yield start, start + size
