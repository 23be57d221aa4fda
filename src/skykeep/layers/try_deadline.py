"""Each try has a time of its own, so that a call's budget has room for another.

A write that may not be sent twice has the whole budget of its call, and so has a target that
runs in this process: it has no way on which an answer could be lost, and it may be asking a
person for a passphrase.
"""

from __future__ import annotations

import asyncio
from typing import TypeVar

from skykeep.errors import Unavailable
from skykeep.interfaces.call import Answer, Effect, RoutedCall, RoutedNext
from skykeep.layers.deadline import BYTES_PER_SECOND

T = TypeVar("T")


class TryDeadline:
    """Ends a try that takes longer than ``seconds`` and what its size needs."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    async def __call__(self, routed: RoutedCall[T], next: RoutedNext[T], /) -> Answer[T]:
        """Answer by ``next`` in time. Raises ``Unavailable`` with ``timed_out``."""
        call = routed.call
        write = call.effect is Effect.WRITE
        if routed.target.embedded or (write and not call.idempotent):
            return await next(routed)
        budget = self._seconds + call.size / BYTES_PER_SECOND
        limit = asyncio.timeout(budget)
        try:
            async with limit:
                return await next(routed)
        except TimeoutError:
            if not limit.expired():
                raise
        # Outside of the handler: what was being done may show in the context.
        raise Unavailable(
            f"{routed.target.name} had no answer to {call.operation} within {budget:g} s",
            timed_out=True,
            hint="it may have been executed: read before you write again" if write else "",
            target=routed.target.name,
        )
