"""Cases: versions, the labels on them, and which of them are pruned."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from skykeep.conformance.cases import (
    NOTHING,
    UNKNOWN_VERSION,
    case,
    put,
    refused,
    room,
    secret,
    unchanged,
    unsupported,
)
from skykeep.conformance.harness import SecretsHarness
from skykeep.errors import Conflict, Invalid, NotFound, Unsupported, VersionUnavailable
from skykeep.interfaces.secret_driver import (
    CURRENT,
    PENDING,
    PREVIOUS,
    SecretDriver,
)

CUSTOM = "release-2.0_candidate"


class Versions:
    """Older values can be read."""

    @case("write", "versions")
    async def test_each_version_keeps_its_value(self, driver: SecretDriver) -> None:
        ids = await _write(driver, room(driver, 6))
        assert len(set(ids)) == len(ids)
        for number, version in enumerate(ids):
            found = await driver.get("made", version=version)
            assert (found.value, found.version) == (secret(str(number)), version)
        assert (await driver.get("made")).version == ids[-1]

    @case("write", "versions")
    async def test_versions_are_listed_newest_first(self, driver: SecretDriver) -> None:
        ids = await _write(driver, room(driver, 5))
        known = await driver.versions("made")
        assert [version.id for version in known] == ids[::-1]
        times = [version.created_at for version in known if version.created_at is not None]
        assert len(times) == (len(known) if driver.capabilities.times else 0)
        assert times == sorted(times, reverse=True)
        assert {at.utcoffset() for at in times} <= {timedelta(0)}
        assert all(version.available for version in known)
        assert {version.size for version in known} <= {secret("0").size, None}
        assert CURRENT in known[0].stages
        assert all(CURRENT not in version.stages for version in known[1:])

    @case("write", "versions", "version_with_value")
    async def test_a_version_agrees_with_its_listing(self, driver: SecretDriver) -> None:
        await driver.create("made", secret("first"), NOTHING)
        await driver.update("made", secret("second"), NOTHING)
        for version in await driver.versions("made"):
            found = await driver.get("made", version=version.id)
            assert found.created_at == version.created_at
            assert set(found.stages) == set(version.stages)

    @case("write", "versions", off="version_with_value")
    async def test_a_version_is_told_by_its_listing_alone(self, driver: SecretDriver) -> None:
        first = await driver.create("made", secret("first"), NOTHING)
        await driver.update("made", secret("second"), NOTHING)
        found = await driver.get("made", version=first.version)
        assert (found.created_at, set(found.stages)) == (None, set())
        assert set((await driver.get("made")).stages) == {CURRENT}
        told = {version.id: version for version in await driver.versions("made")}
        assert (told[first.version].created_at is None) is not driver.capabilities.times
        if driver.capabilities.stages:
            assert set((await driver.get("made", stage=PREVIOUS)).stages) == {PREVIOUS}
            assert set(told[first.version].stages) == {PREVIOUS}

    @case("write", "versions")
    async def test_a_version_that_is_not_there(self, driver: SecretDriver) -> None:
        await driver.create("made", secret(), NOTHING)
        await refused(NotFound, driver.get("made", version=UNKNOWN_VERSION))

    @case("write", "versions")
    async def test_versions_that_are_too_many_are_pruned(
        self, driver: SecretDriver, store: SecretsHarness
    ) -> None:
        most = driver.capabilities.max_versions
        if most is None or most > store.versions_limit - 5:
            pytest.skip("no limit that the harness allows to reach")
        label = CUSTOM if driver.capabilities.stages and most >= 4 else None
        ids = await _write(driver, most + 5, label)
        labelled = ids[0] if label else None
        readable = [v.id for v in await driver.versions("made") if v.available]
        assert len(readable) <= max(most, 2)
        kept = [labelled] if labelled else []
        assert readable == [*reversed(ids[-(most - len(kept)) :]), *kept], (
            "the oldest without a label go"
        )
        gone = [version for version in ids if version not in readable]
        for version in gone:
            await refused((NotFound, VersionUnavailable), driver.get("made", version=version))
        for version in readable:
            number = ids.index(version)
            found = await driver.get("made", version=version)
            assert found.value == secret(str(number))

    @case("write", "versions")
    async def test_versions_up_to_the_limit_are_all_kept(
        self, driver: SecretDriver, store: SecretsHarness
    ) -> None:
        ids = await _write(driver, room(driver, min(30, store.versions_limit)))
        assert [v.id for v in await driver.versions("made")] == ids[::-1]
        assert (await driver.get("made", version=ids[0])).value == secret("0")

    @case(off="versions")
    async def test_without_versions_only_the_current_one_is_read(
        self, driver: SecretDriver, store: SecretsHarness
    ) -> None:
        await put(driver, store, "made", secret())
        current = await driver.get("made")
        await unsupported(driver, "made", driver.versions("made"))
        await unsupported(driver, "made", driver.get("made", version=current.version))
        await refused(Unsupported, driver.get("made", version=UNKNOWN_VERSION))
        assert current.version, "the current version still has an id"


class Stages:
    """Labels move between versions; each is on one version at most."""

    @case("write", "stages")
    async def test_an_update_leaves_previous_behind(self, driver: SecretDriver) -> None:
        await driver.create("made", secret("first"), NOTHING)
        await refused(NotFound, driver.get("made", stage=PREVIOUS))
        for before, now in (("first", "second"), ("second", "third")):
            await driver.update("made", secret(now), NOTHING)
            assert (await driver.get("made")).value == secret(now)
            assert (await driver.get("made", stage=PREVIOUS)).value == secret(before)

    @case("write", "stages")
    async def test_an_unchanged_value_leaves_previous_alone(self, driver: SecretDriver) -> None:
        await driver.create("made", secret("first"), NOTHING)
        await driver.update("made", secret("second"), NOTHING)
        await driver.update("made", secret("second"), NOTHING)
        assert (await driver.get("made", stage=PREVIOUS)).value == secret("first")

    @case("write", "stages", "movable_current")
    async def test_a_pending_value_is_not_current(self, driver: SecretDriver) -> None:
        first = await driver.create("made", secret("first"), NOTHING)
        pending = await driver.update("made", secret("next"), NOTHING, stage=PENDING)
        assert pending.changed
        assert pending.version != first.version
        assert (await driver.get("made")).version == first.version
        assert (await driver.describe("made")).version == first.version
        found = await driver.get("made", stage=PENDING)
        assert (found.value, found.version) == (secret("next"), pending.version)
        assert set(found.stages) == {PENDING}
        await refused(NotFound, driver.get("made", stage=PREVIOUS))

    @case("write", "stages", "movable_current")
    async def test_an_unchanged_pending_value_makes_no_version(
        self, driver: SecretDriver
    ) -> None:
        await driver.create("made", secret("first"), NOTHING)
        pending = await driver.update("made", secret("next"), NOTHING, stage=PENDING)
        async with unchanged(driver, "made"):
            again = await driver.update("made", secret("next"), NOTHING, stage=PENDING)
        assert (again.version, again.changed) == (pending.version, False)

    @case("write", "stages", "movable_current")
    async def test_another_pending_value_takes_the_label(self, driver: SecretDriver) -> None:
        await driver.create("made", secret("first"), NOTHING)
        await driver.update("made", secret("next"), NOTHING, stage=PENDING)
        await driver.update("made", secret("another"), NOTHING, stage=PENDING)
        assert (await driver.get("made", stage=PENDING)).value == secret("another")
        assert (await driver.get("made")).value == secret("first")

    @case("write", "stages", "movable_current")
    async def test_a_pending_value_that_is_current_elsewhere_is_a_version(
        self, driver: SecretDriver
    ) -> None:
        first = await driver.create("made", secret("same"), NOTHING)
        pending = await driver.update("made", secret("same"), NOTHING, stage=PENDING)
        assert pending.changed, "'pending' did not hold it"
        assert pending.version != first.version

    @case("write", "stages", "movable_current")
    async def test_promoting_leaves_previous_behind(self, driver: SecretDriver) -> None:
        first = await driver.create("made", secret("first"), NOTHING)
        pending = await driver.update("made", secret("next"), NOTHING, stage=PENDING)
        await driver.move_stage("made", CURRENT, pending.version)
        found = await driver.get("made")
        assert (found.value, found.version) == (secret("next"), pending.version)
        assert set(found.stages) == _told(driver, CURRENT, PENDING), "no other label moves"
        previous = await driver.get("made", stage=PREVIOUS)
        assert (previous.value, previous.version) == (secret("first"), first.version)
        assert (await driver.describe("made")).version == pending.version

    @case("write", "stages", "movable_current")
    async def test_rolling_back_exchanges_current_and_previous(
        self, driver: SecretDriver
    ) -> None:
        first = await driver.create("made", secret("first"), NOTHING)
        second = await driver.update("made", secret("second"), NOTHING)
        await driver.move_stage("made", CURRENT, first.version)
        assert (await driver.get("made")).version == first.version
        assert set((await driver.get("made")).stages) == {CURRENT}
        assert (await driver.get("made", stage=PREVIOUS)).version == second.version

    @case("write", "stages")
    async def test_moving_a_label_where_it_is_changes_nothing(
        self, driver: SecretDriver
    ) -> None:
        first = await driver.create("made", secret("first"), NOTHING)
        second = await driver.update("made", secret("second"), NOTHING)
        async with unchanged(driver, "made"):
            await driver.move_stage("made", PREVIOUS, first.version)
            if driver.capabilities.movable_current:
                await driver.move_stage("made", CURRENT, second.version)

    @case("write", "stages")
    async def test_a_label_of_ones_own(self, driver: SecretDriver) -> None:
        first = await driver.create("made", secret("first"), NOTHING)
        second = await driver.update("made", secret("second"), NOTHING)
        await driver.move_stage("made", CUSTOM, first.version)
        assert (await driver.get("made", stage=CUSTOM)).version == first.version
        await driver.move_stage("made", CUSTOM, second.version)
        found = await driver.get("made", stage=CUSTOM)
        assert found.version == second.version
        assert set(found.stages) == _told(driver, CUSTOM, CURRENT)

    @case("write", "stages", "movable_current")
    async def test_a_value_under_a_label_of_ones_own(self, driver: SecretDriver) -> None:
        first = await driver.create("made", secret("first"), NOTHING)
        second = await driver.update("made", secret("second"), NOTHING)
        await driver.move_stage("made", CUSTOM, first.version)
        third = await driver.update("made", secret("third"), NOTHING, stage=CUSTOM)
        assert (await driver.get("made", stage=CUSTOM)).version == third.version
        assert (await driver.get("made")).version == second.version
        assert (await driver.get("made", stage=PREVIOUS)).version == first.version

    @case("write", "stages", "movable_current", "versions")
    async def test_a_label_is_on_one_version(self, driver: SecretDriver) -> None:
        if room(driver, 6) < 6:
            pytest.skip("the driver keeps fewer than six versions")
        first = await driver.create("made", secret("0"), NOTHING)
        for number, stage in enumerate((CURRENT, PENDING, CUSTOM, CURRENT, PENDING), start=1):
            await driver.update("made", secret(str(number)), NOTHING, stage=stage)
        await driver.move_stage("made", PREVIOUS, first.version)
        labels = [label for v in await driver.versions("made") for label in v.stages]
        assert sorted(labels) == sorted([CURRENT, PREVIOUS, PENDING, CUSTOM])

    @case("write", "stages")
    async def test_taking_a_label_off(self, driver: SecretDriver) -> None:
        first = await driver.create("made", secret("first"), NOTHING)
        await driver.update("made", secret("second"), NOTHING)
        await driver.move_stage("made", CUSTOM, first.version)
        for stage in (CUSTOM, PREVIOUS):
            await driver.move_stage("made", stage, None)
            await refused(NotFound, driver.get("made", stage=stage))
            assert (await driver.get("made")).value == secret("second")
            async with unchanged(driver, "made"):
                # A retried call must not fail because its first try has succeeded.
                await driver.move_stage("made", stage, None)

    @case("write", "stages")
    async def test_current_cannot_be_taken_off(self, driver: SecretDriver) -> None:
        await driver.create("made", secret(), NOTHING)
        async with unchanged(driver, "made"):
            await refused((Invalid, Unsupported), driver.move_stage("made", CURRENT, None))

    @pytest.mark.parametrize("stage", [CURRENT, PENDING, CUSTOM])
    @case("write", "stages", "movable_current")
    async def test_moving_to_a_version_that_is_not_there(
        self, driver: SecretDriver, stage: str
    ) -> None:
        await driver.create("made", secret("first"), NOTHING)
        await driver.update("made", secret("next"), NOTHING, stage=PENDING)
        async with unchanged(driver, "made"):
            await refused(NotFound, driver.move_stage("made", stage, UNKNOWN_VERSION))

    @case("write", "stages")
    async def test_moving_to_a_version_of_another_secret(self, driver: SecretDriver) -> None:
        await driver.create("made", secret("first"), NOTHING)
        await driver.create("other", secret("a"), NOTHING)
        await driver.update("other", secret("b"), NOTHING)
        foreign = (await driver.update("other", secret("c"), NOTHING)).version
        async with unchanged(driver, "made", "other"):
            await refused((NotFound, Conflict), driver.move_stage("made", PENDING, foreign))

    @case("write", "stages")
    async def test_a_stage_that_no_version_has(self, driver: SecretDriver) -> None:
        await driver.create("made", secret(), NOTHING)
        for stage in (PENDING, PREVIOUS, CUSTOM):
            await refused(NotFound, driver.get("made", stage=stage))


def _told(driver: SecretDriver, asked: str, *others: str) -> set[str]:
    """The labels that are told with the value, of those that are on the version."""
    return {asked, *others} if driver.capabilities.version_with_value else {asked}


async def _write(driver: SecretDriver, count: int, label: str | None = None) -> list[str]:
    """Make versions ``"0"``, ``"1"``, … of one size to 10; the label goes on the first."""
    first = await driver.create("made", secret("0"), NOTHING)
    if label is not None:
        await driver.move_stage("made", label, first.version)
    rest = [
        await driver.update("made", secret(str(number)), NOTHING) for number in range(1, count)
    ]
    return [written.version for written in (first, *rest)]


NOT_CURRENT: dict[str, Callable[[SecretDriver, str], Awaitable[object]]] = {
    "get": lambda driver, version: driver.get("made", stage=PREVIOUS),
    "update": lambda driver, version: driver.update(
        "made", secret("b"), NOTHING, stage=PENDING
    ),
    "move-stage": lambda driver, version: driver.move_stage("made", CUSTOM, version),
    "take-off": lambda driver, version: driver.move_stage("made", CUSTOM, None),
}


class NewestIsCurrent:
    """A store whose readers always get the newest version."""

    @case("write", "stages", off="movable_current")
    async def test_another_version_cannot_be_made_current(self, driver: SecretDriver) -> None:
        first = await driver.create("made", secret("first"), NOTHING)
        await driver.update("made", secret("second"), NOTHING)
        await unsupported(driver, "made", driver.move_stage("made", CURRENT, first.version))

    @case("write", "stages", off="movable_current")
    async def test_a_value_cannot_be_kept_before_it_is_current(
        self, driver: SecretDriver
    ) -> None:
        await driver.create("made", secret("first"), NOTHING)
        await driver.update("made", secret("second"), NOTHING)
        for stage in (PENDING, PREVIOUS, CUSTOM):
            await unsupported(
                driver, "made", driver.update("made", secret("c"), NOTHING, stage=stage)
            )

    @case("write", "stages", off="movable_current")
    async def test_a_label_moves_to_another_version(self, driver: SecretDriver) -> None:
        first = await driver.create("made", secret("first"), NOTHING)
        second = await driver.update("made", secret("second"), NOTHING)
        for version in (first.version, second.version, first.version):
            await driver.move_stage("made", CUSTOM, version)
            assert (await driver.get("made", stage=CUSTOM)).version == version
        async with unchanged(driver, "made"):
            await refused(NotFound, driver.move_stage("made", CUSTOM, UNKNOWN_VERSION))


class WithoutStages:
    """A store whose versions carry no label but ``current``."""

    @pytest.mark.parametrize("asked", NOT_CURRENT.values(), ids=NOT_CURRENT.keys())
    @case("write", off="stages")
    async def test_other_stages_are_refused(
        self, driver: SecretDriver, asked: Callable[[SecretDriver, str], Awaitable[object]]
    ) -> None:
        await driver.create("made", secret("first"), NOTHING)
        second = await driver.update("made", secret("second"), NOTHING)
        await unsupported(driver, "made", asked(driver, second.version))

    @case("write", off="stages")
    async def test_current_is_still_a_stage(self, driver: SecretDriver) -> None:
        first = await driver.create("made", secret("first"), NOTHING)
        await driver.update("made", secret("second"), NOTHING)
        found = await driver.get("made", stage=CURRENT)
        assert found.value == secret("second")
        assert set(found.stages) == {CURRENT}
        if driver.capabilities.versions:
            assert set((await driver.get("made", version=first.version)).stages) == set()

    @case("write", "versions", off="stages")
    async def test_current_moves_or_the_move_is_refused(self, driver: SecretDriver) -> None:
        first = await driver.create("made", secret("first"), NOTHING)
        await driver.update("made", secret("second"), NOTHING)
        try:
            await driver.move_stage("made", CURRENT, first.version)
        except Unsupported:
            assert (await driver.get("made")).value == secret("second")
        else:
            assert (await driver.get("made")).value == secret("first")
