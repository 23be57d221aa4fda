"""Cases: how a bucket ages its objects, and where it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from skykeep.conformance.cases import case, refused
from skykeep.conformance.objects_cases import body, drivers_of, put
from skykeep.conformance.objects_harness import ObjectsHarness
from skykeep.errors import Invalid, Unsupported
from skykeep.interfaces.object_driver import LifecycleRule, ObjectDriver

WHOLE = LifecycleRule(expire_after_days=3650)
USUAL = LifecycleRule(prefix="scans", infrequent_after_days=30, archive_after_days=90)
EACH = {
    "infrequent": LifecycleRule(prefix="a", infrequent_after_days=30),
    "archive": LifecycleRule(prefix="a", archive_after_days=90),
    "expire": LifecycleRule(prefix="a", expire_after_days=7),
    "all-three": LifecycleRule(
        prefix="a/b", infrequent_after_days=30, archive_after_days=90, expire_after_days=365
    ),
    "the-usual": USUAL,
    "everything": replace(USUAL, prefix=""),
    "uploads": LifecycleRule(abort_uploads_after_days=3),
}
PREFIXES = ("models", "a/b/c", "Case", "sp ace", "ünï/日本", "a&b<c>'d'", "p+l%25us", "x" * 200)


def expiring(prefix: str, days: int = 100) -> LifecycleRule:
    """A rule of one age."""
    return LifecycleRule(prefix=prefix, expire_after_days=days)


async def stay(driver: ObjectDriver, rules: Sequence[LifecycleRule]) -> None:
    """The bucket's rules must be these."""
    assert list(await driver.lifecycle()) == list(rules), "what was refused must change nothing"


class Ageing:
    """Lifecycle rules."""

    @case("lifecycle")
    async def test_there_are_no_rules_at_first(self, driver: ObjectDriver) -> None:
        assert list(await driver.lifecycle()) == []
        await driver.set_lifecycle([])
        assert list(await driver.lifecycle()) == []

    @pytest.mark.parametrize("rule", EACH.values(), ids=EACH.keys())
    @case("lifecycle")
    async def test_a_rule_is_told_as_it_was_set(
        self, driver: ObjectDriver, rule: LifecycleRule
    ) -> None:
        await driver.set_lifecycle([rule])
        assert list(await driver.lifecycle()) == [rule]

    @case("lifecycle")
    async def test_rules_are_told_in_order(
        self, driver: ObjectDriver, store: ObjectsHarness
    ) -> None:
        rules = [expiring(prefix, 100 + at) for at, prefix in enumerate(PREFIXES)]
        await driver.set_lifecycle([*reversed(rules), WHOLE])
        told = sorted([WHOLE, *rules], key=lambda rule: rule.prefix.encode())
        for each in await drivers_of(driver, store):
            assert list(await each.lifecycle()) == told

    @case("lifecycle")
    async def test_rules_replace_what_was_there(self, driver: ObjectDriver) -> None:
        await driver.set_lifecycle([expiring("a"), expiring("b"), USUAL])
        changed = [expiring("b", 8), USUAL]
        await driver.set_lifecycle(changed)
        assert list(await driver.lifecycle()) == changed
        await driver.set_lifecycle(changed)
        assert list(await driver.lifecycle()) == changed
        await driver.set_lifecycle([])
        assert list(await driver.lifecycle()) == []

    @case("lifecycle")
    async def test_rules_of_others_stay(
        self, driver: ObjectDriver, store: ObjectsHarness
    ) -> None:
        await driver.set_lifecycle([expiring("a")])
        await store.plant_rule()
        planted = await store.planted_rules()
        assert planted, "plant_rule() planted nothing"
        for rules in ([expiring("a")], [USUAL], []):
            await driver.set_lifecycle(rules)
            assert list(await driver.lifecycle()) == rules
            assert await store.planted_rules() == planted

    @case("lifecycle")
    async def test_objects_stay(self, driver: ObjectDriver, store: ObjectsHarness) -> None:
        await put(driver, store, "scans/young", body())
        await driver.set_lifecycle([USUAL, expiring("scans2", 1)])
        assert (await driver.read("scans/young")).data == body()

    @case("lifecycle")
    async def test_as_many_rules_as_the_bucket_takes(
        self, driver: ObjectDriver, store: ObjectsHarness
    ) -> None:
        most = store.most_rules
        if most is None:
            pytest.skip("the harness sets no 'most_rules'")
        rules = [expiring(f"p{number:05}") for number in range(most + 1)]
        await driver.set_lifecycle(rules[: most - 1])
        await driver.set_lifecycle(rules[:most])
        await stay(driver, rules[:most])
        await refused(Invalid, driver.set_lifecycle(rules))
        await stay(driver, rules[:most])

    @case("lifecycle")
    async def test_the_least_days(self, driver: ObjectDriver, store: ObjectsHarness) -> None:
        least = store.least_infrequent_days
        for days in (least, least + 1):
            rule = LifecycleRule(prefix="a", infrequent_after_days=days)
            await driver.set_lifecycle([rule])
            await stay(driver, [rule])
            if least > 1:
                early = replace(rule, infrequent_after_days=least - 1)
                await refused(Invalid, driver.set_lifecycle([early, USUAL]))
                await stay(driver, [rule])

    @case("lifecycle")
    async def test_uploads_under_a_prefix(
        self, driver: ObjectDriver, store: ObjectsHarness
    ) -> None:
        rule = LifecycleRule(prefix="a", abort_uploads_after_days=3)
        await driver.set_lifecycle([USUAL])
        if store.ends_uploads_below:
            await driver.set_lifecycle([rule])
            await stay(driver, [rule])
        else:
            await refused(Invalid, driver.set_lifecycle([rule]))
            await stay(driver, [USUAL])

    @case(off="lifecycle")
    async def test_without_lifecycle(self, driver: ObjectDriver) -> None:
        await refused(Unsupported, driver.lifecycle())
        await refused(Unsupported, driver.set_lifecycle([]))
        await refused(Unsupported, driver.set_lifecycle([USUAL]))


class Regions:
    """Where the bucket is."""

    @case()
    async def test_the_region_that_the_service_tells(
        self, driver: ObjectDriver, store: ObjectsHarness
    ) -> None:
        assert await driver.region() == store.region
        assert await driver.region() == store.region
