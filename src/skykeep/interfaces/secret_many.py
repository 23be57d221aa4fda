"""Several reads side by side. Each is a call of its own: for policy, audit and the cache."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from skykeep.errors import NotFound
from skykeep.interfaces.secret_driver import Secret

AT_ONCE = 32
"""Enough to fill a driver's batch or a connection pool, and no storm."""


async def read_many(
    get: Callable[[str], Awaitable[Secret]], names: Sequence[str]
) -> tuple[dict[str, Secret], list[str]]:
    """What was found, and the names of what was not, both in the order given.

    Any other error ends the reads that are still under way and is raised.
    """
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(name: str) -> Secret | None:
        async with gate:
            try:
                return await get(name)
            except NotFound:
                return None

    reads = [asyncio.ensure_future(one(name)) for name in names]
    try:
        outcomes = await asyncio.gather(*reads)
    except BaseException:
        for read in reads:
            read.cancel()
        await asyncio.gather(*reads, return_exceptions=True)
        raise
    answers = list(zip(names, outcomes, strict=True))
    found = {name: secret for name, secret in answers if secret is not None}
    return found, [name for name, secret in answers if secret is None]
