"""Bodies as they are read: ranges ahead of the reader, of one object from end to end."""

from __future__ import annotations

import asyncio
import tracemalloc
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from skykeep.errors import Conflict, Invalid, NotFound, Unavailable
from skykeep.interfaces.object_driver import Fragment, ObjectInfo
from skykeep.interfaces.object_reading import AHEAD, RANGE
from skykeep.interfaces.tasks import Tasks
from skykeep.providers.memory.objects import MemoryObjects
from tests.interfaces.object_sinks import Sink, objects_over

pytestmark = pytest.mark.asyncio

MIB = 1024 * 1024
DATA = bytes(i % 251 for i in range(1000))


async def kept(data: bytes = DATA) -> MemoryObjects:
    driver = MemoryObjects()
    await driver.write("a", data)
    return driver


async def left(tasks: Tasks) -> int:
    """How many tasks are under way; one that has ended is taken out at the loop's next turn."""
    await asyncio.sleep(0)
    return len(tasks)


@pytest.mark.parametrize("range_bytes", [1, 7, 100, 999, 1000, 1001])
@pytest.mark.parametrize("start", [0, 1, 500, 999, 1000])
@pytest.mark.parametrize("length", [None, 0, 1, 300, 5000])
async def test_every_range_of_a_body(range_bytes: int, start: int, length: int | None) -> None:
    driver = await kept()
    objects, _, tasks = objects_over(driver)
    expected = DATA[start:] if length is None else DATA[start : start + length]
    chunks = []
    async with objects.stream("a", start=start, length=length, range_bytes=range_bytes) as body:
        assert body.info.size == len(DATA)
        async for chunk in body:
            assert 0 < len(chunk) <= range_bytes
            chunks.append(chunk)
            assert body.position == start + sum(map(len, chunks))
    assert b"".join(chunks) == expected
    assert driver.calls["read"] == max(1, -(-len(expected) // range_bytes)), "and no more"
    assert await left(tasks) == 0


async def test_get_gives_the_body_and_where_it_is_from() -> None:
    objects, front, _ = objects_over(await kept())
    whole = await objects.get("a")
    assert (whole.data, whole.start, whole.source) == (DATA, 0, "primary (test)")
    assert len(front.calls) == 1, "an object of one range is one call"
    part = await objects.get("a", start=10, length=5)
    assert (part.data, part.start, part.info) == (DATA[10:15], 10, whole.info)
    assert (await objects.get("a", length=0)).data == b""
    assert "251" not in repr(whole)
    assert repr(DATA[:3]) not in repr(whole)


async def test_what_cannot_be_read() -> None:
    objects, front, tasks = objects_over(await kept())
    for asked in ({"start": -1}, {"length": -1}):
        with pytest.raises(Invalid):
            await objects.get("a", **asked)  # type: ignore[arg-type]  # either
    with pytest.raises(Invalid):
        objects.stream("a", range_bytes=0)
    assert front.calls == []
    with pytest.raises(Invalid):
        await objects.get("a", start=1001)
    with pytest.raises(NotFound):
        await objects.get("absent")
    with pytest.raises(Conflict):
        await objects.get("a", if_match='"other"')
    with pytest.raises(RuntimeError, match="async with"):
        _ = objects.stream("a").info
    assert await left(tasks) == 0


async def test_a_few_ranges_are_asked_for_ahead() -> None:
    driver = await kept()
    objects, _, tasks = objects_over(driver)
    async with objects.stream("a", range_bytes=10) as body:
        await asyncio.sleep(0)
        assert driver.calls["read"] == 1 + AHEAD
        await anext(body)
        await anext(body)
        await asyncio.sleep(0)
        assert driver.calls["read"] == 2 + AHEAD
    assert await left(tasks) == 0


@pytest.mark.parametrize("into", [b"y" * 1000, b"y" * 10, b""])
async def test_an_object_that_is_replaced_while_it_is_read(into: bytes) -> None:
    driver = await kept()
    objects, _, tasks = objects_over(driver)
    seen = b""
    async with objects.stream("a", range_bytes=10) as body:
        while len(seen) < 100:
            seen += await anext(body)
        await driver.write("a", into)
        with pytest.raises(Conflict):
            seen += b"".join([chunk async for chunk in body])
        assert await left(tasks) == 0, "the failure ends what is under way"
    assert DATA.startswith(seen), "no byte is of the other object"


async def test_an_object_that_is_deleted_while_it_is_read() -> None:
    driver = await kept()
    objects, _, tasks = objects_over(driver)
    async with objects.stream("a", range_bytes=10) as body:
        await driver.delete("a")
        with pytest.raises(NotFound):
            _ = [chunk async for chunk in body]
    assert await left(tasks) == 0


async def test_a_range_that_breaks_is_told() -> None:
    driver = await kept()
    objects, _, tasks = objects_over(driver)
    async with objects.stream("a", range_bytes=10) as body:
        driver.fail_next(Unavailable("down"), times=100)
        with pytest.raises(Unavailable):
            _ = [chunk async for chunk in body]
    assert await left(tasks) == 0


class Short(MemoryObjects):
    """Gives fewer bytes than were asked for, as a connection that ends early."""

    most = 3

    async def read(
        self,
        key: str,
        *,
        start: int = 0,
        length: int | None = None,
        if_match: str | None = None,
    ) -> Fragment:
        found = await super().read(key, start=start, length=length, if_match=if_match)
        return replace(found, data=found.data[: self.most])


@pytest.mark.parametrize("range_bytes", [2, 10, 5000])
async def test_short_answers_are_put_together(range_bytes: int) -> None:
    driver = Short()
    await driver.write("a", DATA)
    objects, _, _ = objects_over(driver)
    async with objects.stream("a", range_bytes=range_bytes) as body:
        assert b"".join([chunk async for chunk in body]) == DATA


@pytest.mark.parametrize("after", [0, 1, 4, 90])
async def test_a_body_that_ends_too_early_is_never_taken_for_whole(after: int) -> None:
    driver = Short()
    driver.most = 10
    await driver.write("a", DATA)
    objects, _, tasks = objects_over(driver)
    async with objects.stream("a", range_bytes=10) as body:
        for _ in range(after):
            await anext(body)
        driver.most = 0
        with pytest.raises(Unavailable, match="the object has more"):
            _ = [chunk async for chunk in body]
    assert await left(tasks) == 0
    driver.most = 0
    with pytest.raises(Unavailable):
        await objects.get("a")


async def test_a_reader_that_is_cancelled_leaves_nothing() -> None:
    reached = asyncio.Event()

    class Waits(MemoryObjects):
        async def read(
            self,
            key: str,
            *,
            start: int = 0,
            length: int | None = None,
            if_match: str | None = None,
        ) -> Fragment:
            if start >= 100:
                reached.set()
                await asyncio.Event().wait()
            return await super().read(key, start=start, length=length, if_match=if_match)

    driver = Waits()
    await driver.write("a", DATA)
    objects, _, tasks = objects_over(driver)

    async def read() -> None:
        async with objects.stream("a", range_bytes=10) as body:
            async for _ in body:
                pass

    reading = asyncio.create_task(read())
    await reached.wait()
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert await left(tasks) == 0
    assert asyncio.all_tasks() == {asyncio.current_task()}


class Endless(Sink):
    """An object of 300 MB that is nowhere."""

    async def read(
        self,
        key: str,
        *,
        start: int = 0,
        length: int | None = None,
        if_match: str | None = None,
    ) -> Fragment:
        info = ObjectInfo(key, 300 * MIB, '"etag"', datetime.now(UTC))
        wanted = info.size - start
        return Fragment(info, start, bytes(wanted if length is None else min(length, wanted)))


async def test_a_reader_is_bounded_in_memory() -> None:
    objects, _, _ = objects_over(Endless())
    read = 0
    tracemalloc.start()
    try:
        async with objects.stream("a") as body:
            async for chunk in body:
                assert len(chunk) <= RANGE
                read += len(chunk)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert read == 300 * MIB
    assert peak < 64 * MIB
