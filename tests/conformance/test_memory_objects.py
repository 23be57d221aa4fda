"""The in-memory driver of objects, whole and with each capability switched off."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Literal
from urllib.parse import quote, unquote

from skykeep.conformance.objects import ObjectsHarness, ObjectsSuite
from skykeep.conformance.objects_harness import MakesObjectsHarness
from skykeep.interfaces.object_driver import (
    LifecycleRule,
    ObjectCapabilities,
    ObjectDriver,
)
from skykeep.providers.memory.objects import MemoryObjects, ObjectStore

EVERYTHING = ObjectCapabilities(
    presign=False, lifecycle=True, storage_classes=("STANDARD", "COLD")
)
OTHERS = "of-others"


class MemoryHarness(ObjectsHarness):
    """Two drivers over one store of this process."""

    persistent = True

    def __init__(
        self, directory: Path, capabilities: ObjectCapabilities = EVERYTHING, prefix: str = ""
    ) -> None:
        super().__init__(directory)
        self.capabilities = capabilities
        self.prefix = prefix
        self.kept = ObjectStore()

    async def open(self) -> ObjectDriver:
        return MemoryObjects(self.kept, self.capabilities, self.prefix)

    async def reopen(self) -> ObjectDriver:
        return await self.open()

    def without(self, capability: str) -> ObjectsHarness:
        return MemoryHarness(self.directory, less(self.capabilities, capability), self.prefix)

    async def plant_rule(self) -> None:
        # Under a place that is no prefix of the rule's own: as somebody else's in a cloud.
        self.kept.rules[OTHERS] = LifecycleRule(prefix="theirs", expire_after_days=5)

    async def planted_rules(self) -> object:
        return self.kept.rules.get(OTHERS)

    async def fill(self, key: str, data: bytes) -> None:
        able = replace(self.capabilities, write=True)
        await MemoryObjects(self.kept, able, self.prefix).write(key, data)


def less(can: ObjectCapabilities, flag: str) -> ObjectCapabilities:
    """The capabilities without this one."""
    if flag == "storage_classes":
        return replace(can, storage_classes=())
    return replace(can, **{flag: False})  # type: ignore[arg-type]  # all other flags are bools


class CheapHarness(MemoryHarness):
    """Listings of many pages are left to one run of the suite."""

    many = 40

    def without(self, capability: str) -> ObjectsHarness:
        return CheapHarness(self.directory, less(self.capabilities, capability), self.prefix)


def able(prefix: str = "", **flags: object) -> MakesObjectsHarness:
    """A harness with these capabilities instead."""
    return lambda directory: CheapHarness(
        directory,
        replace(EVERYTHING, **flags),  # type: ignore[arg-type]  # flags of different types
        prefix,
    )


class ServedObjects(MemoryObjects):
    """With URLs that a server in this process answers: the suite's cases of them."""

    def __init__(self, store: ObjectStore, can: ObjectCapabilities, port: int) -> None:
        super().__init__(store, can)
        self.port = port
        self.given: dict[str, tuple[str, str]] = {}

    async def presign(self, key: str, method: Literal["GET", "PUT"], seconds: int) -> str:
        if not self.capabilities.presign:
            raise self.unsupported("presign")
        token = secrets.token_hex(8)
        self.given[token] = (method, key)
        return f"http://127.0.0.1:{self.port}/{quote(key)}?token={token}"


class ServedHarness(MemoryHarness):
    persistent = False
    many = 40

    def __init__(
        self,
        directory: Path,
        capabilities: ObjectCapabilities = replace(EVERYTHING, presign=True),  # noqa: B008  (frozen)
    ) -> None:
        super().__init__(directory, capabilities)
        self.server: ThreadingHTTPServer | None = None

    async def open(self) -> ObjectDriver:
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(lambda: driver))
        driver = ServedObjects(self.kept, self.capabilities, self.server.server_port)
        Thread(target=self.server.serve_forever, args=(0.01,)).start()
        return driver

    async def close(self) -> None:
        if self.server is not None:
            await asyncio.to_thread(self.server.shutdown)
            self.server.server_close()

    def without(self, capability: str) -> ObjectsHarness:
        return ServedHarness(self.directory, less(self.capabilities, capability))


def _handler(driver: Callable[[], ServedObjects]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            key = self.key()
            kept = driver().store.kept.get(key)
            if kept is None or self.method_of(key) != "GET":
                return self.answer(404, b"")
            return self.answer(200, kept.data)

        def do_PUT(self) -> None:
            key = self.key()
            data = self.rfile.read(int(self.headers["Content-Length"]))
            if self.method_of(key) != "PUT":
                return self.answer(403, b"")
            asyncio.run(driver().write(key, data))
            return self.answer(200, b"")

        def key(self) -> str:
            return unquote(self.path.partition("?")[0][1:])

        def method_of(self, key: str) -> str:
            method, of = driver().given.get(self.path.rpartition("=")[2], ("", ""))
            return method if of == key else ""

        def answer(self, status: int, data: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *given: object) -> None:
            """Nothing: it would be among the tests' lines."""

    return Handler


class TestMemory(ObjectsSuite):
    harness = MemoryHarness


class TestWithUrls(ObjectsSuite):
    harness = ServedHarness


class TestUnderAPrefix(ObjectsSuite):
    harness = able(prefix="team/app-")


class TestWithoutNestedKeys(ObjectsSuite):
    harness = able(nested_keys=False)


class TestWithoutAnOrder(ObjectsSuite):
    harness = able(ordered=False)


class TestWithEtagsOfTheBody(ObjectsSuite):
    harness = able(etag_of_attributes=False)


class TestReadOnly(ObjectsSuite):
    harness = able(write=False)


class TestWithoutExclusiveCreate(ObjectsSuite):
    harness = able(exclusive_create=False)


class TestWithoutCompareAndSet(ObjectsSuite):
    harness = able(compare_and_set=False)


class TestWithoutConditionalDelete(ObjectsSuite):
    harness = able(conditional_delete=False)


class TestWithoutParts(ObjectsSuite):
    harness = able(parts=False)


class TestWithoutConditionalParts(ObjectsSuite):
    harness = able(conditional_parts=False)


class TestWithoutMetadata(ObjectsSuite):
    harness = able(metadata=False)


class TestWithoutContentType(ObjectsSuite):
    harness = able(content_type=False)


class TestWithoutTags(ObjectsSuite):
    harness = able(tags=False)


class TestWithoutCopy(ObjectsSuite):
    harness = able(copy=False)


class TestWithoutConditionalCopy(ObjectsSuite):
    harness = able(conditional_copy=False)


class TestWithoutLifecycle(ObjectsSuite):
    harness = able(lifecycle=False)


class TellsItsRegion(MemoryHarness):
    """A driver that knows where it is."""

    many = 40
    region = "eu-west-1"

    async def open(self) -> ObjectDriver:
        driver = MemoryObjects(self.kept, self.capabilities, self.prefix)
        driver.told_region = self.region
        return driver


class TestWithARegion(ObjectsSuite):
    harness = TellsItsRegion


class TestWithoutStorageClasses(ObjectsSuite):
    harness = able(storage_classes=())


class TestWithLimits(ObjectsSuite):
    harness = able(
        max_write_bytes=30_000,
        min_part_bytes=1000,
        max_part_bytes=25_000,
        max_parts=5,
        max_object_bytes=45_000,
        max_metadata_bytes=300,
    )


class TestWithoutAnything(ObjectsSuite):
    harness = able(
        exclusive_create=False,
        compare_and_set=False,
        conditional_delete=False,
        parts=False,
        conditional_parts=False,
        metadata=False,
        content_type=False,
        tags=False,
        copy=False,
        conditional_copy=False,
        lifecycle=False,
        storage_classes=(),
        nested_keys=False,
        ordered=False,
        etag_of_attributes=False,
    )
