"""A cache that is set as a test wants it, and answers of the moment."""

from __future__ import annotations

import asyncio
from typing import Any

from skykeep.interfaces.call import Answer
from skykeep.interfaces.tasks import Tasks
from skykeep.layers.cache import Cache
from skykeep.settings.model import CacheSettings
from tests.layers.clock import Clock


def layer(
    ttl: float = 300, clock: Clock | None = None, max_entries: int = 10, **more: float
) -> Cache:
    """``more`` are ahead, revalidate and max_stale, seconds."""
    settings = CacheSettings(
        max_entries=max_entries,
        refresh_ahead_seconds=more.get("ahead", 0.0),
        stale_while_revalidate_seconds=more.get("revalidate", 0.0),
        max_stale_seconds=more.get("max_stale", 0.0),
    )
    return Cache(ttl, settings, Tasks(), clock or Clock())


def given(clock: Clock, value: object = "value", **changes: Any) -> Answer[Any]:
    """An answer of this moment."""
    return Answer(value, "primary (fake)", clock.now, **changes)


async def settle() -> None:
    """Let every task that can run do so."""
    for _ in range(5):
        await asyncio.sleep(0)
