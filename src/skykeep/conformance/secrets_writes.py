"""Cases: create, update, annotate, and what is kept beside the value."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from skykeep.conformance.cases import (
    NOTHING,
    UNKNOWN_VERSION,
    case,
    listed,
    put,
    refused,
    secret,
    unchanged,
    unsupported,
)
from skykeep.conformance.harness import SecretsHarness
from skykeep.errors import Conflict, NotFound, SkykeepError, Unsupported
from skykeep.interfaces.secret_driver import (
    CURRENT,
    PENDING,
    Attributes,
    SecretDriver,
    SecretInfo,
)

Asked = Callable[[SecretDriver, str], Awaitable[object]]

READS: dict[str, Asked] = {
    "get": lambda driver, name: driver.get(name),
    "describe": lambda driver, name: driver.describe(name),
}
WRITES: dict[str, Asked] = {
    "update": lambda driver, name: driver.update(name, secret(), NOTHING),
    "update-pending": lambda driver, name: driver.update(
        name, secret(), NOTHING, stage=PENDING
    ),
    "annotate": lambda driver, name: driver.annotate(name, Attributes(metadata={"a": "b"})),
    "move-stage": lambda driver, name: driver.move_stage(name, "canary", UNKNOWN_VERSION),
    "delete": lambda driver, name: driver.delete(name),
    "restore": lambda driver, name: driver.restore(name),
    "purge": lambda driver, name: driver.purge(name),
}
MORE_READS: dict[str, Asked] = {
    "get-version": lambda driver, name: driver.get(name, version=UNKNOWN_VERSION),
    "get-stage": lambda driver, name: driver.get(name, stage=PENDING),
    "versions": lambda driver, name: driver.versions(name),
}
EXPIRY = datetime(2031, 2, 3, 4, 5, 6, 789_000, tzinfo=UTC)
METADATA = {"owner": "payments", "note": "line one\nline two: é ✓", "empty": ""}
TAGS = {"team": "payments", "cost-centre": "42", "empty": ""}

# flag -> what a write says of it, what it says instead, what removes it
ATTRIBUTES: dict[str, tuple[Attributes, Attributes, Attributes]] = {
    "metadata": (
        Attributes(metadata=METADATA),
        Attributes(metadata={"other": "text"}),
        Attributes(metadata={}),
    ),
    "tags": (Attributes(tags=TAGS), Attributes(tags={"other": "word"}), Attributes(tags={})),
    "expiry": (
        Attributes(expires_at=EXPIRY),
        Attributes(expires_at=EXPIRY + timedelta(days=90)),
        Attributes(expires_at=None),
    ),
}


class Writes:
    """Secrets come into being and change."""

    @pytest.mark.parametrize("asked", READS.values(), ids=READS.keys())
    @case()
    async def test_reading_a_name_that_is_not_there(
        self, driver: SecretDriver, asked: Asked
    ) -> None:
        error = await refused(NotFound, asked(driver, "absent"))
        assert "absent" in str(error), "it names the secret"

    @pytest.mark.parametrize("asked", MORE_READS.values(), ids=MORE_READS.keys())
    @case("versions", "stages")
    async def test_reading_a_version_of_a_name_that_is_not_there(
        self, driver: SecretDriver, asked: Asked
    ) -> None:
        await refused(NotFound, asked(driver, "absent"))

    @pytest.mark.parametrize("asked", WRITES.values(), ids=WRITES.keys())
    @case("write")
    async def test_changing_a_name_that_is_not_there(
        self, driver: SecretDriver, asked: Asked
    ) -> None:
        can = driver.capabilities
        kinds: tuple[type[SkykeepError], ...] = (NotFound,)
        if not (can.stages and can.metadata and can.soft_delete and can.movable_current):
            kinds = (NotFound, Unsupported)
        await refused(kinds, asked(driver, "absent"))
        assert await listed(driver) == []

    @case("write")
    async def test_what_create_answers_is_what_is_current(self, driver: SecretDriver) -> None:
        written = await driver.create("made", secret(), NOTHING)
        assert written.changed
        found = await driver.get("made")
        assert found.version == written.version
        assert CURRENT in found.stages
        assert (await driver.get("made", stage=CURRENT)).version == written.version
        told = (await driver.describe("made")).version
        assert told == written.version or (told is None and not driver.capabilities.versions)

    @case("write")
    async def test_create_on_a_name_that_is_taken(self, driver: SecretDriver) -> None:
        await driver.create("made", secret("first"), NOTHING)
        async with unchanged(driver, "made"):
            await refused(Conflict, driver.create("made", secret("second"), NOTHING))
            await refused(Conflict, driver.create("made", secret("first"), NOTHING))

    @case("write")
    async def test_an_update_makes_a_version_and_makes_it_current(
        self, driver: SecretDriver
    ) -> None:
        first = await driver.create("made", secret("first"), NOTHING)
        second = await driver.update("made", secret("second"), NOTHING)
        assert second.changed
        assert second.version != first.version
        found = await driver.get("made")
        assert (found.value, found.version) == (secret("second"), second.version)

    @case("write")
    async def test_a_value_that_is_current_makes_no_version(self, driver: SecretDriver) -> None:
        await driver.create("made", secret("first"), NOTHING)
        second = await driver.update("made", secret("second"), NOTHING)
        async with unchanged(driver, "made"):
            again = await driver.update("made", secret("second"), NOTHING)
        assert again.version == second.version
        assert not again.changed

    @case("write")
    async def test_a_value_of_old_makes_a_version(self, driver: SecretDriver) -> None:
        first = await driver.create("made", secret("first"), NOTHING)
        second = await driver.update("made", secret("second"), NOTHING)
        third = await driver.update("made", secret("first"), NOTHING)
        assert third.changed
        assert third.version != second.version
        if driver.capabilities.versions:
            assert third.version != first.version

    @case("write", off="times")
    async def test_times_that_the_store_does_not_tell(self, driver: SecretDriver) -> None:
        await driver.create("made", secret("first"), NOTHING)
        info = await driver.describe("made")
        assert (info.created_at, info.updated_at) == (None, None)
        assert (await driver.get("made")).created_at is None
        assert (await listed(driver))[0].updated_at is None

    @case("write", "times", off="creation_time")
    async def test_a_creation_that_the_store_does_not_tell(self, driver: SecretDriver) -> None:
        await driver.create("made", secret("first"), NOTHING)
        info = await driver.describe("made")
        assert info.created_at is None
        assert info.updated_at is not None
        found = await driver.get("made")
        if driver.capabilities.version_with_value:
            assert found.created_at is not None, "that of the version is told"
        assert (await listed(driver))[0].created_at is None

    @case("write", "times", "creation_time")
    async def test_times_are_in_utc_and_in_order(self, driver: SecretDriver) -> None:
        await driver.create("made", secret("first"), NOTHING)
        before = await driver.describe("made")
        await driver.update("made", secret("second"), NOTHING)
        after = await driver.describe("made")
        of_version = (await driver.get("made")).created_at
        if not driver.capabilities.version_with_value:
            of_version = after.updated_at
        assert before.created_at is not None
        assert before.updated_at is not None
        assert after.updated_at is not None
        assert of_version is not None
        for at in (before.created_at, before.updated_at, after.updated_at, of_version):
            assert at.utcoffset() == timedelta(0)
            # A store has its own clock; a day off is a unit or a zone that was misread.
            assert abs(datetime.now(UTC) - at) < timedelta(days=1)
        assert before.created_at <= before.updated_at <= after.updated_at
        assert after.created_at == before.created_at
        assert before.deleted_at is None

    @case("write")
    async def test_a_new_secret_has_nothing_beside_its_value(
        self, driver: SecretDriver
    ) -> None:
        await driver.create("made", secret(), NOTHING)
        info = await driver.describe("made")
        assert (dict(info.metadata), dict(info.tags), info.expires_at) == ({}, {}, None)


class Kept:
    """Metadata, tags and expiry."""

    @pytest.mark.parametrize("flag", ATTRIBUTES)
    @case("write", "flag")
    async def test_it_is_kept_and_read_everywhere(
        self, driver: SecretDriver, flag: str
    ) -> None:
        given = ATTRIBUTES[flag][0]
        await driver.create("made", secret(), given)
        _same(await driver.describe("made"), given)
        _same((await listed(driver))[0], given)
        if driver.capabilities.attributes_with_value:
            _same(await driver.get("made"), given)

    @pytest.mark.parametrize("flag", ATTRIBUTES)
    @case("write", "flag", off="attributes_with_value")
    async def test_it_is_not_told_with_the_value(self, driver: SecretDriver, flag: str) -> None:
        await driver.create("made", secret(), ATTRIBUTES[flag][0])
        found = await driver.get("made")
        assert (dict(found.metadata), dict(found.tags), found.expires_at) == ({}, {}, None)
        _same(await driver.describe("made"), ATTRIBUTES[flag][0])

    @pytest.mark.parametrize("how", ["update", "unchanged update", "annotate"])
    @pytest.mark.parametrize("flag", ATTRIBUTES)
    @case("write", "flag")
    async def test_it_is_left_replaced_and_removed(
        self, driver: SecretDriver, flag: str, how: str
    ) -> None:
        given, instead, none = ATTRIBUTES[flag]
        await driver.create("made", secret(), given)
        await self._say(driver, how, NOTHING)
        _same(await driver.describe("made"), given)
        await self._say(driver, how, instead)
        _same(await driver.describe("made"), instead)
        await self._say(driver, how, none)
        _same(await driver.describe("made"), none)

    @staticmethod
    async def _say(driver: SecretDriver, how: str, given: Attributes) -> None:
        before = await driver.get("made")
        if how == "annotate":
            await driver.annotate("made", given)
        elif how == "update":
            value = secret("b" if before.value == secret("a") else "a")
            assert (await driver.update("made", value, given)).changed
            return
        else:
            written = await driver.update("made", before.value, given)
            assert not written.changed, "attributes alone make no version"
            assert written.version == before.version
        after = await driver.get("made")
        assert (after.value, after.version) == (before.value, before.version)

    @case("write", "metadata", "tags", "expiry")
    async def test_each_is_changed_without_the_others(self, driver: SecretDriver) -> None:
        await driver.create(
            "made", secret(), Attributes(metadata=METADATA, tags=TAGS, expires_at=EXPIRY)
        )
        for flag, (_, instead, none) in ATTRIBUTES.items():
            rest = [ATTRIBUTES[other][0] for other in ATTRIBUTES if other != flag]
            for given in (instead, none, ATTRIBUTES[flag][0]):
                await driver.annotate("made", given)
                info = await driver.describe("made")
                for expected in (given, *rest):
                    _same(info, expected)

    @pytest.mark.parametrize("flag", ATTRIBUTES)
    @case("write", off="flag")
    async def test_without_the_capability_it_is_refused(
        self, driver: SecretDriver, flag: str
    ) -> None:
        given, _, none = ATTRIBUTES[flag]
        await driver.create("made", secret(), none)
        await unsupported(driver, "new", driver.create("new", secret(), given))
        await unsupported(driver, "made", driver.update("made", secret("b"), given))
        await unsupported(driver, "made", driver.annotate("made", given))
        assert (await driver.update("made", secret("c"), none)).changed
        _same(await driver.describe("made"), none)

    @case("write", "metadata", "tags")
    async def test_pairs_are_copied_both_ways(self, driver: SecretDriver) -> None:
        metadata, tags = dict(METADATA), dict(TAGS)
        await driver.create("made", secret(), Attributes(metadata=metadata, tags=tags))
        metadata["owner"] = tags["team"] = "changed by the caller"
        reads = [driver.describe]
        if driver.capabilities.attributes_with_value:
            reads.append(driver.get)  # type: ignore[arg-type]  # another class, same fields
        for read in reads:
            found: Any = await read("made")
            assert (found.metadata, found.tags) == (METADATA, TAGS)
            for pairs in (found.metadata, found.tags):
                if isinstance(pairs, dict):
                    pairs.clear()
        info = await driver.describe("made")
        assert (info.metadata, info.tags) == (METADATA, TAGS)

    @case("write", "expiry")
    async def test_an_expired_secret_can_be_read(self, driver: SecretDriver) -> None:
        past = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
        await driver.create("made", secret(), Attributes(expires_at=past))
        found = await driver.get("made")
        assert found.value == secret()
        assert found.expired or not driver.capabilities.attributes_with_value
        assert (await driver.describe("made")).expired
        assert len(await listed(driver)) == 1

    @case("write", "expiry")
    async def test_an_expiry_of_another_zone_is_the_same_instant(
        self, driver: SecretDriver
    ) -> None:
        there = EXPIRY.astimezone(timezone(timedelta(hours=5, minutes=45)))
        await driver.create("made", secret(), Attributes(expires_at=there))
        found = (await driver.describe("made")).expires_at
        assert found is not None
        assert found.utcoffset() == timedelta(0)
        _same(await driver.describe("made"), Attributes(expires_at=EXPIRY))


class ReadOnly:
    """A store that cannot be written still answers."""

    @case(off="write")
    async def test_every_write_is_refused(
        self, driver: SecretDriver, store: SecretsHarness
    ) -> None:
        await put(driver, store, "there", secret())
        for asked in WRITES.values():
            await unsupported(driver, "there", asked(driver, "there"))
            await refused(Unsupported, asked(driver, "absent"))
        for name in ("there", "absent"):
            async with unchanged(driver, "there", "absent"):
                await refused(Unsupported, driver.create(name, secret(), NOTHING))

    @case(off="write")
    async def test_it_is_read_and_listed(
        self, driver: SecretDriver, store: SecretsHarness
    ) -> None:
        await put(driver, store, "db/password", secret())
        assert (await driver.get("db/password")).value == secret()
        assert (await driver.describe("db/password")).name == "db/password"
        assert [item.name for item in await listed(driver, "db")] == ["db/password"]


def _same(found: Any, given: Attributes) -> None:
    """What is given is what was found; an expiry to the second."""
    if isinstance(found, SecretInfo):
        found = replace(found, metadata=dict(found.metadata), tags=dict(found.tags))
    if isinstance(given.metadata, dict):
        assert found.metadata == given.metadata
    if isinstance(given.tags, dict):
        assert found.tags == given.tags
    if given.expires_at is None:
        assert found.expires_at is None
    elif isinstance(given.expires_at, datetime):
        assert found.expires_at is not None
        assert abs(found.expires_at - given.expires_at) < timedelta(seconds=1)
