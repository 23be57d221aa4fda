"""The plain router: the primary target takes every call."""

from __future__ import annotations

import time
from typing import TypeVar

from skykeep.errors import SkykeepError
from skykeep.interfaces.call import Answer, Call, RoutedCall, RoutedNext, Target

T = TypeVar("T")


class Primary:
    """Sends every call to one target. Several targets are another router's work."""

    def __init__(self, target: Target) -> None:
        self._target = target

    async def __call__(self, call: Call[T], next: RoutedNext[T], /) -> Answer[T]:
        """Answer from the primary."""
        return await next(RoutedCall(call, self._target))


async def send(routed: RoutedCall[T]) -> Answer[T]:
    """The end of the stack: execute the call at its target, which errors then name.

    The answer is as old as the question: what was written meanwhile may not be in it.
    """
    asked = time.monotonic()
    try:
        return Answer(await routed.call.send(routed.target), routed.target.name, asked)
    except SkykeepError as error:
        error.located(target=routed.target.name)
        raise
