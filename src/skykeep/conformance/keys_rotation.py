"""Cases: a key gets new versions, what older ones made still opens, and can be moved."""

from __future__ import annotations

import pytest

from skykeep.conformance.cases import case, refused, secret
from skykeep.conformance.keys_cases import NONE, PAIRS, damaged, keys_over, make
from skykeep.conformance.keys_harness import KeysHarness
from skykeep.errors import KeyFailure, NotFound, Unsupported
from skykeep.interfaces.key_driver import KeyDriver


class Rotates:
    """``rotate``: a new version, and nothing is lost."""

    @case("rotate")
    async def test_what_older_versions_made_still_opens(
        self, driver: KeyDriver, store: KeysHarness
    ) -> None:
        await make(driver, store, "key")
        made = {}
        for number in range(store.rotations + 1):
            value = secret(str(number))
            made[await driver.encrypt("key", value, PAIRS)] = value
            wrapped = await driver.generate("key", PAIRS)
            made[wrapped.wrapped] = wrapped.plain
            if number < store.rotations:
                await driver.rotate("key")
        for ciphertext, value in made.items():
            assert await driver.decrypt("key", ciphertext, PAIRS) == value
            await refused(KeyFailure, driver.decrypt("key", ciphertext, NONE))

    @case("rotate")
    async def test_the_new_version_is_another_and_is_used(
        self, driver: KeyDriver, store: KeysHarness
    ) -> None:
        await make(driver, store, "key")
        before = await driver.describe("key")
        told = [before.version]
        for _ in range(min(2, store.rotations)):
            info = await driver.rotate("key")
            assert (info.name, info.purpose, info.state) == ("key", "encrypt", "enabled")
            assert info == await driver.describe("key")
            assert info.created_at == before.created_at
            told.append(info.version)
            seen = store.version_of(await driver.encrypt("key", secret(), NONE))
            assert seen in (None, info.version)
            made = await driver.generate("key", NONE)
            assert store.version_of(made.wrapped) in (None, info.version)
        assert None in told or len(set(told)) == len(told)

    @case("rotate")
    async def test_another_driver_sees_the_new_version(
        self, driver: KeyDriver, store: KeysHarness
    ) -> None:
        if not store.persistent:
            pytest.skip("the store ends with its driver")
        await make(driver, store, "key")
        other = await store.reopen()
        old = await other.encrypt("key", secret("old"), NONE)
        info = await driver.rotate("key")
        assert await other.describe("key") == info
        new = await driver.encrypt("key", secret("new"), NONE)
        assert await other.decrypt("key", new, NONE) == secret("new")
        assert await other.decrypt("key", old, NONE) == secret("old")
        theirs = await other.encrypt("key", secret("theirs"), NONE)
        assert store.version_of(theirs) in (None, info.version)

    @case("rotate")
    async def test_rotating_one_key_leaves_the_others(
        self, driver: KeyDriver, store: KeysHarness
    ) -> None:
        await make(driver, store, "key", "other")
        before = await driver.describe("other")
        await driver.rotate("key")
        assert await driver.describe("other") == before

    @case("rotate")
    async def test_a_key_that_is_not_there_is_not_rotated(
        self, driver: KeyDriver, store: KeysHarness
    ) -> None:
        await refused(NotFound, driver.rotate("absent"))
        await refused(NotFound, driver.describe("absent"))

    @case(off="rotate")
    async def test_without_rotation_nothing_changes(
        self, driver: KeyDriver, store: KeysHarness
    ) -> None:
        await make(driver, store, "key")
        before = await driver.describe("key")
        await refused(Unsupported, driver.rotate("key"))
        await refused(Unsupported, driver.rotate("absent"))
        assert await driver.describe("key") == before


class Rewraps:
    """``rewrap``: the same value under the newest version."""

    @case("rewrap", "rotate")
    async def test_a_ciphertext_moves_and_its_value_stays(
        self, driver: KeyDriver, store: KeysHarness
    ) -> None:
        await make(driver, store, "key")
        made = await driver.generate("key", PAIRS)
        old = await driver.encrypt("key", secret("moved"), PAIRS)
        info = await driver.rotate("key")
        for before, value in ((old, secret("moved")), (made.wrapped, made.plain)):
            after = await driver.rewrap("key", before, PAIRS)
            assert after != before
            assert store.version_of(after) in (None, info.version)
            assert await driver.decrypt("key", after, PAIRS) == value
            assert await driver.decrypt("key", before, PAIRS) == value
            await refused(KeyFailure, driver.decrypt("key", after, NONE))

    @case("rewrap")
    async def test_it_can_be_done_without_a_new_version(
        self, driver: KeyDriver, store: KeysHarness
    ) -> None:
        await make(driver, store, "key")
        old = await driver.encrypt("key", secret(), NONE)
        assert await driver.decrypt("key", await driver.rewrap("key", old, NONE), NONE) == (
            secret()
        )

    @case("rewrap")
    async def test_what_does_not_open_is_not_moved(
        self, driver: KeyDriver, store: KeysHarness
    ) -> None:
        await make(driver, store, "key", "other")
        old = await driver.encrypt("key", secret(), PAIRS)
        await refused(KeyFailure, driver.rewrap("key", old, NONE))
        await refused(KeyFailure, driver.rewrap("key", old, {**PAIRS, "tenant": "other"}))
        await refused(KeyFailure, driver.rewrap("other", old, PAIRS))
        await refused(NotFound, driver.rewrap("absent", old, PAIRS))
        for other in damaged(old)[:6]:
            await refused(KeyFailure, driver.rewrap("key", other, PAIRS))

    @case(off="rewrap")
    async def test_without_it_the_driver_refuses(
        self, driver: KeyDriver, store: KeysHarness
    ) -> None:
        await make(driver, store, "key")
        old = await driver.encrypt("key", secret(), NONE)
        await refused(Unsupported, driver.rewrap("key", old, NONE))

    @case()
    async def test_an_application_rewraps_over_every_store(
        self, driver: KeyDriver, store: KeysHarness
    ) -> None:
        await make(driver, store, "key")
        keys, counted = keys_over(driver)
        old = await keys.encrypt("key", secret("moved"), context=PAIRS)
        version = None
        if driver.capabilities.rotate:
            version = (await keys.rotate("key")).version
        counted.calls.clear()
        new = await keys.rewrap("key", old, context=PAIRS)
        asked = {"rewrap": 1} if driver.capabilities.rewrap else {"decrypt": 1, "encrypt": 1}
        assert counted.calls == asked
        assert version is None or store.version_of(new) in (None, version)
        assert await keys.decrypt("key", new, context=PAIRS) == secret("moved")
        await refused(KeyFailure, keys.rewrap("key", old))
