"""Objects that are encrypted before upload are held to the suite, over two drivers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from skykeep.conformance.objects import ObjectsHarness, ObjectsSuite
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
    Upload,
)
from skykeep.interfaces.objects import Objects
from tests.conformance.test_local_objects import LocalHarness
from tests.conformance.test_memory_objects import EVERYTHING, MemoryHarness
from tests.sealing.places import Places


class SealedDriver(ObjectDriver):
    """What applications see of a driver whose bodies are sealed, as a driver.

    Parts are made and conditions settled below this, so that it has no parts of its own.
    """

    def __init__(self, inner: ObjectDriver, objects: Objects, places: Places) -> None:
        self._inner = inner
        self._objects = objects
        can = places.bodies.capabilities(inner.capabilities)
        self.capabilities: ObjectCapabilities = replace(
            can, parts=False, conditional_parts=False, lifecycle=False
        )

    async def head(self, key: str) -> ObjectInfo:
        return await self._objects.head(key)

    async def read(
        self,
        key: str,
        *,
        start: int = 0,
        length: int | None = None,
        if_match: str | None = None,
    ) -> Fragment:
        found = await self._objects.get(key, start=start, length=length, if_match=if_match)
        return Fragment(found.info, start, found.data)

    async def list(
        self, prefix: str, *, cursor: str | None, limit: int, delimiter: bool = False
    ) -> ObjectPage:
        listing = self._objects.list(
            prefix, delimiter=delimiter, cursor=cursor, page_size=limit
        )
        page = await listing.next_page()
        assert page is not None
        return page

    async def write(
        self,
        key: str,
        data: bytes,
        attributes: ObjectAttributes = NO_ATTRIBUTES,
        condition: Condition = ALWAYS,
    ) -> ObjectInfo:
        try:
            if not self.capabilities.write:
                raise self.unsupported("write")
            return await self._objects.put(
                key,
                data,
                content_type=attributes.content_type,
                metadata=attributes.metadata,
                tags=attributes.tags,
                storage_class=attributes.storage_class,
                if_match=condition.if_match,
                if_absent=condition.if_absent,
            )
        finally:
            del data

    async def delete(self, key: str, *, if_match: str | None = None) -> None:
        await self._objects.delete(key, if_match=if_match)

    async def tags(self, key: str) -> Mapping[str, str]:
        return await self._objects.tags(key)

    async def uploads(self, prefix: str) -> Sequence[Upload]:
        raise self.unsupported("uploads")

    async def close(self) -> None:
        await self._inner.close()


class SealedMemory(ObjectsHarness):
    persistent = True
    many = 60

    def __init__(self, directory: Path, can: ObjectCapabilities = EVERYTHING) -> None:
        super().__init__(directory)
        self.inner = MemoryHarness(directory, can)
        self.places = Places()

    async def open(self) -> ObjectDriver:
        await self.places.made()
        return await self.reopen()

    async def reopen(self) -> ObjectDriver:
        driver = await self.inner.open()
        return SealedDriver(driver, self.places.objects(driver), self.places)

    def without(self, capability: str) -> ObjectsHarness:
        inner = self.inner.without(capability)
        assert isinstance(inner, MemoryHarness)
        return SealedMemory(self.directory, inner.capabilities)

    async def fill(self, key: str, data: bytes) -> None:
        able = MemoryHarness(self.directory, replace(self.inner.capabilities, write=True))
        able.kept = self.inner.kept
        await self.places.objects(await able.open()).put(key, data)


class SealedLocal(ObjectsHarness):
    persistent = True
    many = 60

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.inner = LocalHarness(directory)
        self.places = Places()

    async def open(self) -> ObjectDriver:
        await self.places.made()
        return await self.reopen()

    async def reopen(self) -> ObjectDriver:
        driver = await self.inner.reopen()
        return SealedDriver(driver, self.places.objects(driver), self.places)

    async def close(self) -> None:
        await self.inner.close()


class TestSealedInMemory(ObjectsSuite):
    harness = SealedMemory


class TestSealedInADirectory(ObjectsSuite):
    harness = SealedLocal
