"""An archive on a store in memory, with a clock that stands still until it is set."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

import msgspec

from skykeep.archive.archive import Archive
from skykeep.cloud import Cloud
from skykeep.providers.memory.objects import MemoryObjects
from skykeep.providers.memory.settings import MemorySettings
from skykeep.settings.model import Environment, RetrySettings
from skykeep.settings.storage import ArchiveSettings, StorageSettings

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


@dataclass
class Kit:
    """An archive, what is under it, and what drives its time."""

    cloud: Cloud
    driver: MemoryObjects
    now: datetime = NOON
    sleeping: list[tuple[float, asyncio.Future[None]]] = field(default_factory=list)

    def archive(self, **more: Any) -> Archive:
        return Archive(self.cloud, clock=lambda: self.now, sleep=self.sleep, **more)

    async def sleep(self, seconds: float) -> None:
        waked: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.sleeping.append((seconds, waked))
        await waked

    def wake(self) -> list[float]:
        """Let all who sleep go on; how long they meant to."""
        awake, self.sleeping = [each for each in self.sleeping if not each[1].done()], []
        for _, waked in awake:
            waked.set_result(None)
        return [seconds for seconds, _ in awake]

    async def keys(self) -> list[str]:
        return [info.key async for info in self.cloud.objects.list()]


@asynccontextmanager
async def kit(prefix: str = "scan-results/", **settings: Any) -> AsyncIterator[Kit]:
    """The keys of ``object_storage.archive``; a call is tried once."""
    environment = Environment(
        primary=MemorySettings(backend="memory"),
        retry=RetrySettings(attempts=1),
        object_storage=StorageSettings(
            results_prefix=prefix, archive=msgspec.convert(settings, ArchiveSettings)
        ),
    )
    async with Cloud(environment, environ={}) as cloud:
        driver = await cloud._primary.target.driver("objects")
        yield Kit(cloud, cast("MemoryObjects", driver))


async def settled() -> None:
    """All tasks have done what they can do without being waked."""
    for _ in range(500):
        await asyncio.sleep(0)


async def listed(archive: Archive, **span: Any) -> list[str]:
    return [entry.id async for entry in archive.list(**span)]
