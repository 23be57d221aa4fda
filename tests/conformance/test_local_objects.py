"""Objects in a local directory are held to the suite, and against the in-memory driver."""

from __future__ import annotations

from pathlib import Path

import pytest

from skykeep.conformance.objects import ObjectsHarness, ObjectsSuite
from skykeep.conformance.objects_stateful import differential
from skykeep.interfaces.object_driver import ObjectDriver
from skykeep.providers.local.objects.driver import CAPABILITIES, LocalObjects
from skykeep.providers.memory.objects import MemoryObjects


class LocalHarness(ObjectsHarness):
    persistent = True

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.drivers: list[ObjectDriver] = []

    async def open(self) -> ObjectDriver:
        return await self.reopen()

    async def reopen(self) -> ObjectDriver:
        self.drivers.append(LocalObjects(self.directory / "objects"))
        return self.drivers[-1]

    async def close(self) -> None:
        for driver in self.drivers:
            await driver.close()


class TestLocal(ObjectsSuite):
    harness = LocalHarness


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.asyncio
async def test_local_and_memory_agree(tmp_path: Path, seed: int) -> None:
    roots: list[Path] = []
    drivers: list[ObjectDriver] = []

    def at(root: Path) -> ObjectDriver:
        drivers.append(LocalObjects(root))
        return drivers[-1]

    async def local() -> ObjectDriver:
        roots.append(tmp_path / str(len(roots)))
        return at(roots[-1])

    async def reopen(driver: ObjectDriver) -> ObjectDriver:
        await driver.close()
        return at(roots[-1])

    async def memory() -> ObjectDriver:
        return MemoryObjects(capabilities=CAPABILITIES)

    try:
        await differential(local, memory, operations=600, seed=seed, reopen_a=reopen)
    finally:
        for driver in drivers:
            await driver.close()
