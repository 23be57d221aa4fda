"""Work of the disk, off the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from skykeep.models.cache.errors import disk

T = TypeVar("T")


async def done(work: Callable[[], T]) -> T:
    """What the work gives, in a thread; errors of the system leave as ours.

    A caller that is cancelled waits for its end: it may hold a lock that the work needs.
    """

    def run() -> T:
        with disk():
            return work()

    task = asyncio.ensure_future(asyncio.to_thread(run))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        if not task.cancelled():
            task.exception()  # looked at: the cancellation is what the caller hears of
        raise
