"""Drivers with one fault each in their lifecycle or region: the suite must see every one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from skykeep.conformance.objects_lifecycle import EACH, Ageing, Regions
from skykeep.errors import Invalid, SkykeepError
from skykeep.interfaces.object_driver import LifecycleRule, ObjectDriver
from skykeep.providers.memory.objects import MemoryObjects
from tests.conformance.test_memory_objects import OTHERS, MemoryHarness

MOST = 5
LEAST = 30


class Sound(MemoryObjects):
    """With limits, as a cloud has them; each fault below is a step away from it."""

    async def set_lifecycle(self, rules: Sequence[LifecycleRule]) -> None:
        self._check_rules(rules)
        await super().set_lifecycle(rules)

    def _check_rules(self, rules: Sequence[LifecycleRule]) -> None:
        self._needs("lifecycle")
        if len(rules) > MOST:
            raise Invalid("too many")
        if any((rule.infrequent_after_days or LEAST) < LEAST for rule in rules):
            raise Invalid("too early")
        if any(rule.prefix and rule.abort_uploads_after_days for rule in rules):
            raise Invalid("all uploads or none")


class DropsRulesOfOthers(Sound):
    async def set_lifecycle(self, rules: Sequence[LifecycleRule]) -> None:
        await super().set_lifecycle(rules)
        self.store.rules.pop(OTHERS, None)


class TellsRulesOfOthers(Sound):
    async def lifecycle(self) -> Sequence[LifecycleRule]:
        return list(self.store.rules.values())


class AddsRules(Sound):
    async def set_lifecycle(self, rules: Sequence[LifecycleRule]) -> None:
        there = {rule.prefix: rule for rule in await self.lifecycle()}
        await super().set_lifecycle(list((there | {r.prefix: r for r in rules}).values()))


class KeepsTheOrder(Sound):
    async def lifecycle(self) -> Sequence[LifecycleRule]:
        self._needs("lifecycle")
        return list(self._rules().values())


class ForgetsUploads(Sound):
    async def set_lifecycle(self, rules: Sequence[LifecycleRule]) -> None:
        await super().set_lifecycle([replace(r, abort_uploads_after_days=None) for r in rules])


class RefusesTooLate(Sound):
    async def set_lifecycle(self, rules: Sequence[LifecycleRule]) -> None:
        await MemoryObjects.set_lifecycle(self, rules)
        self._check_rules(rules)


class TakesAnyNumber(Sound):
    def _check_rules(self, rules: Sequence[LifecycleRule]) -> None:
        super()._check_rules(rules[:MOST])


class TakesOneLess(Sound):
    def _check_rules(self, rules: Sequence[LifecycleRule]) -> None:
        super()._check_rules([*rules, *rules[:1]])


class TakesAnyDays(Sound):
    def _check_rules(self, rules: Sequence[LifecycleRule]) -> None:
        super()._check_rules([replace(rule, infrequent_after_days=None) for rule in rules])


class AgesAtOnce(Sound):
    async def set_lifecycle(self, rules: Sequence[LifecycleRule]) -> None:
        await super().set_lifecycle(rules)
        self.store.kept.clear()


class SetsWithoutTheCapability(Sound):
    async def set_lifecycle(self, rules: Sequence[LifecycleRule]) -> None:
        self.store.rules = {rule.prefix: rule for rule in rules}


class TellsAnotherRegion(Sound):
    async def region(self) -> str | None:
        return "us-east-1"


class ForgetsItsRegion(Sound):
    async def region(self) -> str | None:
        told, self.told_region = self.told_region, None
        return told


Case = Callable[[ObjectDriver, MemoryHarness], Awaitable[None]]
_AGEING, _REGIONS = Ageing(), Regions()
# Each case by its name; those of one driver alone take no harness.
CASES: dict[str, Case] = {
    "none at first": lambda driver, store: _AGEING.test_there_are_no_rules_at_first(driver),
    "told as set": lambda driver, store: _AGEING.test_a_rule_is_told_as_it_was_set(
        driver, EACH["uploads"]
    ),
    "order": _AGEING.test_rules_are_told_in_order,
    "replace": lambda driver, store: _AGEING.test_rules_replace_what_was_there(driver),
    "others": _AGEING.test_rules_of_others_stay,
    "objects": _AGEING.test_objects_stay,
    "many": _AGEING.test_as_many_rules_as_the_bucket_takes,
    "least": _AGEING.test_the_least_days,
    "uploads": _AGEING.test_uploads_under_a_prefix,
    "without": lambda driver, store: _AGEING.test_without_lifecycle(driver),
    "region": _REGIONS.test_the_region_that_the_service_tells,
}
FAULTS: tuple[tuple[type[MemoryObjects], str], ...] = (
    (DropsRulesOfOthers, "others"),
    (TellsRulesOfOthers, "others"),
    (AddsRules, "replace"),
    (KeepsTheOrder, "order"),
    (ForgetsUploads, "told as set"),
    (RefusesTooLate, "many"),
    (RefusesTooLate, "least"),
    (RefusesTooLate, "uploads"),
    (TakesAnyNumber, "many"),
    (TakesOneLess, "many"),
    (TakesAnyDays, "least"),
    (AgesAtOnce, "objects"),
    (SetsWithoutTheCapability, "without"),
    (TellsAnotherRegion, "region"),
    (ForgetsItsRegion, "region"),
)


class Limited(MemoryHarness):
    """A store of one driver, with the limits above."""

    persistent = False
    most_rules = MOST
    least_infrequent_days = LEAST
    ends_uploads_below = False
    region = "eu-west-1"


async def _run(part: type[MemoryObjects], name: str, directory: Path) -> None:
    store = Limited(directory)
    can = replace(store.capabilities, lifecycle=name != "without")
    driver = part(store.kept, can)
    driver.told_region = store.region
    if name == "order":  # more prefixes than the limit above
        driver._check_rules = lambda rules: None  # type: ignore[attr-defined]  # of Sound
    await CASES[name](driver, store)


@pytest.mark.asyncio
@pytest.mark.parametrize("name", CASES)
async def test_a_sound_driver_passes(name: str, tmp_path: Path) -> None:
    await _run(Sound, name, tmp_path)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("part", "name"), FAULTS, ids=[f"{part.__name__}-{name}" for part, name in FAULTS]
)
async def test_the_suite_catches(part: type[MemoryObjects], name: str, tmp_path: Path) -> None:
    with pytest.raises((AssertionError, pytest.fail.Exception, SkykeepError)):
        await _run(part, name, tmp_path)


def test_every_case_has_its_fault() -> None:
    found = {
        name for kind in (Ageing, Regions) for name in vars(kind) if name.startswith("test_")
    }
    assert len(CASES) == len(found)
    # That there is nothing at first is the harness's to see to.
    assert {name for _, name in FAULTS} == set(CASES) - {"none at first"}
