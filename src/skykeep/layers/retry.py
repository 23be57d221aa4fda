"""Again, if the error and the call allow it; paid for by successes.

A throttled call was not executed, so any call may be sent again; one that was
unavailable may have been, so only an idempotent one is, or one that never left this host.
Where another target comes next, it is asked instead of waiting for this one twice: after a
try that ran out of time, and where the store asks for more patience than ``longest``. A target
that its breaker leaves alone is not tried again.
Waits are exponential with full jitter (Brooker, "Exponential Backoff And Jitter", AWS
Architecture Blog, 2015) and come on top of what the store asked for. A budget keeps an
outage from being multiplied: each try that succeeds earns a tenth of a retry, ten can be
saved.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from skykeep.errors import SkykeepError, Throttled, Unavailable
from skykeep.interfaces.call import Answer, Effect, RoutedCall, RoutedNext, Try

T = TypeVar("T")

EARNED = 1  # a success, in tenths of a retry: whole numbers add up exactly
PAID = 10
SAVED = 100


class Retry:
    """Tries a routed call again at the same target.

    Args:
        attempts: tries in all, the first included.
        base, longest: bounds of the wait, seconds; see ``RetrySettings``.
        sleep, jitter: the clock and the dice; tests replace them.
    """

    def __init__(
        self,
        attempts: int,
        base: float,
        longest: float,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._attempts = attempts
        self._base = base
        self._longest = longest
        self._sleep = sleep
        self._jitter = jitter
        self._budget = SAVED

    async def __call__(self, routed: RoutedCall[T], next: RoutedNext[T], /) -> Answer[T]:
        """Answer by ``next``, trying again where that is safe."""
        number = 0
        doubt: Unavailable | None = None  # a try of a write that may have been executed
        while True:
            number += 1
            begun = time.perf_counter()
            try:
                answer = await next(routed)
            except SkykeepError as error:
                _record(routed, number, begun, type(error).__name__)
                if isinstance(error, Unavailable) and error.sent and _writes(routed):
                    doubt = doubt or error
                asked = error.retry_after if isinstance(error, Throttled) else None
                if (
                    number >= self._attempts
                    or not self._worth(routed, error)
                    or ((asked or 0.0) > self._longest and not routed.last)
                ):
                    if doubt is not None and isinstance(error, (Unavailable, Throttled)):
                        # What the last try says of itself does not undo an earlier one.
                        raise doubt from None
                    raise
            else:
                _record(routed, number, begun, None)
                self._budget = min(SAVED, self._budget + EARNED)
                return answer
            self._budget -= PAID
            # After what was asked for, not at it: those who were throttled together must not
            # come back together.
            await self._sleep((asked or 0.0) + self._wait(number))

    def _worth(self, routed: RoutedCall[T], error: SkykeepError) -> bool:
        if isinstance(error, Unavailable):
            safe = routed.call.idempotent or not error.sent
            safe = safe and not error.left_alone and (routed.last or not error.timed_out)
        else:
            safe = isinstance(error, Throttled)
        return safe and self._budget >= PAID

    def _wait(self, number: int) -> float:
        return self._jitter() * min(self._longest, self._base * 2.0 ** (number - 1))


def _writes(routed: RoutedCall[T]) -> bool:
    return routed.call.effect is Effect.WRITE


def _record(routed: RoutedCall[T], number: int, begun: float, error: str | None) -> None:
    seconds = time.perf_counter() - begun
    routed.call.trace.append(Try(routed.target.name, number, seconds, error))
