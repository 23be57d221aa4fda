"""A clock that tests turn, and a sleep that turns it."""

from __future__ import annotations


class Clock:
    """Monotonic seconds. ``slept`` is what was waited for, in order."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        """Be there at once."""
        self.slept.append(seconds)
        self.now += seconds
