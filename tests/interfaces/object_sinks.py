"""An ``Objects`` over one driver, under retries alone; and a driver that keeps nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar, cast

from skykeep.errors import NotFound
from skykeep.interfaces.call import Answer, Call, Front, Role, RoutedCall, Target
from skykeep.interfaces.object_driver import (
    ALWAYS,
    NO_ATTRIBUTES,
    Condition,
    Fragment,
    ObjectAttributes,
    ObjectCapabilities,
    ObjectDriver,
    ObjectInfo,
    ObjectPage,
)
from skykeep.interfaces.objects import Objects
from skykeep.interfaces.tasks import Tasks
from skykeep.layers.retry import Retry
from skykeep.providers.memory.objects import MemoryObjects

T = TypeVar("T")


SMALL = 64
"""Bytes of a part where the fixture ``small_parts`` is used."""


def memory(**flags: Any) -> MemoryObjects:
    """An empty in-memory store that can do that."""
    return MemoryObjects(capabilities=ObjectCapabilities(presign=False, **flags))


class OneTarget:
    """A target whose driver is given."""

    name = "primary (test)"
    provider = "test"
    region = None
    role = Role.PRIMARY
    embedded = True

    def __init__(self, kept: ObjectDriver) -> None:
        self.kept = kept

    async def driver(self, capability: str) -> Any:
        assert capability == "objects"
        return self.kept


class Direct:
    """Sends each call to the target, with so many tries; the calls are kept."""

    def __init__(self, target: Target, attempts: int) -> None:
        self.target = target
        self.retry = Retry(attempts, base=0.0, longest=0.0)
        self.calls: list[Call[Any]] = []

    async def __call__(self, call: Call[T], /) -> Answer[T]:
        self.calls.append(call)
        return await self.retry(RoutedCall(call, self.target), _sent)

    def invalidate(self, resource: str | None) -> None:
        """Nothing is cached."""


async def _sent(routed: RoutedCall[T]) -> Answer[T]:
    return Answer(await routed.call.send(routed.target), routed.target.name)


def objects_over(
    driver: ObjectDriver, scope: str = "", *, attempts: int = 1
) -> tuple[Objects, Direct, Tasks]:
    """What an application would have, its calls, and its tasks."""
    target = cast("Target", OneTarget(driver))
    front, tasks = Direct(target, attempts), Tasks()
    return Objects(cast("Front", front), target, tasks, scope), front, tasks


class Sink(ObjectDriver):
    """Counts the bytes of what is written, and keeps none of them."""

    def __init__(self, **capabilities: Any) -> None:
        self.capabilities = ObjectCapabilities(**capabilities)
        self.sizes: dict[int, int] = {}
        self.at_once = 0
        self.most_at_once = 0
        self.aborted: list[str] = []
        self.info: ObjectInfo | None = None

    async def head(self, key: str) -> ObjectInfo:
        if self.info is None:
            raise NotFound("nothing was written")
        return self.info

    async def read(
        self,
        key: str,
        *,
        start: int = 0,
        length: int | None = None,
        if_match: str | None = None,
    ) -> Fragment:
        raise NotFound("nothing is kept")

    async def list(
        self, prefix: str, *, cursor: str | None, limit: int, delimiter: bool = False
    ) -> ObjectPage:
        return ObjectPage([], [], None)

    async def write(
        self,
        key: str,
        data: bytes,
        attributes: ObjectAttributes = NO_ATTRIBUTES,
        condition: Condition = ALWAYS,
    ) -> ObjectInfo:
        return self._keep(key, len(data))

    async def begin_upload(self, key: str, attributes: ObjectAttributes = NO_ATTRIBUTES) -> str:
        return "upload"

    async def write_part(self, key: str, upload: str, number: int, data: bytes) -> str:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(0)
        self.at_once -= 1
        assert number not in self.sizes
        self.sizes[number] = len(data)
        return str(number)

    async def complete_upload(
        self, key: str, upload: str, parts: Sequence[str], condition: Condition = ALWAYS
    ) -> ObjectInfo:
        assert list(parts) == [str(number) for number in sorted(self.sizes)]
        return self._keep(key, sum(self.sizes.values()))

    async def abort_upload(self, key: str, upload: str) -> None:
        self.aborted.append(upload)

    def _keep(self, key: str, size: int) -> ObjectInfo:
        self.info = ObjectInfo(key, size, '"etag"', datetime.now(UTC))
        return self.info


async def chunks_of(*chunks: bytes) -> AsyncIterator[bytes]:
    """An async iterator, as a network gives one."""
    for chunk in chunks:
        await asyncio.sleep(0)
        yield chunk
