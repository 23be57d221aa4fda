"""Writes that share commits, as users get them: ``asyncio.gather`` of many ``put``s."""

from __future__ import annotations

import asyncio
import time
from itertools import count
from pathlib import Path

from bench.measure import in_turns
from bench.store import name, value
from bench.vault_stores import Skykeep

WRITES = 1_000


def measured(folder: Path, writes: int = WRITES) -> dict[str, float]:
    """Milliseconds for new versions of so many secrets, together and one after the other."""
    place = folder / "together"
    place.mkdir()
    vault = Skykeep(place, writes)
    vault.make(lambda done: None)
    names = ["/".join(name(number)) for number in range(writes)]
    turn = count()

    async def alone() -> float:
        begun = time.perf_counter()
        for each in names:
            await vault.cloud.secrets.put(each, value(next(turn)))
        return (time.perf_counter() - begun) * 1e3

    async def together() -> float:
        begun = time.perf_counter()
        await asyncio.gather(
            *(vault.cloud.secrets.put(each, value(next(turn))) for each in names)
        )
        return (time.perf_counter() - begun) * 1e3

    try:
        return in_turns(
            {"alone": lambda: vault.run(alone()), "together": lambda: vault.run(together())},
            rounds=5,
        )
    finally:
        vault.close()
