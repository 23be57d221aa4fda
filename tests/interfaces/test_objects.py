"""``Objects``: what is checked before any call, scopes, copies, listings, collections."""

from __future__ import annotations

from typing import Any

import pytest

from skykeep.errors import Conflict, Denied, Invalid, NotFound, Unavailable, Unsupported
from skykeep.interfaces.object_driver import NO_ATTRIBUTES, ObjectCapabilities
from skykeep.providers.memory.objects import MemoryObjects
from tests.interfaces.object_sinks import objects_over

pytestmark = pytest.mark.asyncio


@pytest.mark.parametrize(
    "asked",
    [
        {"metadata": {"Owner": "a", "owner": "b"}},
        {"metadata": {"a b": "c"}},
        {"metadata": {"é": "c"}},
        {"metadata": {"": "c"}},
        {"metadata": {"skykeep-write": "c"}},
        {"metadata": {"a": "é"}},
        {"metadata": {"a": "b\n"}},
        {"metadata": {"a": " b"}},
        {"content_type": "json"},
        {"content_type": "text/é"},
        {"storage_class": "NONE"},
    ],
)
async def test_what_no_store_keeps_is_refused(asked: dict[str, Any]) -> None:
    can = ObjectCapabilities(storage_classes=("COLD",))
    objects, front, _ = objects_over(MemoryObjects(capabilities=can))
    with pytest.raises(Invalid):
        await objects.put("a", b"", **asked)
    assert front.calls == []


@pytest.mark.parametrize("key", ["", "/a", "a/", "a//b", "../a", "a\\b", "a."])
async def test_every_method_refuses_what_is_no_key(key: str) -> None:
    objects, front, _ = objects_over(MemoryObjects())
    for work in (
        lambda: objects.get(key),
        lambda: objects.head(key),
        lambda: objects.exists(key),
        lambda: objects.tags(key),
        lambda: objects.put(key, b""),
        lambda: objects.delete(key),
        lambda: objects.delete_many(["a", key]),
        lambda: objects.copy("a", key),
        lambda: objects.copy(key, "a"),
        lambda: objects.presign(key),
    ):
        with pytest.raises(Invalid):
            await work()
    assert front.calls == []


async def test_names_of_metadata_are_lower_cased() -> None:
    objects, _, _ = objects_over(MemoryObjects())
    await objects.put("a", b"", metadata={"Owner-Name": "Team A"})
    assert (await objects.head("a")).metadata == {"owner-name": "Team A"}


async def test_a_scope_is_put_before_and_taken_off() -> None:
    driver = MemoryObjects()
    await driver.write("other/a", b"other's")
    await driver.write("team2/a", b"other's")
    objects, _, _ = objects_over(driver, "team/")
    assert (await objects.put("dir/a", b"1")).key == "dir/a"
    assert (await objects.copy("dir/a", "b")).key == "b"
    assert (await objects.get("dir/a")).info.key == (await objects.head("dir/a")).key == "dir/a"
    assert [info.key async for info in objects.list()] == ["b", "dir/a"]
    assert [info.key async for info in objects.list("dir/")] == ["dir/a"]
    level = objects.list(delimiter=True)
    assert [info.key async for info in level] == ["b"]
    assert list(level.prefixes) == ["dir"]
    assert sorted(driver.store.kept) == ["other/a", "team/b", "team/dir/a", "team2/a"]
    assert await objects.delete_many(["b", "dir/a", "absent"]) == {}
    assert sorted(driver.store.kept) == ["other/a", "team2/a"]
    with pytest.raises(Invalid):
        await objects.head("/".join("wxyz"[n] * 254 for n in range(4)) + "/0")


async def test_what_is_there_and_what_is_not() -> None:
    driver = MemoryObjects()
    objects, _, _ = objects_over(driver)
    assert not await objects.exists("a")
    await objects.put("a", b"")
    assert await objects.exists("a")
    driver.fail_next(Denied("no"))
    with pytest.raises(Denied):
        await objects.exists("a")


async def test_a_page_has_a_size() -> None:
    driver = MemoryObjects()
    objects, _, _ = objects_over(driver)
    for number in range(5):
        await objects.put(f"k/{number}", b"")
    for wrong in (0, 1001):
        with pytest.raises(Invalid):
            objects.list(page_size=wrong)
    listing = objects.list(page_size=2)
    first = await listing.next_page()
    assert first is not None
    assert [info.key for info in first.items] == ["k/0", "k/1"]
    rest = objects.list(cursor=listing.cursor, page_size=1000)
    assert [info.key async for info in rest] == ["k/2", "k/3", "k/4"]
    assert await rest.next_page() is None


async def test_thousands_are_deleted_a_thousand_at_a_time() -> None:
    driver = MemoryObjects()
    objects, front, _ = objects_over(driver)
    keys = [f"k/{number}" for number in range(2001)]
    for key in keys:
        await driver.write(key, b"")
    assert await objects.delete_many([*keys, *keys]) == {}
    assert [call.operation for call in front.calls] == ["objects.delete_many"] * 3
    assert not driver.store.kept
    assert await objects.delete_many([]) == {}
    await driver.write("a", b"")
    driver.fail_next(Unavailable("down"), operation="delete")
    left = await objects.delete_many(["b", "a"])
    assert list(left) == ["b"]
    assert isinstance(left["b"], Unavailable)


@pytest.mark.parametrize("lacking", [(), ("copy",), ("copy", "tags"), ("copy", "metadata")])
async def test_a_copy_is_the_same_whoever_makes_it(lacking: tuple[str, ...]) -> None:
    driver = MemoryObjects(
        capabilities=ObjectCapabilities(**dict[str, Any](dict.fromkeys(lacking, False)))
    )
    objects, _, _ = objects_over(driver)
    can = driver.capabilities
    await objects.put(
        "a",
        b"body" * 1000,
        content_type="text/plain",
        metadata={"owner": "a"} if can.metadata else None,
        tags={"team": "b"} if can.tags else None,
    )
    info = await objects.copy("a", "b", if_absent=True)
    assert (info.key, info.content_type) == ("b", "text/plain")
    assert info.metadata == ({"owner": "a"} if can.metadata else {})
    assert (await objects.get("b")).data == b"body" * 1000
    if can.tags:
        assert await objects.tags("b") == {"team": "b"}
    with pytest.raises(Conflict):
        await objects.copy("a", "b", if_absent=True)
    with pytest.raises(NotFound):
        await objects.copy("absent", "b")
    assert driver.calls["copy"] == (0 if lacking else 3)


async def test_a_condition_that_a_copy_cannot_have_is_one_of_a_write() -> None:
    driver = MemoryObjects(capabilities=ObjectCapabilities(conditional_copy=False))
    objects, _, _ = objects_over(driver)
    await objects.put("a", b"body")
    await objects.copy("a", "b", if_absent=True)
    assert driver.calls["copy"] == 0
    await objects.copy("a", "c")
    assert driver.calls["copy"] == 1


async def test_presigned_urls_have_bounds() -> None:
    objects, front, _ = objects_over(MemoryObjects())
    wrong: tuple[dict[str, Any], ...] = (
        {"method": "POST"},
        {"seconds": 0},
        {"seconds": 604_801},
    )
    for asked in wrong:
        with pytest.raises(Invalid):
            await objects.presign("a", **asked)
    assert front.calls == []
    with pytest.raises(Unsupported):
        await objects.presign("a", seconds=604_800)


async def test_a_collection_ends_uploads_under_its_prefix_only() -> None:
    driver = MemoryObjects()
    objects, _, _ = objects_over(driver, "team/")
    for key in ("team/a/1", "team/b/1", "other/1"):
        await driver.begin_upload(key, NO_ATTRIBUTES)
    for begun in driver.store.begun.values():
        object.__setattr__(begun.upload, "begun_at", None)
    assert await objects.collect("a") == 1
    assert await objects.collect() == 1
    assert [each.key for each in await driver.uploads("")] == ["other/1"]


async def test_a_condition_is_not_repeated_where_it_is_not_known_again() -> None:
    objects, front, _ = objects_over(MemoryObjects())
    info = await objects.put("a", b"", if_absent=True)
    await objects.delete("a", if_match=info.etag)
    await objects.delete("a")
    assert [call.idempotent for call in front.calls] == [True, False, True]
    with pytest.raises(Conflict):
        await objects.delete("a", if_match=info.etag)
