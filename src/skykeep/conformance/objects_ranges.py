"""Cases: ranges of a body."""

from __future__ import annotations

from dataclasses import replace

import pytest

from skykeep.conformance.cases import case, refused
from skykeep.conformance.objects_cases import UNKNOWN_ETAG, body, put, unchanged
from skykeep.conformance.objects_harness import ObjectsHarness
from skykeep.errors import Conflict, Invalid
from skykeep.interfaces.object_driver import ObjectDriver

SIZE = 1000
RANGES = {
    "first-byte": (0, 1),
    "last-byte": (SIZE - 1, 1),
    "in-the-middle": (300, 200),
    "all": (0, SIZE),
    "one-more-than-all": (0, SIZE + 1),
    "far-over-the-end": (990, 10_000_000),
    "from-the-middle-on": (500, None),
    "from-the-start-on": (0, None),
    "the-end-exactly": (SIZE - 10, 10),
    "nothing": (500, 0),
    "nothing-at-the-start": (0, 0),
    "at-the-end": (SIZE, 10),
    "at-the-end-and-on": (SIZE, None),
    "nothing-at-the-end": (SIZE, 0),
}


class Ranges:
    """A range is what the body has there, and no byte more."""

    @pytest.mark.parametrize(("start", "length"), RANGES.values(), ids=RANGES.keys())
    @case()
    async def test_a_range(
        self, driver: ObjectDriver, store: ObjectsHarness, start: int, length: int | None
    ) -> None:
        data = body(size=SIZE)
        await put(driver, store, "kept", data)
        found = await driver.read("kept", start=start, length=length)
        assert found.data == (data[start:] if length is None else data[start : start + length])
        assert found.start == start
        assert found.info.size == SIZE, "the size is the whole object's"
        assert found.info.etag == (await driver.head("kept")).etag

    @pytest.mark.parametrize("length", [None, 0, 1, SIZE])
    @pytest.mark.parametrize("beyond", [1, SIZE * SIZE])
    @case()
    async def test_a_range_that_begins_beyond_the_end_is_invalid(
        self, driver: ObjectDriver, store: ObjectsHarness, beyond: int, length: int | None
    ) -> None:
        await put(driver, store, "kept", body(size=SIZE))
        async with unchanged(driver, "kept"):
            await refused(Invalid, driver.read("kept", start=SIZE + beyond, length=length))

    @pytest.mark.parametrize("length", [None, 0, 10])
    @case()
    async def test_ranges_of_an_empty_object(
        self, driver: ObjectDriver, store: ObjectsHarness, length: int | None
    ) -> None:
        await put(driver, store, "empty", b"")
        assert (await driver.read("empty", length=length)).data == b""
        await refused(Invalid, driver.read("empty", start=1, length=length))

    @case()
    async def test_ranges_put_together_are_the_body(
        self, driver: ObjectDriver, store: ObjectsHarness
    ) -> None:
        data = body(size=SIZE)
        await put(driver, store, "kept", data)
        etag = (await driver.head("kept")).etag
        for step in (1, 7, 333, 500, 999):
            starts = range(0, SIZE, step) if step > 1 else range(10)
            parts = [
                (await driver.read("kept", start=at, length=step, if_match=etag)).data
                for at in starts
            ]
            assert b"".join(parts) == (data if step > 1 else data[:10])

    @case()
    async def test_a_read_under_the_etag(
        self, driver: ObjectDriver, store: ObjectsHarness
    ) -> None:
        await put(driver, store, "kept", body(size=SIZE))
        info = await driver.head("kept")
        found = await driver.read("kept", start=1, length=5, if_match=info.etag)
        assert found.data == body(size=SIZE)[1:6]
        whole = await driver.read("kept", if_match=info.etag)
        # What is told of the whole body may be lacking where a part of it is read.
        assert replace(whole.info, checksums=found.info.checksums) == found.info
        await refused(Conflict, driver.read("kept", if_match=UNKNOWN_ETAG))

    @case("write")
    async def test_a_read_under_an_older_etag(self, driver: ObjectDriver) -> None:
        old = await driver.write("kept", body("first", SIZE))
        await driver.write("kept", body("second", SIZE))
        async with unchanged(driver, "kept"):
            await refused(Conflict, driver.read("kept", if_match=old.etag))
            await refused(Conflict, driver.read("kept", start=10, length=10, if_match=old.etag))
            # What the condition says comes before the range.
            await refused(Conflict, driver.read("kept", start=SIZE + 1, if_match=old.etag))
