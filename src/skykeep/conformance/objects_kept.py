"""Cases: what is kept beside a body, and stores that cannot be written."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final

import pytest

from skykeep.conformance.cases import case, refused
from skykeep.conformance.objects_cases import (
    ABSENT,
    UNKNOWN_ETAG,
    body,
    checksum,
    keys_under,
    unchanged,
    unsupported,
    upload,
)
from skykeep.conformance.objects_harness import ObjectsHarness
from skykeep.errors import Invalid, NotFound
from skykeep.interfaces.object_driver import (
    NO_ATTRIBUTES,
    Condition,
    ObjectAttributes,
    ObjectDriver,
    ObjectInfo,
)

METADATA = {
    "one": {"owner": "team-a"},
    "several": {"a": "1", "b2": "two words", "c-d": "x=y&z", "c_d": "another"},
    "empty-value": {"empty": ""},
    "marks": {"marks": "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"},
    "json": {"json": '{"a": [1, 2, "b"]}'},
    "percent": {"coded": "a%20b%2Fc+d"},
    "digits-first": {"2fa": "yes", "x-1_a": "b"},
    "a-header": {"content-type": "no/header", "etag": "no-etag", "host": "here"},
}
CONTENT_TYPES = (
    "application/json",
    "text/plain; charset=utf-8",
    "application/vnd.company.model+onnx",
    'multipart/related; boundary="a b"',
)
# Of the marks that every store takes; S3 takes '@', too, which Azure does not.
TAGS: Final = {"team": "a b", "cost-center": "x/y:z 1+2=3_4.5-6", "empty": ""}

# The flag, and what is given with a write.
GIVEN = {
    "metadata": ObjectAttributes(metadata={"owner": "a"}),
    "content_type": ObjectAttributes(content_type="application/json"),
    "tags": ObjectAttributes(tags={"team": "a"}),
    "storage_classes": ObjectAttributes(storage_class="COLD"),
}


class Kept:
    """Content type, pairs, tags, storage class, checksums, etags."""

    @pytest.mark.parametrize("pairs", METADATA.values(), ids=METADATA.keys())
    @case("write", "metadata")
    async def test_metadata_is_kept(self, driver: ObjectDriver, pairs: dict[str, str]) -> None:
        written = await driver.write("kept", body(), ObjectAttributes(metadata=pairs))
        assert (await driver.head("kept")).metadata == pairs
        assert (await driver.read("kept", start=1, length=1)).info.metadata == pairs
        assert written.metadata == pairs

    @pytest.mark.parametrize("given", CONTENT_TYPES)
    @case("write", "content_type")
    async def test_a_content_type_is_kept(self, driver: ObjectDriver, given: str) -> None:
        written = await driver.write("kept", body(), ObjectAttributes(content_type=given))
        assert (await driver.head("kept")).content_type == given
        assert (await driver.read("kept")).info.content_type == given
        assert written.content_type == given

    @case("write", "tags")
    async def test_tags_are_kept_beside_the_metadata(self, driver: ObjectDriver) -> None:
        await driver.write("kept", body(), ObjectAttributes(tags=TAGS))
        await driver.write("none", body())
        assert await driver.tags("kept") == TAGS
        assert await driver.tags("none") == {}
        assert (await driver.head("kept")).metadata == {}
        await refused(NotFound, driver.tags("absent"))

    @case("write", "storage_classes")
    async def test_every_storage_class_is_taken(self, driver: ObjectDriver) -> None:
        for name in driver.capabilities.storage_classes:
            given = ObjectAttributes(storage_class=name)
            assert (await driver.write(f"kept/{name}", body(), given)).storage_class == name
            assert (await driver.head(f"kept/{name}")).storage_class == name
        async with unchanged(driver, "new"):
            given = ObjectAttributes(storage_class="NO_SUCH_CLASS")
            await refused(Invalid, driver.write("new", body(), given))

    @case("write")
    async def test_a_write_replaces_all_that_is_kept(self, driver: ObjectDriver) -> None:
        given = _all(driver)
        await driver.write("kept", body("first"), given)
        await driver.write("kept", body("second"))
        plain = await driver.write("plain", body("second"))
        info = await driver.head("kept")
        assert info.metadata == {}
        assert info.content_type == plain.content_type
        if driver.capabilities.tags:
            assert await driver.tags("kept") == {}

    @case("write", "parts")
    async def test_an_upload_keeps_what_it_was_begun_with(
        self, driver: ObjectDriver, store: ObjectsHarness
    ) -> None:
        given = _all(driver)
        whole = await driver.write("whole", body(), given)
        info = await upload(driver, "parts", body(), attributes=given)
        head = await driver.head("parts")
        assert head.metadata == whole.metadata == given.metadata
        assert head.content_type == whole.content_type == given.content_type
        assert head.storage_class == whole.storage_class
        assert head.etag == info.etag
        if driver.capabilities.tags:
            assert await driver.tags("parts") == given.tags

    @pytest.mark.parametrize("pairs", [1, 5])
    @pytest.mark.parametrize("more", [-1, 0, 1])
    @case("write", "metadata")
    async def test_metadata_has_a_limit(
        self, driver: ObjectDriver, more: int, pairs: int
    ) -> None:
        size = driver.capabilities.max_metadata_bytes + more
        names = [f"n{n}" for n in range(pairs)]
        given = dict.fromkeys(names, "v" * (size // pairs - 2))
        given[names[0]] += "v" * (size % pairs)
        assert sum(len(name) + len(value) for name, value in given.items()) == size
        attributes = ObjectAttributes(metadata=given)
        if more <= 0:
            await driver.write("new", body(), attributes)
            assert (await driver.head("new")).metadata == given
            return
        await driver.write("old", body())
        async with unchanged(driver, "old", "new"):
            for key in ("old", "new"):
                await refused(Invalid, driver.write(key, body("new"), attributes))

    @pytest.mark.parametrize("flag", GIVEN)
    @case("write", off="flag")
    async def test_without_the_capability_it_is_refused(
        self, driver: ObjectDriver, flag: str
    ) -> None:
        await driver.write("old", body("old"), NO_ATTRIBUTES)
        for key in ("old", "new"):
            await unsupported(driver, key, driver.write(key, body("new"), GIVEN[flag]))
            if driver.capabilities.parts:
                begin = driver.begin_upload(key, GIVEN[flag])
                await unsupported(driver, key, begin)
        info = await driver.head("old")
        assert not info.metadata or flag != "metadata"
        assert info.content_type is None or flag != "content_type"

    @case("write", off="tags")
    async def test_without_tags_none_are_told(self, driver: ObjectDriver) -> None:
        await driver.write("old", body())
        for key in ("old", "absent"):
            await unsupported(driver, key, driver.tags(key))

    @pytest.mark.parametrize("size", [0, 1, 1000])
    @case("write")
    async def test_checksums_that_are_told_are_right(
        self, driver: ObjectDriver, size: int
    ) -> None:
        data = body(size=size)
        await driver.write("whole", data)
        infos = [
            await driver.head("whole"),
            (await driver.read("whole", length=size // 2)).info,
        ]
        if driver.capabilities.parts:
            infos.append(await upload(driver, "parts", data or b"x"))
            infos.append(await driver.head("parts"))
        items = (await driver.list("", cursor=None, limit=10)).items
        for info in (*infos, *items):
            body_of = (data or b"x") if info.key == "parts" else data
            told = dict(info.checksums)
            assert told == {name: checksum(name, body_of) for name in told}, info.key

    @case("write")
    async def test_the_etag_changes_with_the_body(self, driver: ObjectDriver) -> None:
        etags = [
            (await driver.write("made", data)).etag
            for data in (body("a"), body("b"), body("ab"), b"", b"\0")
        ]
        assert len(set(etags)) == len(etags)

    @case("write", "etag_of_attributes")
    async def test_the_etag_changes_with_what_is_kept(self, driver: ObjectDriver) -> None:
        can = driver.capabilities
        etags = [(await driver.write("made", body())).etag]
        for flag, given in GIVEN.items():
            if flag != "storage_classes" and getattr(can, flag):
                etags.append((await driver.write("made", body(), given)).etag)
                assert (await driver.head("made")).etag == etags[-1]
        if can.metadata:
            other = replace(GIVEN["metadata"], metadata={"owner": "b"})
            etags.append((await driver.write("made", body(), other)).etag)
        assert len(set(etags)) == len(etags)

    @case("write", off="etag_of_attributes")
    async def test_an_etag_of_the_body_alone_may_come_back(self, driver: ObjectDriver) -> None:
        first = await driver.write("made", body("a"), _all(driver))
        await driver.write("made", body("b"))
        again = await driver.write("made", body("a"))
        # Whichever it is, it is what conditions are decided by.
        assert (await driver.read("made", if_match=again.etag)).data == body("a")
        assert (await driver.head("made")).etag == again.etag
        assert first.etag

    @case()
    async def test_reading_changes_nothing(
        self, driver: ObjectDriver, store: ObjectsHarness
    ) -> None:
        if driver.capabilities.write:
            await driver.write("kept", body(), _all(driver))
        else:
            await store.fill("kept", body())
        async with unchanged(driver, "kept"):
            await driver.read("kept", start=3, length=4)
            await driver.list("", cursor=None, limit=10)


Write = Callable[[ObjectDriver, str], Awaitable[object]]

WRITES: dict[str, Write] = {
    "write": lambda driver, key: driver.write(key, body("new")),
    "create": lambda driver, key: driver.write(key, body("new"), condition=ABSENT),
    "replace": lambda driver, key: driver.write(
        key, body("new"), condition=Condition(UNKNOWN_ETAG)
    ),
    "begin": lambda driver, key: driver.begin_upload(key),
    "part": lambda driver, key: driver.write_part(key, "none", 1, body("new")),
    "complete": lambda driver, key: driver.complete_upload(key, "none", ["token"]),
    "abort": lambda driver, key: driver.abort_upload(key, "none"),
    "delete": lambda driver, key: driver.delete(key),
    "delete-many": lambda driver, key: driver.delete_many([key, "other"]),
    "conditional-delete": lambda driver, key: driver.delete(key, if_match=UNKNOWN_ETAG),
    "copy": lambda driver, key: driver.copy("there", key),
}


class ReadOnly:
    """A store that cannot be written says so, whatever is asked, and reads."""

    @pytest.mark.parametrize("write", WRITES)
    @case(off="write")
    async def test_every_write_is_refused(
        self, driver: ObjectDriver, store: ObjectsHarness, write: str
    ) -> None:
        await store.fill("there", body())
        for key in ("there", "absent", "other"):
            await unsupported(driver, key, WRITES[write](driver, key))
        assert await keys_under(driver) == ["there"]

    @case(off="write")
    async def test_it_reads(self, driver: ObjectDriver, store: ObjectsHarness) -> None:
        await store.fill("dir/there", body())
        assert (await driver.read("dir/there", start=2)).data == body()[2:]
        assert (await driver.head("dir/there")).size == len(body())
        page = await driver.list("", cursor=None, limit=5, delimiter=True)
        assert (list(page.items), list(page.prefixes)) == ([], ["dir"])


def _all(driver: ObjectDriver) -> ObjectAttributes:
    """Something of each kind that the store keeps, but no storage class."""
    can = driver.capabilities
    return ObjectAttributes(
        "application/json" if can.content_type else None,
        {"owner": "a", "c-d": "e"} if can.metadata else {},
        TAGS if can.tags else {},
    )


def same(item: ObjectInfo, head: ObjectInfo) -> bool:
    """Whether an entry of a listing says nothing else than ``head`` does.

    A listing need not tell content type, storage class and checksums, and tells no metadata;
    a time may be told to the second in one of the two (RFC 9110's ``Last-Modified``).
    """
    return (
        (item.key, item.size, item.etag) == (head.key, head.size, head.etag)
        and item.modified_at.replace(microsecond=0) == head.modified_at.replace(microsecond=0)
        and item.content_type in {None, head.content_type}
        and item.storage_class in {None, head.storage_class}
        and not item.metadata
        and all(
            head.checksums.get(name, value) == value for name, value in item.checksums.items()
        )
    )
