"""How long the last reads of one target took: 256 of them, kept in order.

A read is slow if it took longer than 95 of 100 before it.
"""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections import deque

WINDOW = 256


class Latencies:
    """Seconds; a read costs a search in the window and a move within it."""

    def __init__(self) -> None:
        self._window: deque[float] = deque()
        self._sorted: list[float] = []
        self._slow = 0  # in a row

    @property
    def count(self) -> int:
        """How many are kept."""
        return len(self._window)

    def took(self, seconds: float) -> None:
        """A read was answered."""
        self._slow = self._slow + 1 if self._is_slow(seconds) else 0
        if len(self._window) == WINDOW:
            del self._sorted[bisect_left(self._sorted, self._window.popleft())]
        self._window.append(seconds)
        insort(self._sorted, seconds)

    def failed(self) -> None:
        """A try had no answer: it counts as slow."""
        self._slow += 1

    def left(self, seconds: float) -> None:
        """A try was cancelled after so long: it was slow, or nobody knows."""
        if self._is_slow(seconds):
            self._slow += 1

    def slow(self, n: int) -> bool:
        """Whether each of the last n tries was slow."""
        return self._slow >= n

    def percentile(self, share: float) -> float | None:
        """What the share (above 0, at most 1) of the reads took at most, by nearest rank; None
        if there were none."""
        if not self._sorted:
            return None
        return self._sorted[math.ceil(share * len(self._sorted)) - 1]

    def _is_slow(self, seconds: float) -> bool:
        p95 = self.percentile(0.95)
        return p95 is not None and seconds > p95
