"""Bodies as they are written: parts, limits, progress, what a failure leaves."""

from __future__ import annotations

import asyncio
import tracemalloc
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from skykeep.conformance.cases import refused, shows_canary
from skykeep.conformance.objects_cases import body
from skykeep.errors import Conflict, Invalid, Unavailable, Unsupported
from skykeep.interfaces import object_writing
from skykeep.interfaces.object_driver import (
    ALWAYS,
    NO_ATTRIBUTES,
    Condition,
    ObjectCapabilities,
    ObjectInfo,
)
from skykeep.interfaces.object_sources import Body, source_of
from skykeep.interfaces.object_writing import MARK_BYTES, PART, part_size
from skykeep.providers.memory.objects import MemoryObjects
from tests.interfaces.object_sinks import SMALL, Sink, chunks_of, memory, objects_over

pytestmark = pytest.mark.asyncio

MIB = 1024 * 1024


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("size", [0, 1, 63, 64, 65, 127, 128, 129, 640, 1000])
@pytest.mark.parametrize("kind", ["bytes", "memoryview", "file", "iterator", "one-chunk"])
async def test_every_kind_of_body_arrives_whole(tmp_path: Path, size: int, kind: str) -> None:
    data = body(size=size)
    path = tmp_path / "body"
    path.write_bytes(data)
    given: Body = {
        "bytes": data,
        "memoryview": memoryview(data),
        "file": path,
        "iterator": chunks_of(*(data[at : at + 7] for at in range(0, size, 7))),
        "one-chunk": chunks_of(b"", data, b""),
    }[kind]  # type: ignore[assignment]  # the dictionary's values have no type in common
    driver = memory()
    objects, _, _ = objects_over(driver)
    info = await objects.put("dir/a", given)
    assert info.size == size
    assert (await objects.get("dir/a")).data == data
    assert driver.calls["begin_upload"] == (size > SMALL)
    assert driver.calls["write"] == (size <= SMALL)
    assert driver.calls["write_part"] == (-(-size // SMALL) if size > SMALL else 0)


async def test_what_is_no_body_is_refused(tmp_path: Path) -> None:
    objects, front, _ = objects_over(memory())
    for wrong in ("text", 5, None, [b"a"], tmp_path, tmp_path / "absent"):
        with pytest.raises(Invalid):
            await objects.put("a", wrong)  # type: ignore[arg-type]  # what is tested
    with pytest.raises(Invalid, match="chunks are bytes"):
        await objects.put("a", chunks_of("text"))  # type: ignore[arg-type]  # what is tested
    assert front.calls == []


@pytest.mark.parametrize("now", [50, 150])
async def test_a_file_that_changes_meanwhile_is_not_kept(tmp_path: Path, now: int) -> None:
    path = tmp_path / "body"
    path.write_bytes(b"x" * 100)
    source = source_of(path)
    path.write_bytes(b"x" * now)
    driver = memory()
    store = objects_over(driver)[0]._calls.store("a")
    with pytest.raises(Invalid, match="100 bytes"):
        await object_writing.send(
            source, store, driver.capabilities, NO_ATTRIBUTES, ALWAYS, progress=None
        )
    await source.close()
    assert driver.store.kept == {}


@pytest.mark.parametrize("more", [-1, 0, 1])
async def test_the_largest_object_of_a_store_without_parts(more: int) -> None:
    driver = memory(parts=False, max_write_bytes=1000)
    objects, _, _ = objects_over(driver)
    for given in (b"x" * (1000 + more), chunks_of(*[b"x"] * (1000 + more))):
        if more <= 0:
            assert (await objects.put("a", given)).size == 1000 + more
        else:
            with pytest.raises(Invalid, match="1,000 bytes"):
                await objects.put("b", given)
    assert "b" not in driver.store.kept


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("more", [-1, 0, 1])
async def test_the_largest_object(more: int) -> None:
    driver = memory(max_object_bytes=1000)
    objects, _, _ = objects_over(driver)
    for given in (b"x" * (1000 + more), chunks_of(*[b"x"] * (1000 + more))):
        if more <= 0:
            assert (await objects.put("a", given)).size == 1000 + more
        else:
            with pytest.raises(Invalid, match="1,000 bytes"):
                await objects.put("b", given)
    assert "b" not in driver.store.kept
    assert not driver.store.begun


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("more", [-1, 0, 1])
async def test_the_most_parts(more: int) -> None:
    driver = memory(max_parts=5, max_part_bytes=SMALL)
    objects, _, _ = objects_over(driver)
    size = 5 * SMALL + more
    if more <= 0:
        assert (await objects.put("a", chunks_of(b"x" * size))).size == size
        return
    with pytest.raises(Invalid, match="more than the 5 parts"):
        await objects.put("a", chunks_of(b"x" * size))
    assert not driver.store.begun
    assert not driver.store.kept


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (None, PART),
        (0, PART),
        (PART * 10_000 - 1, PART),
        (PART * 10_000, PART),
        (PART * 10_000 + 1, PART + 2 * MIB),
        (5 * 1024**4, 526 * MIB),
    ],
)
async def test_parts_grow_where_the_object_would_have_too_many(
    size: int | None, expected: int
) -> None:
    can = ObjectCapabilities()
    assert part_size(size, can) == expected
    if size:
        assert -(-size // part_size(size, can)) <= can.max_parts


async def test_parts_keep_within_what_the_store_takes() -> None:
    assert part_size(None, ObjectCapabilities(min_part_bytes=PART + 1)) == PART + 1
    assert part_size(None, ObjectCapabilities(max_part_bytes=MIB)) == MIB
    assert part_size(None, ObjectCapabilities(max_write_bytes=1000)) == 1000
    assert part_size(None, ObjectCapabilities(parts=False, max_write_bytes=1000)) == 1000


@pytest.mark.usefixtures("small_parts")
async def test_parts_double_where_nobody_knows_the_size(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(object_writing, "STEP", 10)
    sink = Sink(max_part_bytes=SMALL * 4)
    objects, _, _ = objects_over(sink)
    await objects.put("a", chunks_of(*[b"x" * 100] * 80))
    sizes = [sink.sizes[number] for number in sorted(sink.sizes)]
    assert sizes[:10] == [SMALL] * 10
    assert sizes[10:20] == [SMALL * 2] * 10
    assert set(sizes[20:-1]) == {SMALL * 4}
    assert sum(sizes) == 8000
    sink = Sink()
    await objects_over(sink)[0].put("a", b"x" * 8000)
    assert set(sink.sizes.values()) == {SMALL}, "a known size needs no growth"


@pytest.mark.usefixtures("small_parts")
async def test_a_few_parts_are_under_way_at_once() -> None:
    sink = Sink()
    await objects_over(sink)[0].put("a", b"x" * SMALL * 50)
    assert sink.most_at_once == object_writing.AT_ONCE


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("known", [True, False])
async def test_progress_goes_up_to_the_whole(known: bool) -> None:
    data = b"x" * (SMALL * 7 + 3)
    told: list[tuple[int, int | None]] = []
    objects, _, _ = objects_over(memory())
    given = data if known else chunks_of(data)
    await objects.put("a", given, progress=lambda sent, of: told.append((sent, of)))
    sent = [each for each, _ in told]
    assert sent == sorted(set(sent))
    assert sent[-1] == len(data)
    assert {of for _, of in told} == {len(data) if known else None}
    told.clear()
    await objects.put("a", b"xyz", progress=lambda sent, of: told.append((sent, of)))
    assert told == [(3, 3)]


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("fails", ["write_part", "complete_upload", "begin_upload"])
async def test_an_upload_that_fails_is_ended(fails: str) -> None:
    driver = memory()
    await driver.write("a", b"old")
    driver.fail_next(Unavailable("down"), operation=fails)
    objects, _, _ = objects_over(driver)
    error = await refused(Unavailable, objects.put("a", body(size=1000)))
    assert error.message == "down"
    assert not driver.store.begun
    assert driver.store.kept["a"].data == b"old"
    assert asyncio.all_tasks() == {asyncio.current_task()}


@pytest.mark.usefixtures("small_parts")
async def test_the_failure_is_told_where_the_upload_cannot_be_ended() -> None:
    driver = memory()
    driver.fail_next(Unavailable("down"), operation="write_part")
    driver.fail_next(Unavailable("down still"), operation="abort_upload")
    objects, _, _ = objects_over(driver)
    with pytest.raises(Unavailable, match=r"down$"):
        await objects.put("a", b"x" * 1000)
    assert len(driver.store.begun) == 1
    assert await objects.collect() == 0, "it is younger than a day"
    for begun in driver.store.begun.values():
        object.__setattr__(begun.upload, "begun_at", None)
    assert await objects.collect() == 1
    assert not driver.store.begun


@pytest.mark.usefixtures("small_parts")
async def test_a_body_that_breaks_is_not_kept() -> None:
    class Broken(Exception):
        """Of the application's own iterator."""

    async def broken() -> AsyncIterator[bytes]:
        yield b"x" * 1000
        raise Broken

    driver = memory()
    objects, _, _ = objects_over(driver)
    with pytest.raises(Broken):
        await objects.put("a", broken())
    assert not driver.store.begun
    assert not driver.store.kept
    assert asyncio.all_tasks() == {asyncio.current_task()}


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("at", ["a-part", "the-end", "the-source"])
async def test_a_put_that_is_cancelled_leaves_nothing(at: str) -> None:
    reached = asyncio.Event()
    closed: list[bool] = []

    class Waits(MemoryObjects):
        async def write_part(self, key: str, upload: str, number: int, data: bytes) -> str:
            if at == "a-part" and number == 3:
                await _forever(reached)
            return await super().write_part(key, upload, number, data)

        async def complete_upload(
            self, key: str, upload: str, parts: Sequence[str], condition: Condition = ALWAYS
        ) -> ObjectInfo:
            if at == "the-end":
                await _forever(reached)
            return await super().complete_upload(key, upload, parts, condition)

    async def source() -> AsyncIterator[bytes]:
        try:
            yield b"x" * 1000
            if at == "the-source":
                await _forever(reached)
        finally:
            closed.append(True)

    driver = Waits()
    objects, _, _ = objects_over(driver)
    putting = asyncio.create_task(objects.put("a", source()))
    await reached.wait()
    putting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await putting
    assert not driver.store.begun
    assert not driver.store.kept
    assert closed
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def _forever(reached: asyncio.Event) -> None:
    reached.set()
    await asyncio.Event().wait()


@pytest.mark.usefixtures("small_parts")
async def test_what_the_store_cannot_do_is_refused_before_a_byte_is_sent() -> None:
    cases: tuple[tuple[str, dict[str, Any]], ...] = (
        ("metadata", {"metadata": {"a": "b"}}),
        ("tags", {"tags": {"a": "b"}}),
        ("content_type", {"content_type": "text/plain"}),
        ("presign", {"storage_class": "COLD"}),  # storage_classes is empty
        ("exclusive_create", {"if_absent": True}),
        ("compare_and_set", {"if_match": '"etag"'}),
        ("conditional_parts", {"if_absent": True}),
    )
    for flag, asked in cases:
        driver = MemoryObjects(capabilities=ObjectCapabilities(**{flag: False}))  # type: ignore[arg-type]  # flags
        objects, front, _ = objects_over(driver)
        for given in (b"x" * 1000, chunks_of(b"x" * 1000)):
            with pytest.raises(Unsupported):
                await objects.put("a", given, **asked)
        assert front.calls == [], flag


@pytest.mark.parametrize("more", [-1, 0, 1])
async def test_metadata_has_room_for_the_mark(more: int) -> None:
    driver = memory(max_metadata_bytes=200)
    objects, front, _ = objects_over(driver)
    pairs = {"n": "v" * (199 - MARK_BYTES + more)}
    if more <= 0:
        await objects.put("a", b"", metadata=pairs, if_absent=True)
        return
    with pytest.raises(Invalid, match="200 bytes of metadata"):
        await objects.put("a", b"", metadata=pairs, if_absent=True)
    assert front.calls == []
    await objects.put("a", b"", metadata=pairs)


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("size", [60, 1000], ids=["whole", "parts"])
async def test_no_traceback_shows_the_body(size: int) -> None:
    driver = memory()
    objects, _, _ = objects_over(driver)
    await objects.put("a", b"old")
    assert shows_canary(repr(body(size=size)))
    await refused(Conflict, objects.put("a", body(size=size), if_absent=True))
    driver.fail_next(Unavailable("down"), times=9)
    await refused(Unavailable, objects.put("a", body(size=size)))


async def test_a_transfer_is_bounded_in_memory() -> None:
    """300 MB from an iterator: some parts at once, whatever the size."""
    chunk = b"x" * MIB
    sink = Sink()
    objects, _, _ = objects_over(sink)
    tracemalloc.start()
    try:
        await objects.put("a", chunks_of(*[chunk] * 300))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert sum(sink.sizes.values()) == 300 * MIB
    assert peak < 64 * MIB
