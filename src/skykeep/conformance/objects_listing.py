"""Cases: listings, their prefixes, levels, pages and cursors."""

from __future__ import annotations

import asyncio

import pytest

from skykeep.conformance.cases import case, refused
from skykeep.conformance.objects_cases import (
    body,
    by_bytes,
    keys_under,
    listed,
    plant,
    put,
)
from skykeep.conformance.objects_harness import ObjectsHarness
from skykeep.conformance.objects_kept import same
from skykeep.errors import Invalid
from skykeep.interfaces.object_driver import ObjectDriver

NESTED = (
    "a", "a-b", "a.b", "a/b", "a/b-c", "a/b.c", "a/b/c", "a/b/d", "a/bb/c", "ab/c", "b/a/b",
    "db", "db-x/y", "db/password", "db/user", "dbx/password", "é/ü", "é-", "z", "😀/a",
    "\ue000",
)  # fmt: skip
FLAT = tuple(key for key in NESTED if not any(other.startswith(f"{key}/") for other in NESTED))
PREFIXES = (
    "a", "a/b", "a/b/c", "db", "db-x", "dbx", "b", "b/a", "d", "z", "é", "😀", "absent",
)  # fmt: skip
STRANGE = ("a b", "c+d", "e%2Ff", "g#h", "i?j=k", "l&m", "n'o", 'p"q', "<r>", "s*t", "[u]")
FOREIGN_CURSORS = {
    "empty": "",
    "word": "not-a-cursor",
    "number": "12",
    "base64": "bm90IGEgY3Vyc29y",
    "json": '{"after": "a"}',
    "a-key": "a/b",
    "control": "\x00\n",
    "wide": "курсор",
    "long": "A" * 5000,
}


class Lists:
    """Every object under a prefix, once."""

    @pytest.mark.parametrize("delimiter", [False, True])
    @case()
    async def test_an_empty_store(self, driver: ObjectDriver, delimiter: bool) -> None:
        for prefix in ("", "a", "a/b"):
            page = await driver.list(prefix, cursor=None, limit=10, delimiter=delimiter)
            assert (list(page.items), list(page.prefixes), page.cursor) == ([], [], None)

    @pytest.mark.parametrize("prefix", PREFIXES)
    @case("write")
    async def test_a_prefix_is_of_whole_segments(
        self, driver: ObjectDriver, prefix: str
    ) -> None:
        tree = await _planted(driver)
        expected = sorted(key for key in tree if key.startswith(prefix + "/"))
        assert await keys_under(driver, prefix) == expected

    @case()
    async def test_no_prefix_is_everything(
        self, driver: ObjectDriver, store: ObjectsHarness
    ) -> None:
        tree = _tree(driver)
        for key in tree:
            await put(driver, store, key, body(key))
        assert await keys_under(driver) == sorted(tree)

    @pytest.mark.parametrize("prefix", ["", *PREFIXES])
    @case("write")
    async def test_a_level(self, driver: ObjectDriver, prefix: str) -> None:
        tree = await _planted(driver)
        start = f"{prefix}/" if prefix else ""
        below = [key[len(start) :] for key in tree if key.startswith(start)]
        for limit in (1, 2, 5, 1000):
            items, prefixes = await listed(driver, prefix, limit=limit, delimiter=True)
            assert sorted(item.key for item in items) == sorted(
                start + key for key in below if "/" not in key
            )
            assert sorted(prefixes) == sorted(
                {start + key.partition("/")[0] for key in below if "/" in key}
            )

    @pytest.mark.parametrize("limit", [1, 2, 3, 5, 19, 20, 21, 1000])
    @case("write")
    async def test_pages_give_each_exactly_once(self, driver: ObjectDriver, limit: int) -> None:
        tree = await _planted(driver)
        assert await keys_under(driver, limit=limit) == sorted(tree)
        inside = [key for key in tree if key.startswith("a/")]
        assert await keys_under(driver, "a", limit=limit) == sorted(inside)

    @case("write", "ordered")
    async def test_the_order_is_that_of_utf_8(self, driver: ObjectDriver) -> None:
        tree = await _planted(driver)
        for limit in (1, 3, 1000):
            items, _ = await listed(driver, limit=limit)
            assert [item.key for item in items] == by_bytes(tree)
            _, prefixes = await listed(driver, limit=limit, delimiter=True)
            slashed = [f"{prefix}/" for prefix in prefixes]
            assert slashed == by_bytes(slashed), "prefixes are ordered with their slash"

    @case("write", off="ordered")
    async def test_without_an_order_each_is_there_once(self, driver: ObjectDriver) -> None:
        tree = await _planted(driver)
        items, _ = await listed(driver, limit=3)
        assert sorted(item.key for item in items) == sorted(tree)

    @case("write")
    async def test_an_entry_says_what_head_says(self, driver: ObjectDriver) -> None:
        await plant(driver, "a", "b/c")
        await driver.write("a", body("second"))
        items, _ = await listed(driver)
        for item in items:
            assert same(item, await driver.head(item.key)), item

    @case("write")
    async def test_strange_prefixes(self, driver: ObjectDriver) -> None:
        await plant(driver, *(f"{prefix}/x" for prefix in STRANGE), "other/x")
        for prefix in STRANGE:
            assert await keys_under(driver, prefix) == [f"{prefix}/x"]
        _, prefixes = await listed(driver, delimiter=True, limit=4)
        assert sorted(prefixes) == sorted((*STRANGE, "other"))

    @case("write")
    async def test_many_objects(self, driver: ObjectDriver, store: ObjectsHarness) -> None:
        keys = [f"many/{number:05}" for number in range(store.many)]
        await plant(driver, *keys, "few/a")
        assert await keys_under(driver, "many", limit=1000) == keys
        assert await listed(driver, delimiter=True, limit=1000) == ([], ["few", "many"])

    @pytest.mark.parametrize("delimiter", [False, True])
    @case("write")
    async def test_a_cursor_can_be_used_again(
        self, driver: ObjectDriver, delimiter: bool
    ) -> None:
        await _planted(driver)
        first = await driver.list("", cursor=None, limit=4, delimiter=delimiter)
        assert first.cursor is not None
        once = await driver.list("", cursor=first.cursor, limit=4, delimiter=delimiter)
        again = await driver.list("", cursor=first.cursor, limit=4, delimiter=delimiter)
        assert (once.items, once.prefixes) == (again.items, again.prefixes)
        rest = await driver.list("", cursor=first.cursor, limit=1000, delimiter=delimiter)
        assert not {item.key for item in first.items} & {item.key for item in rest.items}
        assert not set(first.prefixes) & set(rest.prefixes)

    @pytest.mark.parametrize("cursor", FOREIGN_CURSORS.values(), ids=FOREIGN_CURSORS.keys())
    @case("write")
    async def test_a_foreign_cursor_is_invalid(self, driver: ObjectDriver, cursor: str) -> None:
        await plant(driver, "x/y", "z")
        for delimiter in (False, True):
            await refused(Invalid, driver.list("", cursor=cursor, limit=1, delimiter=delimiter))

    @case("write")
    async def test_a_cursor_of_another_listing_is_invalid(self, driver: ObjectDriver) -> None:
        await plant(driver, *(f"{top}/{n}" for top in "xy" for n in range(3)))
        first = await driver.list("x", cursor=None, limit=1)
        assert first.cursor is not None
        for prefix, delimiter in (("y", False), ("", False), ("x", True)):
            await refused(
                Invalid, driver.list(prefix, cursor=first.cursor, limit=1, delimiter=delimiter)
            )

    @pytest.mark.parametrize("delimiter", [False, True])
    @case("write")
    async def test_writes_during_a_listing(self, driver: ObjectDriver, delimiter: bool) -> None:
        inside = "stay/{}" if not delimiter else "{}"
        stay = [inside.format(f"{number:02}") for number in range(12)]
        levels = [f"level-{number}" for number in range(4)]
        go = [inside.format(f"{number:02}x") for number in range(0, 12, 2)]
        await plant(driver, *stay, *go, *(f"{level}/a" for level in levels))
        step = 0

        async def meanwhile() -> None:
            nonlocal step
            if step > 30:
                return  # else a listing that sees what is new would never end
            step += 1
            work = [
                driver.write(inside.format(f"new-{step:03}"), body()),
                driver.write(inside.format(f"0-{step:03}"), body()),
                driver.write(f"level-1/{step}", body()),
            ]
            await asyncio.gather(*work)
            if go:
                await driver.delete(go.pop(len(go) // 2))

        items, prefixes = await listed(
            driver, "" if delimiter else "stay", limit=3, delimiter=delimiter, step=meanwhile
        )
        seen = [item.key for item in items]
        assert [key for key in sorted(seen) if key in stay] == stay, (
            "what is neither written nor deleted meanwhile appears exactly once"
        )
        assert len(seen) == len(set(seen))
        if delimiter:
            assert sorted(prefixes) == levels

    @case("write")
    async def test_what_is_deleted_is_listed_no_more(self, driver: ObjectDriver) -> None:
        await plant(driver, "a/b/c", "a/d", "e/f")
        await driver.delete("a/b/c")
        assert await listed(driver, "a", delimiter=True) == (
            (await listed(driver, "a"))[0],
            [],
        )
        await driver.delete("a/d")
        assert await keys_under(driver) == ["e/f"]
        assert await listed(driver, "", delimiter=True) == ([], ["e"])


def _tree(driver: ObjectDriver) -> tuple[str, ...]:
    return NESTED if driver.capabilities.nested_keys else FLAT


async def _planted(driver: ObjectDriver) -> tuple[str, ...]:
    """The keys of a tree that the store can have."""
    tree = _tree(driver)
    await plant(driver, *tree)
    return tree
