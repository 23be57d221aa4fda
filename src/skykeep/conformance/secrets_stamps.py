"""Cases: the stamp of a write stays with its version, and is never told of another one."""

from __future__ import annotations

import asyncio

import pytest

from skykeep.conformance.cases import (
    NOTHING,
    case,
    listed,
    put,
    room,
    secret,
    unchanged,
)
from skykeep.conformance.harness import SecretsHarness
from skykeep.conformance.secrets_writes import ATTRIBUTES, TAGS
from skykeep.interfaces.secret_driver import (
    CURRENT,
    PENDING,
    Attributes,
    SecretDriver,
    Stamp,
)

ONE = Stamp(1_767_225_600_000_001, bytes(range(16)))
TWO = Stamp(1_767_225_600_000_002, bytes(range(240, 256)))
THREE = Stamp(1_767_225_600_000_003, b"\x5a" * 16)

LIMITS = {
    "lowest": Stamp(0, bytes(16)),
    "highest": Stamp((1 << 64) - 1, b"\xff" * 16),
    "looks-like-text": Stamp(0x2D2D2D2D2D2D2D2D, b"skykeep:stamp--\n"),
}
AT_ONCE = 6


def stamped(stamp: Stamp | None) -> Attributes:
    """Nothing but the stamp."""
    return Attributes(stamp=stamp)


async def told(driver: SecretDriver, name: str = "made") -> Stamp | None:
    """The stamp of the current version by ``describe``, after ``get`` has told the same.

    Where a listing tells one, it is this one too.
    """
    known = (await driver.describe(name)).stamp
    found = (await driver.get(name)).stamp
    assert found == (known if driver.capabilities.stamp_with_value else None)
    in_list = [info.stamp for info in await listed(driver) if info.name == name]
    assert in_list in ([known], [None])
    return known


class Stamps:
    """A store that keeps stamps."""

    @case("write", "stamps")
    async def test_a_secret_is_made_with_a_stamp(self, driver: SecretDriver) -> None:
        await driver.create("made", secret(), stamped(ONE))
        assert await told(driver) == ONE

    @case("write", "stamps")
    async def test_a_secret_is_made_without_a_stamp(self, driver: SecretDriver) -> None:
        await driver.create("made", secret(), NOTHING)
        assert await told(driver) is None

    @pytest.mark.parametrize("stamp", LIMITS.values(), ids=LIMITS.keys())
    @case("write", "stamps")
    async def test_every_stamp_comes_back(self, driver: SecretDriver, stamp: Stamp) -> None:
        await driver.create("made", secret("first"), stamped(stamp))
        assert await told(driver) == stamp
        await driver.create("other", secret("first"), NOTHING)
        await driver.update("other", secret("second"), stamped(stamp))
        assert await told(driver, "other") == stamp

    @case("write", "stamps")
    async def test_a_newer_version_has_its_own(self, driver: SecretDriver) -> None:
        await driver.create("made", secret("first"), stamped(ONE))
        assert (await driver.update("made", secret("second"), stamped(TWO))).changed
        assert await told(driver) == TWO
        assert (await driver.update("made", secret("first"), stamped(THREE))).changed
        assert await told(driver) == THREE

    @case("write", "stamps")
    async def test_what_had_none_gets_one_with_its_next_version(
        self, driver: SecretDriver
    ) -> None:
        await driver.create("made", secret("first"), NOTHING)
        await driver.update("made", secret("second"), stamped(ONE))
        assert await told(driver) == ONE

    @case("write", "stamps")
    async def test_a_newer_version_without_one_has_none(self, driver: SecretDriver) -> None:
        await driver.create("made", secret("first"), stamped(ONE))
        await driver.update("made", secret("second"), NOTHING)
        assert await told(driver) is None

    @case("write", "stamps")
    async def test_one_stamp_on_a_second_version(self, driver: SecretDriver) -> None:
        """A copy brings the stamp of the version that it is of, wherever that was before."""
        first = await driver.create("made", secret("first"), stamped(ONE))
        second = await driver.update("made", secret("second"), stamped(TWO))
        third = await driver.update("made", secret("first"), stamped(ONE))
        assert third.changed
        assert len({first.version, second.version, third.version}) == 3
        assert (await driver.get("made")).value == secret("first")
        assert await told(driver) == ONE

    @case("write", "stamps")
    async def test_one_stamp_on_another_value(self, driver: SecretDriver) -> None:
        """A value that is encrypted anew is the same to its readers, not to the store."""
        await driver.create("made", secret("first"), stamped(ONE))
        assert (await driver.update("made", secret("second"), stamped(ONE))).changed
        assert (await driver.get("made")).value == secret("second")
        assert await told(driver) == ONE

    @pytest.mark.parametrize("given", [None, ONE, TWO], ids=["none", "same", "other"])
    @case("write", "stamps")
    async def test_a_value_that_is_there_keeps_its_stamp(
        self, driver: SecretDriver, given: Stamp | None
    ) -> None:
        first = await driver.create("made", secret(), stamped(ONE))
        async with unchanged(driver, "made"):
            again = await driver.update("made", secret(), stamped(given))
        assert (again.version, again.changed) == (first.version, False)
        assert await told(driver) == ONE

    @case("write", "stamps")
    async def test_a_value_that_is_there_without_one_gets_none(
        self, driver: SecretDriver
    ) -> None:
        first = await driver.create("made", secret(), NOTHING)
        async with unchanged(driver, "made"):
            again = await driver.update("made", secret(), stamped(ONE))
        assert (again.version, again.changed) == (first.version, False)
        assert await told(driver) is None

    @pytest.mark.parametrize("given", [None, TWO], ids=["none", "other"])
    @pytest.mark.parametrize("flag", ATTRIBUTES)
    @case("write", "stamps", "flag")
    async def test_annotate_leaves_the_stamp(
        self, driver: SecretDriver, flag: str, given: Stamp | None
    ) -> None:
        set_, other, none = ATTRIBUTES[flag]
        await driver.create("made", secret(), stamped(ONE))
        for attributes in (set_, other, none):
            await driver.annotate(
                "made",
                Attributes(
                    attributes.metadata, attributes.tags, attributes.expires_at, stamp=given
                ),
            )
            assert await told(driver) == ONE

    @case("write", "stamps")
    async def test_a_stamp_alone_is_nothing_to_annotate(self, driver: SecretDriver) -> None:
        await driver.create("made", secret(), stamped(ONE))
        await driver.create("other", secret(), NOTHING)
        async with unchanged(driver, "made", "other"):
            await driver.annotate("made", stamped(TWO))
            await driver.annotate("other", stamped(TWO))

    @case("write", "stamps", "tags")
    async def test_a_stamp_is_no_tag(self, driver: SecretDriver) -> None:
        await driver.create("made", secret("first"), Attributes(tags=TAGS, stamp=ONE))
        assert (await driver.describe("made")).tags == TAGS
        await driver.update("made", secret("second"), Attributes(tags={"a": "b"}, stamp=TWO))
        assert (await driver.describe("made")).tags == {"a": "b"}
        assert await told(driver) == TWO
        await driver.annotate("made", Attributes(tags={}))
        assert (await driver.describe("made")).tags == {}
        assert await told(driver) == TWO

    @case("write", "stamps", "metadata")
    async def test_a_stamp_is_no_metadata(self, driver: SecretDriver) -> None:
        pairs = {"owner": "payments"}
        await driver.create("made", secret("first"), Attributes(metadata=pairs, stamp=ONE))
        assert (await driver.describe("made")).metadata == pairs
        await driver.update("made", secret("second"), stamped(TWO))
        assert (await driver.describe("made")).metadata == pairs
        await driver.annotate("made", Attributes(metadata={}))
        assert (await driver.describe("made")).metadata == {}
        assert await told(driver) == TWO

    @pytest.mark.parametrize("flag", ATTRIBUTES)
    @case("write", "stamps", "flag")
    async def test_what_is_beside_the_value_stays_with_a_stamp(
        self, driver: SecretDriver, flag: str
    ) -> None:
        """A stamp that is written behind the value leaves all else as it is."""
        await driver.create("made", secret("first"), ATTRIBUTES[flag][0])
        before = await driver.describe("made")
        await driver.update("made", secret("second"), stamped(ONE))
        after = await driver.describe("made")
        assert (after.metadata, after.tags, after.expires_at) == (
            before.metadata,
            before.tags,
            before.expires_at,
        )

    @case("write", "stamps")
    async def test_secrets_have_their_own(self, driver: SecretDriver) -> None:
        await driver.create("made", secret(), stamped(ONE))
        await driver.create("made/below", secret(), stamped(TWO))
        await driver.create("other", secret(), NOTHING)
        assert await told(driver) == ONE
        assert await told(driver, "made/below") == TWO
        assert await told(driver, "other") is None

    @case("write", "stamps")
    async def test_a_stamp_outlives_the_driver(
        self, driver: SecretDriver, store: SecretsHarness
    ) -> None:
        if not store.persistent:
            pytest.skip("the store does not outlive its driver")
        await driver.create("made", secret("first"), stamped(ONE))
        await driver.update("made", secret("second"), stamped(TWO))
        assert await told(await store.reopen()) == TWO

    @case("write", "stamps", "soft_delete")
    async def test_restore_brings_the_stamp_back(self, driver: SecretDriver) -> None:
        await driver.create("made", secret("first"), NOTHING)
        await driver.update("made", secret("second"), stamped(ONE))
        await driver.delete("made")
        assert (await driver.describe("made")).stamp in (ONE, None)
        await driver.restore("made")
        assert await told(driver) == ONE

    @case("write", "stamps")
    async def test_a_later_secret_of_the_name_has_no_stamp_of_the_former(
        self, driver: SecretDriver
    ) -> None:
        await driver.create("made", secret(), stamped(ONE))
        await driver.purge("made")
        await driver.create("made", secret(), NOTHING)
        assert await told(driver) is None

    @case("write", "stamps")
    async def test_of_writes_at_once_the_stamp_is_of_the_value_that_stays(
        self, driver: SecretDriver
    ) -> None:
        await driver.create("made", secret("before"), NOTHING)
        values = [secret(str(number)) for number in range(AT_ONCE)]
        stamps = [Stamp(number + 1, bytes([number]) * 16) for number in range(AT_ONCE)]
        await asyncio.gather(
            *(
                driver.update("made", value, stamped(stamp))
                for value, stamp in zip(values, stamps, strict=True)
            ),
            return_exceptions=True,
        )
        now = await driver.get("made")
        if now.value == secret("before"):
            pytest.fail("one of several writes at once must be kept")
        own = stamps[values.index(now.value)]
        if driver.capabilities.stamp_with_value:
            assert await told(driver) == own
        else:
            assert await told(driver) in (own, None), "a stamp of another value"


class StampsOfVersions:
    """Stamps where ``current`` can go back, and where older versions are read."""

    @case("write", "stamps", "stages", "movable_current")
    async def test_a_version_that_is_current_again(self, driver: SecretDriver) -> None:
        first = await driver.create("made", secret("first"), stamped(ONE))
        second = await driver.update("made", secret("second"), stamped(TWO))
        for version, own in ((first, ONE), (second, TWO)):
            await driver.move_stage("made", CURRENT, version.version)
            if driver.capabilities.stamp_with_value:
                assert await told(driver) == own
            else:
                assert await told(driver) in (own, None), "a stamp of another version"

    @case("write", "stamps", "stages", "movable_current")
    async def test_a_version_without_one_that_is_current_again(
        self, driver: SecretDriver
    ) -> None:
        first = await driver.create("made", secret("first"), NOTHING)
        await driver.update("made", secret("second"), stamped(TWO))
        await driver.move_stage("made", CURRENT, first.version)
        assert await told(driver) is None

    @case("write", "stamps", "stages", "movable_current")
    async def test_a_stamp_is_of_the_version_whatever_its_stage(
        self, driver: SecretDriver
    ) -> None:
        await driver.create("made", secret("first"), stamped(ONE))
        each = driver.capabilities.stamp_with_value
        pending = await driver.update("made", secret("next"), stamped(TWO), stage=PENDING)
        assert await told(driver) in ((ONE,) if each else (ONE, None))
        found = await driver.get("made", stage=PENDING)
        assert found.stamp == (TWO if each else None)
        await driver.move_stage("made", CURRENT, pending.version)
        assert await told(driver) in ((TWO,) if each else (TWO, None))

    @case("write", "stamps", "stages", "movable_current")
    async def test_a_value_without_one_at_another_stage(self, driver: SecretDriver) -> None:
        await driver.create("made", secret("first"), stamped(ONE))
        pending = await driver.update("made", secret("next"), NOTHING, stage=PENDING)
        assert await told(driver) in (
            (ONE,) if driver.capabilities.stamp_with_value else (ONE, None)
        )
        await driver.move_stage("made", CURRENT, pending.version)
        assert await told(driver) is None

    @case("write", "stamps", "stamp_with_value", "versions")
    async def test_older_versions_keep_theirs(self, driver: SecretDriver) -> None:
        first = await driver.create("made", secret("first"), stamped(ONE))
        second = await driver.update("made", secret("second"), NOTHING)
        third = await driver.update("made", secret("third"), stamped(THREE))
        made = [(third, THREE), (second, None), (first, ONE)]
        for version, own in made[: room(driver, 3)]:
            assert (await driver.get("made", version=version.version)).stamp == own

    @case("write", "stamps", "versions", off="stamp_with_value")
    async def test_not_told_with_the_value(self, driver: SecretDriver) -> None:
        first = await driver.create("made", secret("first"), stamped(ONE))
        second = await driver.update("made", secret("second"), stamped(TWO))
        for version in (first, second):
            assert (await driver.get("made", version=version.version)).stamp is None
        assert await told(driver) == TWO


class WithoutStamps:
    """A store that keeps none takes them, and leaves them out."""

    @case("write", off="stamps")
    async def test_a_stamp_is_left_out(self, driver: SecretDriver) -> None:
        await driver.create("made", secret("first"), stamped(ONE))
        assert await told(driver) is None
        assert (await driver.update("made", secret("second"), stamped(TWO))).changed
        assert (await driver.get("made")).value == secret("second")
        assert await told(driver) is None

    @case("write", off="stamps")
    async def test_a_stamp_that_is_left_out_shows_nowhere(self, driver: SecretDriver) -> None:
        await driver.create("made", secret(), stamped(ONE))
        async with unchanged(driver, "made"):
            again = await driver.update("made", secret(), stamped(TWO))
            assert not again.changed
        known = await driver.describe("made")
        assert (known.metadata, known.tags) == ({}, {})

    @case()
    async def test_what_others_wrote_has_none(
        self, driver: SecretDriver, store: SecretsHarness
    ) -> None:
        await put(driver, store, "made", secret())
        assert await told(driver) is None
