"""Two stores in memory, each behind a cloud of its own, and time that does not pass."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any

from skykeep import Cloud, Secrets, drift
from skykeep.drift.sides import Patience
from skykeep.providers.memory.secrets import EVERYTHING, MemorySecrets, share
from skykeep.providers.memory.settings import MemorySettings
from skykeep.settings.model import Environment, RetrySettings

_numbers = count()


class Clock:
    """Time that only those who sleep let pass."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def patience(self) -> Patience:
        return Patience(self.sleep, lambda: self.now, lambda: 0.0)


@dataclass
class Pair:
    """A and B; ``of_a`` and ``of_b`` are what their stores run on."""

    cloud_a: Cloud
    cloud_b: Cloud
    of_a: MemorySecrets
    of_b: MemorySecrets
    clock: Clock

    @property
    def a(self) -> Secrets:
        return self.cloud_a.secrets

    @property
    def b(self) -> Secrets:
        return self.cloud_b.secrets

    def course(self, **more: Any) -> drift.Course:
        patience = {f"patience_{side}": self.clock.patience() for side in "ab"}
        return drift.Course(**{**patience, **more})

    async def compared(self, prefix: str = "", **course: Any) -> dict[str, drift.Difference]:
        found = [
            each async for each in drift.compare(self.a, self.b, prefix, self.course(**course))
        ]
        assert len({each.name for each in found}) == len(found), "a name came twice"
        return {each.name: each for each in found}

    async def kinds(self, prefix: str = "", **course: Any) -> dict[str, str]:
        found = await self.compared(prefix, **course)
        return {name: str(each.kind) for name, each in sorted(found.items())}

    async def plan(self, prefix: str = "", **course: Any) -> drift.Plan:
        return await drift.plan(self.a, self.b, prefix, self.course(**course))

    async def carry_out(self, plan: drift.Plan, **course: Any) -> drift.Outcome:
        return await drift.carry_out(
            plan, self.a, self.b, self.course(**course), sleep=self.clock.sleep
        )

    async def synced(self) -> drift.Outcome:
        return await self.carry_out(await self.plan())


def _cloud(driver: MemorySecrets, tags: Mapping[str, str]) -> tuple[Cloud, str]:
    store = f"of-a-pair-{next(_numbers)}"
    share(store, driver)
    environment = Environment(
        primary=MemorySettings(backend="memory", store=store),
        tags=tags,
        retry=RetrySettings(attempts=1),
    )
    return Cloud(environment), store


@asynccontextmanager
async def pair(
    of_a: MemorySecrets | None = None,
    of_b: MemorySecrets | None = None,
    *,
    tags_a: Mapping[str, str] | None = None,
    tags_b: Mapping[str, str] | None = None,
) -> AsyncIterator[Pair]:
    """By default both are empty and can do everything."""
    of_a = of_a or MemorySecrets(capabilities=EVERYTHING)
    of_b = of_b or MemorySecrets(capabilities=EVERYTHING)
    (a, name_a), (b, name_b) = _cloud(of_a, tags_a or {}), _cloud(of_b, tags_b or {})
    try:
        async with a, b:
            yield Pair(a, b, of_a, of_b, Clock())
    finally:
        share(name_a, None)
        share(name_b, None)
