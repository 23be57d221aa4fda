"""Several awaitables side by side, a few at once; the first failure ends them all."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

T = TypeVar("T")
A = TypeVar("A")


async def side_by_side(
    work: Callable[[A], Awaitable[T]], given: Iterable[A], at_once: int
) -> list[T]:
    """What ``work`` answers to each of what is given, in that order.

    The first error is raised, after those still under way were cancelled and have ended: no
    task outlives the call.
    """
    gate = asyncio.Semaphore(at_once)

    async def one(argument: A) -> T:
        async with gate:
            return await work(argument)

    tasks = [asyncio.ensure_future(one(argument)) for argument in given]
    try:
        return list(await asyncio.gather(*tasks))
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise
