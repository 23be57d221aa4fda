"""A body's time: each range has its own, and the reader's own time is not in it."""

from __future__ import annotations

import asyncio
from random import Random

import msgspec

from skykeep.interfaces.object_driver import Condition, ObjectAttributes
from skykeep.interfaces.objects import Objects
from skykeep.interfaces.tasks import Tasks
from skykeep.layers.stack import Stack
from skykeep.providers.memory.objects import MemoryObjects
from skykeep.settings.model import Environment, TargetSettings
from tests.layers.calls import FakeTarget
from tests.simulation.loop import VirtualLoop


class Bucket(FakeTarget):
    def __init__(self) -> None:
        super().__init__()
        self.objects = MemoryObjects()

    async def driver(self, capability: str) -> MemoryObjects:
        assert capability == "objects"
        return self.objects


def test_a_reader_may_take_an_hour_between_the_ranges_of_a_body() -> None:
    async def read() -> int:
        bucket, tasks, size = Bucket(), Tasks(), 3 * 1024
        await bucket.objects.write("model", bytes(size), ObjectAttributes(), Condition())
        environment = msgspec.structs.replace(
            Environment(primary=TargetSettings(backend="memory")),
            deadline_seconds=0.1,
            attempt_seconds=0.1,
        )
        stack = Stack(environment, bucket, tasks, embedded=False)
        bucket.objects.latency = 0.09  # of each range: nearly all the time that a try has
        found = 0
        async with Objects(stack, bucket, tasks).stream("model", range_bytes=1024) as body:
            async for chunk in body:
                found += len(chunk)
                await asyncio.sleep(3600)
        await tasks.close()
        return found

    loop = VirtualLoop(Random(1))
    try:
        assert loop.run_until_complete(read()) == 3 * 1024
        assert loop.time() > 3 * 3600
    finally:
        loop.close()
