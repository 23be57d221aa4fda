"""Cases: compare-and-set, and many callers at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from skykeep.conformance.cases import (
    NOTHING,
    UNKNOWN_VERSION,
    case,
    refused,
    room,
    secret,
    unchanged,
    unsupported,
)
from skykeep.conformance.harness import SecretsHarness
from skykeep.errors import Conflict, NotFound, SkykeepError
from skykeep.interfaces.secret_driver import (
    CURRENT,
    PENDING,
    PREVIOUS,
    Attributes,
    SecretDriver,
    Written,
)

Conditional = Callable[[SecretDriver, str], Awaitable[object]]

# The flags that the write needs, and the write under a condition.
ON_CURRENT: dict[str, tuple[tuple[str, ...], Conditional]] = {
    "update": (
        (),
        lambda driver, v: driver.update("made", secret("new"), NOTHING, expects=v),
    ),
    "update-unchanged": (
        (),
        lambda driver, v: driver.update("made", secret("second"), NOTHING, expects=v),
    ),
    "move-current": (
        ("stages", "movable_current"),
        lambda driver, v: driver.move_stage("made", CURRENT, v, expects=v),
    ),
}
ON_THE_REST: dict[str, tuple[tuple[str, ...], Conditional]] = {
    "update-pending": (
        ("stages", "movable_current"),
        lambda driver, v: driver.update(
            "made", secret("new"), NOTHING, stage=PENDING, expects=v
        ),
    ),
    "annotate": (
        ("metadata",),
        lambda driver, v: driver.annotate("made", Attributes(metadata={"a": "b"}), expects=v),
    ),
    "move-stage": (
        ("stages",),
        lambda driver, v: driver.move_stage("made", PREVIOUS, None, expects=v),
    ),
    "delete": ((), lambda driver, v: driver.delete("made", expects=v)),
}
CONDITIONAL = ON_CURRENT | ON_THE_REST
AT_ONCE = 8


class Conditions:
    """``expects`` decides."""

    @pytest.mark.parametrize("write", CONDITIONAL)
    @case("write")
    async def test_a_write_that_expects_what_is_current(
        self, driver: SecretDriver, write: str
    ) -> None:
        conditional = _decided(driver, write)
        await driver.create("made", secret("first"), NOTHING)
        second = await driver.update("made", secret("second"), NOTHING)
        await conditional(driver, second.version)

    @pytest.mark.parametrize("expected", ["older", "unknown"])
    @pytest.mark.parametrize("write", CONDITIONAL)
    @case("write")
    async def test_a_write_that_expects_something_else(
        self, driver: SecretDriver, write: str, expected: str
    ) -> None:
        conditional = _decided(driver, write)
        first = await driver.create("made", secret("first"), NOTHING)
        await driver.update("made", secret("second"), NOTHING)
        version = first.version if expected == "older" else UNKNOWN_VERSION
        async with unchanged(driver, "made"):
            await refused(Conflict, conditional(driver, version))

    @case("write", "compare_and_set", "conditional_changes", "stages", "movable_current")
    async def test_the_condition_is_on_current_not_on_the_stage_written(
        self, driver: SecretDriver
    ) -> None:
        first = await driver.create("made", secret("first"), NOTHING)
        pending = await driver.update("made", secret("next"), NOTHING, stage=PENDING)
        async with unchanged(driver, "made"):
            await refused(
                Conflict,
                driver.update(
                    "made", secret("x"), NOTHING, stage=PENDING, expects=pending.version
                ),
            )
        await driver.move_stage("made", CURRENT, pending.version, expects=first.version)
        assert (await driver.get("made")).version == pending.version

    @case("write", "conditional_changes", "stages")
    async def test_a_lost_condition_is_told_before_a_missing_version(
        self, driver: SecretDriver
    ) -> None:
        await driver.create("made", secret(), NOTHING)
        async with unchanged(driver, "made"):
            await refused(
                Conflict,
                driver.move_stage("made", PENDING, UNKNOWN_VERSION, expects=UNKNOWN_VERSION),
            )

    @case("write", "compare_and_set")
    async def test_a_condition_on_a_name_that_is_not_there(self, driver: SecretDriver) -> None:
        await refused(
            NotFound, driver.update("absent", secret(), NOTHING, expects=UNKNOWN_VERSION)
        )
        if driver.capabilities.conditional_changes:
            await refused(NotFound, driver.delete("absent", expects=UNKNOWN_VERSION))

    @pytest.mark.parametrize("write", ON_CURRENT)
    @case("write", off="compare_and_set")
    async def test_without_the_capability_a_condition_is_refused(
        self, driver: SecretDriver, write: str
    ) -> None:
        await self._is_refused(driver, _conditional(driver, write))

    @pytest.mark.parametrize("write", ON_THE_REST)
    @case("write", off="conditional_changes")
    async def test_a_condition_on_another_change_is_refused(
        self, driver: SecretDriver, write: str
    ) -> None:
        await self._is_refused(driver, _conditional(driver, write))

    @staticmethod
    async def _is_refused(driver: SecretDriver, conditional: Conditional) -> None:
        await driver.create("made", secret("first"), NOTHING)
        second = await driver.update("made", secret("second"), NOTHING)
        # Right or wrong: a store that cannot decide must not pretend to.
        for version in (second.version, UNKNOWN_VERSION):
            await unsupported(driver, "made", conditional(driver, version))


class AtOnce:
    """Many callers, through two drivers where the store allows it."""

    @case("write", "compare_and_set")
    async def test_of_many_conditional_updates_one_wins(
        self, driver: SecretDriver, store: SecretsHarness
    ) -> None:
        drivers = await _drivers(driver, store)
        version = (await driver.create("made", secret("0"), NOTHING)).version
        for turn in range(3):
            outcomes = await asyncio.gather(
                *(
                    _outcome(
                        drivers[i % len(drivers)].update(
                            "made", secret(f"{turn}.{i}"), NOTHING, expects=version
                        )
                    )
                    for i in range(AT_ONCE)
                )
            )
            version = await _one_winner(driver, outcomes, f"{turn}.")

    @case("write", "exclusive_create")
    async def test_of_many_creates_one_wins(
        self, driver: SecretDriver, store: SecretsHarness
    ) -> None:
        drivers = await _drivers(driver, store)
        outcomes = await asyncio.gather(
            *(
                _outcome(drivers[i % len(drivers)].create("made", secret(f"{i}"), NOTHING))
                for i in range(AT_ONCE)
            )
        )
        await _one_winner(driver, outcomes, "")

    @case("write", off="exclusive_create")
    async def test_of_many_creates_none_is_lost_unseen(
        self, driver: SecretDriver, store: SecretsHarness
    ) -> None:
        drivers = await _drivers(driver, store)
        outcomes = await asyncio.gather(
            *(
                _outcome(drivers[i % len(drivers)].create("made", secret(f"{i}"), NOTHING))
                for i in range(AT_ONCE)
            )
        )
        assert "Written" in {_kind(outcome) for outcome in outcomes}
        assert {_kind(outcome) for outcome in outcomes} <= {"Written", "Conflict"}
        winners = [secret(f"{i}") for i, o in enumerate(outcomes) if isinstance(o, Written)]
        assert (await driver.get("made")).value in winners
        await refused(Conflict, driver.create("made", secret("late"), NOTHING))

    @case("write", off="conditional_changes")
    async def test_of_many_deletes_at_least_one_wins(
        self, driver: SecretDriver, store: SecretsHarness
    ) -> None:
        drivers = await _drivers(driver, store)
        await driver.create("made", secret(), NOTHING)
        outcomes = await asyncio.gather(
            *(_outcome(drivers[i % len(drivers)].delete("made")) for i in range(AT_ONCE))
        )
        kinds = {_kind(outcome) for outcome in outcomes}
        assert "NoneType" in kinds
        assert kinds <= {"NoneType", "NotFound"}
        await refused(NotFound, driver.get("made"))

    @case("write", "conditional_changes")
    async def test_of_many_deletes_one_wins(
        self, driver: SecretDriver, store: SecretsHarness
    ) -> None:
        drivers = await _drivers(driver, store)
        await driver.create("made", secret(), NOTHING)
        outcomes = await asyncio.gather(
            *(_outcome(drivers[i % len(drivers)].delete("made")) for i in range(AT_ONCE))
        )
        assert sorted(_kind(outcome) for outcome in outcomes) == (
            ["NoneType"] + ["NotFound"] * (AT_ONCE - 1)
        )

    @case("write")
    async def test_many_updates_are_each_whole(
        self, driver: SecretDriver, store: SecretsHarness
    ) -> None:
        drivers = await _drivers(driver, store)
        await driver.create("made", secret("first"), NOTHING)
        values = [secret(str(i) * 1000) for i in range(AT_ONCE)]
        written = await asyncio.gather(
            *(
                drivers[i % len(drivers)].update("made", value, NOTHING)
                for i, value in enumerate(values)
            )
        )
        assert len({outcome.version for outcome in written}) == AT_ONCE
        found = await driver.get("made")
        assert found.value in values
        assert found.version == written[values.index(found.value)].version
        if driver.capabilities.versions and room(driver, AT_ONCE + 1) > AT_ONCE:
            for outcome, value in zip(written, values, strict=True):
                assert (await driver.get("made", version=outcome.version)).value == value
            assert len(await driver.versions("made")) == AT_ONCE + 1

    @case("write")
    async def test_many_names_do_not_disturb_each_other(
        self, driver: SecretDriver, store: SecretsHarness
    ) -> None:
        drivers = await _drivers(driver, store)

        async def live(number: int) -> None:
            own, name = drivers[number % len(drivers)], f"name/{number}"
            await own.create(name, secret(f"{number} first"), NOTHING)
            await own.update(name, secret(f"{number} second"), NOTHING)
            if number % 2:
                await own.delete(name)

        await asyncio.gather(*(live(number) for number in range(2 * AT_ONCE)))
        for number in range(2 * AT_ONCE):
            if number % 2:
                await refused(NotFound, driver.get(f"name/{number}"))
            else:
                found = await driver.get(f"name/{number}")
                assert found.value == secret(f"{number} second")


async def _drivers(driver: SecretDriver, store: SecretsHarness) -> list[SecretDriver]:
    return [driver, await store.reopen()] if store.persistent else [driver]


async def _outcome(work: Awaitable[Written | None]) -> Written | SkykeepError | None:
    try:
        return await work
    except SkykeepError as error:
        return error


def _kind(outcome: object) -> str:
    return type(outcome).__name__


async def _one_winner(
    driver: SecretDriver, outcomes: list[Written | SkykeepError | None], text: str
) -> str:
    """Of all outcomes one is ``Written``, it is current, and the others are ``Conflict``."""
    assert sorted(_kind(outcome) for outcome in outcomes) == (
        ["Conflict"] * (len(outcomes) - 1) + ["Written"]
    )
    ((winner, written),) = [
        (i, outcome) for i, outcome in enumerate(outcomes) if isinstance(outcome, Written)
    ]
    found = await driver.get("made")
    assert (found.version, found.value) == (written.version, secret(f"{text}{winner}"))
    return written.version


def _conditional(driver: SecretDriver, write: str) -> Conditional:
    flags, conditional = CONDITIONAL[write]
    for flag in flags:
        if not getattr(driver.capabilities, flag):
            pytest.skip(f"the driver has no '{flag}'")
    return conditional


def _decided(driver: SecretDriver, write: str) -> Conditional:
    flag = "compare_and_set" if write in ON_CURRENT else "conditional_changes"
    if not getattr(driver.capabilities, flag):
        pytest.skip(f"the driver has no '{flag}'")
    return _conditional(driver, write)
