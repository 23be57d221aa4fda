"""Work on each of a stream, many at once, its outcomes as they come."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")
A = TypeVar("A")


async def flow(
    work: Callable[[A], Coroutine[Any, Any, T]], given: AsyncGenerator[A, None], at_once: int
) -> AsyncGenerator[T, None]:
    """What ``work`` answers to each of what is given, in the order in which it ends.

    At most ``at_once`` are under way, and no more are taken from ``given``. The first error is
    raised; however it ends, no task outlives it and ``given`` is closed.
    """
    under_way: set[asyncio.Task[T]] = set()
    ended: deque[asyncio.Task[T]] = deque()
    some = asyncio.Event()

    def end(task: asyncio.Task[T]) -> None:
        under_way.discard(task)
        ended.append(task)
        some.set()

    try:
        async for one in given:
            task = asyncio.create_task(work(one))
            under_way.add(task)
            task.add_done_callback(end)
            while len(under_way) >= at_once and not ended:
                some.clear()
                await some.wait()
            while ended:
                yield ended.popleft().result()
        while under_way or ended:
            if not ended:
                some.clear()
                await some.wait()
            while ended:
                yield ended.popleft().result()
    finally:
        rest = [*under_way]
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)
        for task in ended:
            if not task.cancelled():
                task.exception()  # seen: the first one was raised
        await given.aclose()
