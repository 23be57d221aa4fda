"""Bulk work asks a store no faster than it documents, and leaves half of that to others.

A bucket holds tokens for a burst and is filled at an even rate; each request takes one, or
waits until there is one, in the order in which they came. A quota is shared by everybody who
uses the account: whoever copies ten thousand secrets must not be the reason why a service
starts without its password.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from skykeep.interfaces.provider import Kind, Quota

SHARE: Final = 0.5
"""Of a documented quota, for bulk work."""


class Pace:
    """A bucket of tokens.

    Args:
        rate: tokens a second, more than 0.
        burst: how many it holds, at least 1; by default those of one second.
        clock, sleep: seconds, monotonic; tests replace them.
    """

    def __init__(
        self,
        rate: float,
        burst: float | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._each = 1 / rate
        self._burst = (max(1.0, rate if burst is None else burst) - 1) * self._each
        self._clock = clock
        self._sleep = sleep
        self._due = clock() - self._burst  # when the next token would be, were all used

    async def take(self) -> None:
        """Take a token, once there is one. One that was waited for in vain is lost."""
        now = self._clock()
        due = max(self._due, now - self._burst)
        self._due = due + self._each
        if due > now:
            await self._sleep(due - now)


class Paces:
    """The buckets of one target: one for each quota that its store documents.

    Args:
        quotas: of the target's store.
        share: of each of them, above 0 and at most 1.
        clock, sleep: as those of ``Pace``.
    """

    def __init__(
        self,
        quotas: Iterable[Quota],
        share: float = SHARE,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._of: dict[Kind, Pace] = {}
        for quota in quotas:
            pace = Pace(quota.per_second * share, None, clock, sleep)
            self._of.update(dict.fromkeys(quota.of, pace))

    async def take(self, kind: Kind) -> None:
        """Wait until one more call of the kind may be made. Without a quota that is now."""
        if (pace := self._of.get(kind)) is not None:
            await pace.take()
