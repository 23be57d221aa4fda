"""Cases: listings, their prefixes, pages and cursors."""

from __future__ import annotations

from dataclasses import replace

import pytest

from skykeep.conformance.cases import (
    NOTHING,
    case,
    listed,
    names_of,
    put,
    refused,
    secret,
    unchanged,
)
from skykeep.conformance.harness import SecretsHarness
from skykeep.errors import Invalid
from skykeep.interfaces.secret_driver import SecretDriver

TREE = (
    "a", "a-b", "a.b", "a/b", "a/b-c", "a/b.c", "a/b/c", "a/b/d", "a/bb/c", "ab/c", "b/a/b",
    "db", "db-x/y", "db/password", "db/user", "dbx/password", "z",
)  # fmt: skip

PREFIXES = ("a", "a/b", "a/b/c", "db", "db-x", "dbx", "b", "b/a", "d", "z", "absent", "a/b/")

FOREIGN_CURSORS = {
    "empty": "",
    "word": "not-a-cursor",
    "number": "12",
    "base64": "bm90IGEgY3Vyc29y",
    "json": '{"after": "a"}',
    "a-name": "db/password",
    "control": "\x00\n",
    "wide": "курсор",
    "long": "A" * 5000,
}


class Listing:
    """Every secret under a prefix, once."""

    @case()
    async def test_an_empty_store(self, driver: SecretDriver) -> None:
        page = await driver.list("", cursor=None, limit=10)
        assert (list(page.items), page.cursor) == ([], None)
        assert await listed(driver, "db") == []

    @case("soft_delete")
    async def test_an_empty_store_has_nothing_deleted(self, driver: SecretDriver) -> None:
        assert await listed(driver, deleted=True) == []

    @pytest.mark.parametrize("prefix", [p for p in PREFIXES if not p.endswith("/")])
    @case("write")
    async def test_a_prefix_is_of_whole_segments(
        self, driver: SecretDriver, prefix: str
    ) -> None:
        await _plant(driver, *TREE)
        expected = sorted(name for name in TREE if name.startswith(prefix + "/"))
        assert names_of(await listed(driver, prefix)) == expected

    @case()
    async def test_no_prefix_is_everything(
        self, driver: SecretDriver, store: SecretsHarness
    ) -> None:
        tree: tuple[str, ...] = TREE
        if not driver.capabilities.write and not store.nests:
            tree = tuple(n for n in TREE if not any(m.startswith(f"{n}/") for m in TREE))
        for name in tree:
            await put(driver, store, name, secret(name))
        assert names_of(await listed(driver)) == sorted(tree)

    @pytest.mark.parametrize("limit", [1, 2, 3, 5, 16, 17, 18, 1000])
    @case("write")
    async def test_pages_give_each_exactly_once(self, driver: SecretDriver, limit: int) -> None:
        await _plant(driver, *TREE)
        assert names_of(await listed(driver, limit=limit)) == sorted(TREE)
        inside = [name for name in TREE if name.startswith("a/")]
        assert names_of(await listed(driver, "a", limit=limit)) == sorted(inside)

    @case("write")
    async def test_an_entry_says_what_describe_says(self, driver: SecretDriver) -> None:
        await _plant(driver, "a", "b/c")
        await driver.update("a", secret("second"), NOTHING)
        for item in await listed(driver):
            described = await driver.describe(item.name)
            if not driver.capabilities.version_in_list:
                # A store may know the time of the last change without the version.
                assert item.updated_at in {None, described.updated_at}
                described = replace(described, version=None, updated_at=item.updated_at)
            assert item == described

    @case("write")
    async def test_a_cursor_can_be_used_again(self, driver: SecretDriver) -> None:
        await _plant(driver, *TREE)
        first = await driver.list("", cursor=None, limit=5)
        assert first.cursor is not None
        once = await driver.list("", cursor=first.cursor, limit=5)
        again = await driver.list("", cursor=first.cursor, limit=5)
        assert once.items == again.items
        rest = await driver.list("", cursor=first.cursor, limit=1000)
        seen = {item.name for item in (*first.items, *rest.items)}
        assert seen <= set(TREE)
        assert not {item.name for item in first.items} & {item.name for item in rest.items}

    @pytest.mark.parametrize("cursor", FOREIGN_CURSORS.values(), ids=FOREIGN_CURSORS.keys())
    @case("write")
    async def test_a_foreign_cursor_is_invalid(self, driver: SecretDriver, cursor: str) -> None:
        await _plant(driver, "a", "b")
        await refused(Invalid, driver.list("", cursor=cursor, limit=1))

    @case("write")
    async def test_writes_during_a_listing(self, driver: SecretDriver) -> None:
        stay = [f"stay/{number:02}" for number in range(12)]
        go = [f"stay/{number:02}x" for number in range(0, 12, 2)]
        await _plant(driver, *stay, *go)
        seen: list[str] = []
        cursor = None
        for step in range(1000):
            page = await driver.list("stay", cursor=cursor, limit=3)
            seen += [item.name for item in page.items]
            cursor = page.cursor
            if cursor is None:
                break
            if go:
                await driver.delete(go.pop(len(go) // 2))
            await driver.create(f"stay/new-{step:03}", secret(), NOTHING)
            await driver.create(f"stay/0-{step:03}", secret(), NOTHING)
        assert [name for name in sorted(seen) if name in stay] == stay, (
            "what is neither written nor deleted meanwhile appears exactly once"
        )
        assert len(seen) == len(set(seen))

    @case("write", "soft_delete")
    async def test_deleted_ones_are_listed_apart(self, driver: SecretDriver) -> None:
        await _plant(driver, *TREE)
        gone = [name for name in TREE if name.startswith(("a/b", "db"))]
        for name in gone:
            await driver.delete(name)
        left = sorted(set(TREE) - set(gone))
        for limit in (1, 3, 100):
            assert names_of(await listed(driver, limit=limit)) == left
            assert names_of(await listed(driver, limit=limit, deleted=True)) == sorted(gone)
        assert names_of(await listed(driver, "db", deleted=True)) == [
            "db/password",
            "db/user",
        ]
        for item in await listed(driver, deleted=True):
            assert item.deleted_at is not None

    @case("write")
    async def test_reading_changes_nothing(self, driver: SecretDriver) -> None:
        await _plant(driver, "a", "a/b")
        async with unchanged(driver, "a", "a/b"):
            await listed(driver)
            await driver.get("a")
            await driver.describe("a/b")


async def _plant(driver: SecretDriver, *names: str) -> None:
    for name in names:
        await driver.create(name, secret(name), NOTHING)
