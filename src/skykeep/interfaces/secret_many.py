"""Several reads side by side. Each is a call of its own: for policy, audit and the cache."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from skykeep.errors import NotFound
from skykeep.interfaces.secret_driver import Secret
from skykeep.interfaces.side_by_side import side_by_side

AT_ONCE = 32
"""Enough to fill a driver's batch or a connection pool, and no storm."""


async def read_many(
    get: Callable[[str], Awaitable[Secret]], names: Sequence[str]
) -> tuple[dict[str, Secret], list[str]]:
    """What was found, and the names of what was not, both in the order given.

    Any other error ends the reads that are still under way and is raised.
    """

    async def one(name: str) -> Secret | None:
        try:
            return await get(name)
        except NotFound:
            return None

    answers = list(zip(names, await side_by_side(one, names, AT_ONCE), strict=True))
    found = {name: secret for name, secret in answers if secret is not None}
    return found, [name for name, secret in answers if secret is None]
