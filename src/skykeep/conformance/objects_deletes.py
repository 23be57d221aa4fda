"""Cases: deletes, copies, presigned URLs."""

from __future__ import annotations

import pytest

from skykeep.conformance.cases import case, refused
from skykeep.conformance.objects_cases import (
    ABSENT,
    UNKNOWN_ETAG,
    body,
    keys_under,
    plant,
    unchanged,
    unsupported,
)
from skykeep.conformance.objects_harness import ObjectsHarness
from skykeep.conformance.objects_kept import TAGS
from skykeep.conformance.objects_values import KEYS
from skykeep.errors import Conflict, NotFound
from skykeep.interfaces.object_driver import Condition, ObjectAttributes, ObjectDriver

FINE = 200
REFUSED = 400


class Deletes:
    """What is deleted is gone, and may be deleted again."""

    @case("write")
    async def test_a_delete(self, driver: ObjectDriver) -> None:
        await plant(driver, "dir/gone", "dir/stays")
        async with unchanged(driver, "dir/stays"):
            await driver.delete("dir/gone")
            await driver.delete("dir/gone")
            await driver.delete("absent/at/all")
        await refused(NotFound, driver.head("dir/gone"))
        await refused(NotFound, driver.read("dir/gone"))
        assert await keys_under(driver) == ["dir/stays"]

    @case("write")
    async def test_nothing_is_left_of_what_was_kept(self, driver: ObjectDriver) -> None:
        can = driver.capabilities
        given = ObjectAttributes(
            metadata={"owner": "a"} if can.metadata else {}, tags=TAGS if can.tags else {}
        )
        await driver.write("made", body("old"), given)
        await driver.delete("made")
        await driver.write("made", body("new"))
        assert (await driver.head("made")).metadata == {}
        if can.tags:
            assert await driver.tags("made") == {}

    @case("write")
    async def test_many_are_deleted_at_once(self, driver: ObjectDriver) -> None:
        gone = [f"gone/{n}/{key}" for n, key in enumerate(KEYS.values())]
        await plant(driver, *gone, "stays")
        async with unchanged(driver, "stays"):
            assert await driver.delete_many([*gone, "absent", "gone"]) == {}
        assert await keys_under(driver) == ["stays"]
        assert await driver.delete_many(gone) == {}
        assert await driver.delete_many([]) == {}

    @case("write")
    async def test_a_thousand_are_deleted_at_once(
        self, driver: ObjectDriver, store: ObjectsHarness
    ) -> None:
        keys = [f"many/{number:04}" for number in range(min(1000, store.many))]
        await plant(driver, *keys)
        assert await driver.delete_many(keys) == {}
        assert await keys_under(driver) == []


class Copies:
    """The store copies by itself."""

    @case("write", "copy")
    async def test_a_copy_is_the_same(self, driver: ObjectDriver) -> None:
        can = driver.capabilities
        given = ObjectAttributes(
            "application/json" if can.content_type else None,
            {"owner": "a", "c-d": "e f"} if can.metadata else {},
            TAGS if can.tags else {},
        )
        source = await driver.write("from/here", body("copied"), given)
        await driver.write("to/there", body("old"))
        async with unchanged(driver, "from/here"):
            for key in ("to/there", "new"):
                info = await driver.copy("from/here", key)
                found = await driver.read(key)
                assert found.data == body("copied")
                assert (info.key, found.info.key, info.etag) == (key, key, found.info.etag)
                assert found.info.metadata == source.metadata
                assert found.info.content_type == source.content_type
                if can.tags:
                    assert await driver.tags(key) == TAGS
        await driver.delete("from/here")
        assert (await driver.read("new")).data == body("copied")

    @pytest.mark.parametrize("key", KEYS.values(), ids=KEYS.keys())
    @case("write", "copy")
    async def test_strange_keys_are_copied(self, driver: ObjectDriver, key: str) -> None:
        await driver.write(f"from/{key}", body(key))
        assert (await driver.copy(f"from/{key}", f"to/{key}")).key == f"to/{key}"
        assert (await driver.read(f"to/{key}")).data == body(key)

    @case("write", "copy")
    async def test_what_is_not_there_is_not_copied(self, driver: ObjectDriver) -> None:
        await driver.write("there", body())
        async with unchanged(driver, "there", "new"):
            for key in ("there", "new"):
                await refused(NotFound, driver.copy("absent", key))

    @case("write", "copy")
    async def test_an_empty_object_is_copied(self, driver: ObjectDriver) -> None:
        await driver.write("empty", b"")
        assert (await driver.copy("empty", "copy")).size == 0
        assert (await driver.read("copy")).data == b""

    @case("write", "copy", "conditional_copy", "exclusive_create")
    async def test_a_copy_that_creates(self, driver: ObjectDriver) -> None:
        await plant(driver, "source", "there")
        async with unchanged(driver, "source", "there"):
            await refused(Conflict, driver.copy("source", "there", ABSENT))
            await driver.copy("source", "new", ABSENT)
        assert (await driver.read("new")).data == body("source")

    @case("write", "copy", "conditional_copy", "compare_and_set")
    async def test_a_copy_that_replaces(self, driver: ObjectDriver) -> None:
        await plant(driver, "source")
        old = await driver.write("there", body("old"))
        async with unchanged(driver, "source", "there", "absent"):
            for key, etag in (("there", UNKNOWN_ETAG), ("absent", old.etag)):
                await refused(Conflict, driver.copy("source", key, Condition(etag)))
            await refused(NotFound, driver.copy("absent", "there", Condition(old.etag)))
        await driver.copy("source", "there", Condition(old.etag))
        assert (await driver.read("there")).data == body("source")

    @case("write", "copy", off="conditional_copy")
    async def test_without_conditional_copy_it_is_refused(self, driver: ObjectDriver) -> None:
        await plant(driver, "source")
        old = await driver.write("there", body("old"))
        for key, given in (("new", ABSENT), ("there", ABSENT), ("there", Condition(old.etag))):
            await unsupported(driver, key, driver.copy("source", key, given))

    @case("write", off="copy")
    async def test_without_copy_it_is_refused(self, driver: ObjectDriver) -> None:
        await plant(driver, "source")
        for source, key in (("source", "new"), ("absent", "new"), ("source", "source")):
            await unsupported(driver, key, driver.copy(source, key))


class Presigned:
    """URLs for those without credentials."""

    @pytest.mark.parametrize("key", KEYS.values(), ids=KEYS.keys())
    @case("write", "presign")
    async def test_a_url_reads(
        self, driver: ObjectDriver, store: ObjectsHarness, key: str
    ) -> None:
        await driver.write(key, body(key))
        url = await driver.presign(key, "GET", 600)
        assert await store.fetch(url) == (FINE, body(key))

    @case("write", "presign")
    async def test_a_url_writes(self, driver: ObjectDriver, store: ObjectsHarness) -> None:
        await driver.write("old", body("old"))
        for key in ("old", "dir/new"):
            url = await driver.presign(key, "PUT", 600)
            status, _ = await store.fetch(url, "PUT", body("by others"))
            assert FINE <= status < FINE + 100
            assert (await driver.read(key)).data == body("by others")

    @case("write", "presign")
    async def test_a_url_of_what_is_not_there(
        self, driver: ObjectDriver, store: ObjectsHarness
    ) -> None:
        url = await driver.presign("absent", "GET", 600)
        assert (await store.fetch(url))[0] >= REFUSED

    @case("write", "presign")
    async def test_a_url_is_good_for_nothing_else(
        self, driver: ObjectDriver, store: ObjectsHarness
    ) -> None:
        if not store.presign_checked:
            pytest.skip("what the test stands on takes any URL")
        await plant(driver, "key-one", "key-two")
        url = await driver.presign("key-one", "GET", 600)
        assert "key-one" in url
        async with unchanged(driver, "key-one", "key-two"):
            status, answer = await store.fetch(url.replace("key-one", "key-two"))
            assert status >= REFUSED, "another key is read by it"
            assert body("key-two") not in answer
            status, _ = await store.fetch(url, "PUT", body("by others"))
            assert status >= REFUSED, "a URL for reading writes"

    @case(off="presign")
    async def test_without_presign_it_is_refused(self, driver: ObjectDriver) -> None:
        for method in ("GET", "PUT"):
            await unsupported(driver, "absent", driver.presign("absent", method, 600))
