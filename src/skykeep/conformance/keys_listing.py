"""Cases: keys are made, described and listed; names never meet; states are told."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

import pytest

from skykeep.conformance.cases import case, refused, secret
from skykeep.conformance.keys_cases import NONE, PAIRS, listed, make
from skykeep.conformance.keys_harness import KeysHarness
from skykeep.conformance.keys_signatures import DIGEST
from skykeep.errors import Conflict, Invalid, KeyFailure, NotFound, Unsupported
from skykeep.interfaces.key_driver import KeyDriver, KeyInfo

NAMES = (
    "a/b", "a/b-c", "a/b.c", "a/b_c", "a/bc", "a/B", "A/b", "ab", "a-b", "a.b", "a_b", "a--b",
    "a_-b", "a/b/c", "a-.b", "007", "-a", "_a", ".a", "a..b", "a/_/b", "native", "aws/key",
)  # fmt: skip

TREE = ("a", "a/b", "a/b/c", "a/b2", "a2/b", "b")


class Describes:
    """What is known of a key."""

    @case()
    async def test_a_key_is_described(self, driver: KeyDriver, store: KeysHarness) -> None:
        await make(driver, store, "team/key")
        info = await driver.describe("team/key")
        assert isinstance(info, KeyInfo)
        assert (info.name, info.purpose, info.state) == ("team/key", "encrypt", "enabled")
        assert info.algorithm is None
        assert info.version != ""
        if info.created_at is not None:
            assert info.created_at.utcoffset() is not None
            assert not info.created_at.utcoffset(), "times are in UTC"

    @case()
    async def test_use_changes_nothing_of_it(
        self, driver: KeyDriver, store: KeysHarness
    ) -> None:
        await make(driver, store, "key")
        before = await driver.describe("key")
        ciphertext = await driver.encrypt("key", secret(), PAIRS)
        await driver.decrypt("key", ciphertext, PAIRS)
        await driver.generate("key", PAIRS)
        assert await driver.describe("key") == before
        assert store.version_of(ciphertext) in (None, before.version)

    @case()
    async def test_its_native_name_is_the_same_key(
        self, driver: KeyDriver, store: KeysHarness
    ) -> None:
        await make(driver, store, "key")
        info = await driver.describe("key")
        if info.native is None:
            pytest.skip("the store has no names of its own")
        name = f"native:{info.native}"
        assert (await driver.describe(name)).native == info.native
        ciphertext = await driver.encrypt("key", secret("one"), PAIRS)
        assert await driver.decrypt(name, ciphertext, PAIRS) == secret("one")
        ciphertext = await driver.encrypt(name, secret("two"), PAIRS)
        assert await driver.decrypt("key", ciphertext, PAIRS) == secret("two")

    @case("create")
    async def test_what_is_made_is_described(self, driver: KeyDriver) -> None:
        info = await driver.create("key")
        assert (info.name, info.purpose, info.state) == ("key", "encrypt", "enabled")
        assert info.algorithm is None
        assert info == await driver.describe("key")

    @case("create")
    async def test_a_second_key_of_a_name_is_refused(
        self, driver: KeyDriver, store: KeysHarness
    ) -> None:
        before = await driver.create("key")
        ciphertext = await driver.encrypt("key", secret(), NONE)
        await refused(Conflict, driver.create("key"))
        if driver.capabilities.signatures:
            await refused(Conflict, driver.create("key", "sign"))
        assert await driver.describe("key") == before
        assert await driver.decrypt("key", ciphertext, NONE) == secret()

    @case(off="create")
    async def test_where_none_can_be_made_none_is(
        self, driver: KeyDriver, store: KeysHarness
    ) -> None:
        await refused(Unsupported, driver.create("key"))
        await refused(NotFound, driver.describe("key"))
        await make(driver, store, "there")
        await refused(Unsupported, driver.create("there"))
        ciphertext = await driver.encrypt("there", secret(), PAIRS)
        assert await driver.decrypt("there", ciphertext, PAIRS) == secret()


class Names:
    """Every portable name is another key."""

    @case()
    async def test_names_that_look_alike_are_different_keys(
        self, driver: KeyDriver, store: KeysHarness
    ) -> None:
        names = NAMES[: store.many]
        await make(driver, store, *names)
        made = {name: await driver.encrypt(name, secret(name), NONE) for name in names}
        for at, name in enumerate(names):
            assert (await driver.describe(name)).name == name
            assert await driver.decrypt(name, made[name], NONE) == secret(name)
            neighbour = names[at - 1]
            await refused(KeyFailure, driver.decrypt(name, made[neighbour], NONE))
        if driver.capabilities.list:
            assert sorted(info.name for info in await listed(driver)) == sorted(names)

    @case()
    async def test_the_longest_name_is_taken(
        self, driver: KeyDriver, store: KeysHarness
    ) -> None:
        name = "n" * store.longest_name
        await make(driver, store, name)
        ciphertext = await driver.encrypt(name, secret(), NONE)
        assert await driver.decrypt(name, ciphertext, NONE) == secret()
        assert (await driver.describe(name)).name == name
        await refused((NotFound, Invalid), driver.describe(name[:-1] + "m"))

    @case()
    async def test_the_deepest_name_is_taken(
        self, driver: KeyDriver, store: KeysHarness
    ) -> None:
        name = "/".join("a" * min(store.most_segments, (store.longest_name + 1) // 2))
        await make(driver, store, name)
        ciphertext = await driver.encrypt(name, secret(), NONE)
        assert await driver.decrypt(name, ciphertext, NONE) == secret()
        if driver.capabilities.list:
            assert [info.name for info in await listed(driver)] == [name]

    @case()
    async def test_a_longer_name_is_taken_or_refused(
        self, driver: KeyDriver, store: KeysHarness
    ) -> None:
        name = "m/" * 127 + "n"
        try:
            await make(driver, store, name)
        except Invalid:
            await refused((NotFound, Invalid), driver.describe(name))
        else:
            assert (await driver.describe(name)).name == name

    @case("create")
    async def test_a_native_name_is_taken(self, driver: KeyDriver, store: KeysHarness) -> None:
        if store.native_name is None:
            pytest.skip("the store makes no keys under names of its own")
        await make(driver, store, store.native_name)
        ciphertext = await driver.encrypt(store.native_name, secret(), NONE)
        assert await driver.decrypt(store.native_name, ciphertext, NONE) == secret()
        assert (await driver.describe(store.native_name)).name == store.native_name
        if driver.capabilities.list:
            assert await listed(driver) == [], "only portable names are listed"


class Lists:
    """Listings of keys."""

    @pytest.mark.parametrize("limit", [1, 2, 4, 100])
    @case("list")
    async def test_every_key_is_listed_once_with_what_it_is(
        self, driver: KeyDriver, store: KeysHarness, limit: int
    ) -> None:
        await make(driver, store, *TREE)
        found = await listed(driver, limit=limit)
        assert sorted(info.name for info in found) == sorted(TREE)
        for info in found:
            described = await driver.describe(info.name)
            assert (info.purpose, info.state) == (described.purpose, described.state)
            assert info.version in (None, described.version)
            assert info.algorithm == described.algorithm

    @pytest.mark.parametrize("limit", [1, 100])
    @case("list")
    async def test_a_prefix_is_whole_segments(
        self, driver: KeyDriver, store: KeysHarness, limit: int
    ) -> None:
        await make(driver, store, *TREE)
        for prefix in ("a", "a/b", "a2", "b", "a/b/c", "none", "a/b/c/d"):
            found = await listed(driver, prefix, limit=limit)
            under = sorted(name for name in TREE if name.startswith(f"{prefix}/"))
            assert sorted(info.name for info in found) == under, prefix

    @case("list")
    async def test_an_empty_store_lists_nothing(self, driver: KeyDriver) -> None:
        page = await driver.list("", cursor=None, limit=100)
        assert (list(page.items), page.cursor) == ([], None)

    @case("list")
    async def test_a_cursor_can_be_used_again(
        self, driver: KeyDriver, store: KeysHarness
    ) -> None:
        await make(driver, store, *TREE)
        first = await driver.list("", cursor=None, limit=2)
        assert first.cursor is not None
        seconds = [await driver.list("", cursor=first.cursor, limit=2) for _ in range(2)]
        assert seconds[0].items == seconds[1].items
        names = {info.name for info in first.items} & {info.name for info in seconds[0].items}
        assert not names

    @case("list")
    async def test_a_foreign_cursor_is_invalid(
        self, driver: KeyDriver, store: KeysHarness
    ) -> None:
        await make(driver, store, *TREE)
        page = await driver.list("a", cursor=None, limit=1)
        assert page.cursor is not None
        foreign = ("nonsense", "AAAA", "é", "{}", "x" * 3000)
        for cursor in foreign:
            await refused(Invalid, driver.list("", cursor=cursor, limit=1))
        await refused(Invalid, driver.list("b", cursor=page.cursor, limit=1))

    @case("list", "signatures")
    async def test_keys_that_sign_are_listed_as_such(
        self, driver: KeyDriver, store: KeysHarness
    ) -> None:
        algorithm = driver.capabilities.signatures[0]
        await make(driver, store, "signs", purpose="sign", algorithm=algorithm)
        await make(driver, store, "encrypts")
        found = {info.name: (info.purpose, info.algorithm) for info in await listed(driver)}
        assert found == {"signs": ("sign", algorithm), "encrypts": ("encrypt", None)}

    @case(off="list")
    async def test_what_lists_nothing_says_so(
        self, driver: KeyDriver, store: KeysHarness
    ) -> None:
        await make(driver, store, "a/key")
        for prefix in ("", "a", "none"):
            await refused(Unsupported, driver.list(prefix, cursor=None, limit=10))


class States:
    """Keys that cannot be used say so."""

    @case()
    async def test_a_disabled_key_is_refused_by_that_word(
        self, driver: KeyDriver, store: KeysHarness
    ) -> None:
        await make(driver, store, "key", "other")
        ciphertext = await driver.encrypt("key", secret(), NONE)
        if not await store.disable("key"):
            pytest.skip("keys of this store are never disabled")
        assert (await driver.describe("key")).state == "disabled"
        for use in _uses(driver, "key", ciphertext):
            assert "disabled" in (await refused(KeyFailure, use)).message
        assert (await driver.describe("other")).state == "enabled"
        assert await driver.encrypt("other", secret(), NONE)

    @case()
    async def test_a_key_that_will_be_deleted_is_refused_by_that_word(
        self, driver: KeyDriver, store: KeysHarness
    ) -> None:
        await make(driver, store, "key", "other")
        ciphertext = await driver.encrypt("key", secret(), NONE)
        if not await store.delete("key"):
            pytest.skip("keys of this store are not deleted, or at once")
        assert (await driver.describe("key")).state == "pending_deletion"
        for use in _uses(driver, "key", ciphertext):
            assert "delet" in (await refused(KeyFailure, use)).message
        assert await driver.encrypt("other", secret(), NONE)

    @case("signatures")
    async def test_a_disabled_key_does_not_sign(
        self, driver: KeyDriver, store: KeysHarness
    ) -> None:
        algorithm = driver.capabilities.signatures[0]
        await make(driver, store, "key", purpose="sign", algorithm=algorithm)
        if not await store.disable("key"):
            pytest.skip("keys of this store are never disabled")
        assert "disabled" in (await refused(KeyFailure, driver.sign("key", DIGEST))).message
        assert (await driver.describe("key")).state == "disabled"


def _uses(driver: KeyDriver, name: str, ciphertext: bytes) -> list[Coroutine[Any, Any, object]]:
    uses: list[Coroutine[Any, Any, object]] = [
        driver.encrypt(name, secret(), NONE),
        driver.decrypt(name, ciphertext, NONE),
        driver.generate(name, NONE),
    ]
    if driver.capabilities.rewrap:
        uses.append(driver.rewrap(name, ciphertext, NONE))
    return uses
