"""One time budget for a call, all tries included."""

from __future__ import annotations

import asyncio
from typing import TypeVar

from skykeep.errors import Unavailable
from skykeep.interfaces.call import Answer, Call, Effect, Next

T = TypeVar("T")

BYTES_PER_SECOND = 256 * 1024
"""A value is given the time that it needs at this rate, on top of the budget."""


class Deadline:
    """Ends a call that takes longer than ``seconds``. Each waiter of a flight has its own."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    async def __call__(self, call: Call[T], next: Next[T], /) -> Answer[T]:
        """Answer by ``next`` in time. Raises ``Unavailable``."""
        budget = self._seconds + call.size / BYTES_PER_SECOND
        try:
            async with asyncio.timeout(budget):
                return await next(call)
        except TimeoutError:
            pass  # leave the handler: what was being done may show in the context
        doubt = call.effect is Effect.WRITE
        raise Unavailable(
            f"{call.operation} had no answer within {budget:g} s",
            hint="it may have been executed: read before you write again" if doubt else "",
        )
