"""Rules of one scope among those of a bucket that several share."""

from __future__ import annotations

import pytest

from skykeep.errors import Invalid, Unsupported
from skykeep.interfaces.object_driver import LifecycleRule
from tests.interfaces.object_sinks import memory, objects_over


def rule(prefix: str, days: int = 1) -> LifecycleRule:
    return LifecycleRule(prefix=prefix, expire_after_days=days)


@pytest.mark.asyncio
async def test_a_scope_sees_and_sets_its_own() -> None:
    driver = memory(lifecycle=True)
    everybody, _, _ = objects_over(driver)
    one, _, _ = objects_over(driver, "team/one/")
    other, _, _ = objects_over(driver, "team/on/")
    await everybody.set_lifecycle([rule("models"), rule("team/one-more")])
    await one.set_lifecycle([rule("", 7), rule("logs/", 30)])
    await other.set_lifecycle([rule("logs", 5)])
    assert await one.lifecycle() == [rule("", 7), rule("logs", 30)]
    assert await other.lifecycle() == [rule("logs", 5)]
    assert [each.prefix for each in await everybody.lifecycle()] == [
        "models", "team/on/logs", "team/one", "team/one-more", "team/one/logs",
    ]  # fmt: skip
    await one.set_lifecycle([])
    assert await one.lifecycle() == []
    assert await other.lifecycle() == [rule("logs", 5)]
    assert len(await everybody.lifecycle()) == 3


@pytest.mark.parametrize("rules", [[rule("a"), rule("a/")], [rule("/a")], [rule("a//b")]])
@pytest.mark.asyncio
async def test_what_is_no_set_of_rules(rules: list[LifecycleRule]) -> None:
    driver = memory(lifecycle=True)
    objects, _, _ = objects_over(driver, "team/")
    await objects.set_lifecycle([rule("kept")])
    with pytest.raises(Invalid):
        await objects.set_lifecycle(rules)
    assert await objects.lifecycle() == [rule("kept")]


@pytest.mark.asyncio
async def test_a_store_without_rules() -> None:
    objects, _, _ = objects_over(memory(lifecycle=False))
    with pytest.raises(Unsupported):
        await objects.lifecycle()
    with pytest.raises(Unsupported):
        await objects.set_lifecycle([])
