"""A clock that only tests turn, and a source over a driver without layers between."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from skykeep.interfaces.secret_changes import Source, Survey
from skykeep.interfaces.secret_driver import SecretCapabilities
from skykeep.interfaces.secret_listing import Listing
from skykeep.interfaces.secret_watching import Watch
from skykeep.providers.memory.secrets import MemorySecrets

EVERY = 30.0
HALF = 0.5
"""The jitter that changes nothing."""


class Clock:
    """Virtual seconds. Who sleeps goes on at once, after what was planned until then."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []
        self._planned: list[tuple[float, Callable[[], Awaitable[Any]]]] = []

    def __call__(self) -> float:
        return self.now

    def plan(self, at: float, work: Callable[[], Awaitable[Any]]) -> None:
        """Let something happen at a time."""
        self._planned.append((at, work))
        self._planned.sort(key=lambda planned: planned[0])

    async def sleep(self, seconds: float) -> None:
        """Let the time pass."""
        self.slept.append(seconds)
        until = self.now + seconds
        while self._planned and self._planned[0][0] <= until:
            self.now, work = self._planned.pop(0)
            await work()
        self.now = until


def source_of(driver: MemorySecrets, forgotten: list[str] | None = None) -> Source:
    """As ``Secrets`` asks, without its layers. Pages have two secrets."""

    async def capabilities() -> SecretCapabilities:
        return driver.capabilities

    return Source(
        driver.get,
        driver.describe,
        lambda prefix: Listing(lambda at: driver.list(prefix, cursor=at, limit=2), None),
        capabilities,
        ([] if forgotten is None else forgotten).append,
    )


def watch_of(survey: Survey, clock: Clock, **options: Any) -> Watch:
    """A watch of a survey, on a clock."""
    options.setdefault("jitter", lambda: HALF)
    return Watch(survey, "'it'", EVERY, sleep=clock.sleep, clock=clock, **options)
