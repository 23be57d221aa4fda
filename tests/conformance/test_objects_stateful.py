"""The differential runner of objects itself."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skykeep.conformance.objects_stateful import (
    FLAGS,
    WEIGHTS,
    ObjectOperation,
    differential,
    draw,
)
from skykeep.conformance.stateful import Difference
from skykeep.errors import SkykeepError
from skykeep.interfaces.object_driver import ObjectCapabilities, ObjectDriver
from skykeep.providers.memory.objects import MemoryObjects, ObjectStore

EVERYTHING = ObjectCapabilities(presign=False)
LIMITED = {
    "everything": EVERYTHING,
    "no parts": replace(EVERYTHING, parts=False),
    "no copies": replace(EVERYTHING, copy=False),
    "no nested keys": replace(EVERYTHING, nested_keys=False),
    "nothing beside": replace(EVERYTHING, metadata=False, tags=False, content_type=False),
    "no conditions": replace(
        EVERYTHING,
        exclusive_create=False,
        compare_and_set=False,
        conditional_delete=False,
        conditional_parts=False,
        conditional_copy=False,
    ),
    "small parts refused": replace(EVERYTHING, min_part_bytes=50),
}


@pytest.mark.parametrize("can", LIMITED.values(), ids=LIMITED.keys())
@pytest.mark.asyncio
async def test_a_driver_agrees_with_itself(can: ObjectCapabilities) -> None:
    async def make() -> ObjectDriver:
        return MemoryObjects(capabilities=can)

    async def other() -> ObjectDriver:
        # What is not compared may differ: the order of listings, and what etags are of.
        return MemoryObjects(ObjectStore(), replace(can, ordered=False), "prefix/")

    async def reopen(driver: ObjectDriver) -> ObjectDriver:
        assert isinstance(driver, MemoryObjects)
        return MemoryObjects(driver.store, driver.capabilities, "prefix/")

    await differential(make, other, operations=1000, seed=11, reopen_b=reopen)


@given(seed=st.integers(0, 2**32), count=st.integers(1, 120))
@settings(deadline=None, max_examples=20)
@pytest.mark.asyncio
async def test_any_operations_agree(seed: int, count: int) -> None:
    async def make() -> ObjectDriver:
        return MemoryObjects(capabilities=EVERYTHING)

    await differential(make, make, operations=count, seed=seed)


class ForgetsTags(MemoryObjects):
    async def copy(self, *given: object, **named: object) -> object:  # type: ignore[override]  # a fault
        info = await super().copy(*given, **named)  # type: ignore[arg-type]  # passed on
        self.store.kept[self._prefix + info.key].tags = {}
        return info


@pytest.mark.asyncio
async def test_a_difference_is_found_and_shrunk() -> None:
    async def sound() -> ObjectDriver:
        return MemoryObjects(capabilities=EVERYTHING)

    async def faulty() -> ObjectDriver:
        return ForgetsTags(capabilities=EVERYTHING)

    with pytest.raises(Difference) as found:
        await differential(sound, faulty, operations=1000, seed=1)
    history = found.value.history
    assert len(history) <= 4, f"it is shrunk: {found.value}"
    assert history[-1].kind == "copy"
    assert "seed 1" in str(found.value)
    assert "copy" in str(found.value)


def test_the_same_seed_draws_the_same_operations() -> None:
    assert draw(3, 200, EVERYTHING) == draw(3, 200, EVERYTHING)
    assert draw(3, 200, EVERYTHING) != draw(4, 200, EVERYTHING)
    assert {step.kind for step in draw(3, 1000, EVERYTHING)} == set(WEIGHTS)
    assert len({str(step) for step in draw(3, 100, EVERYTHING)}) > 50


@pytest.mark.asyncio
async def test_most_operations_do_something(monkeypatch: pytest.MonkeyPatch) -> None:
    """Random operations that are all refused would compare nothing."""
    outcomes = {"done": 0, "refused": 0}
    from skykeep.conformance import objects_stateful

    asked = objects_stateful._asked

    async def counted(side: objects_stateful._Side, step: ObjectOperation) -> object:
        try:
            outcome = await asked(side, step)
        except SkykeepError:
            outcomes["refused"] += 1
            raise
        outcomes["done"] += 1
        return outcome

    async def make() -> ObjectDriver:
        return MemoryObjects(capabilities=EVERYTHING)

    monkeypatch.setattr(objects_stateful, "_asked", counted)
    await differential(make, make, operations=1000, seed=5)
    assert outcomes["done"] > outcomes["refused"] > 100


@pytest.mark.parametrize("flag", FLAGS)
@pytest.mark.asyncio
async def test_drivers_that_cannot_do_the_same_are_not_compared(flag: str) -> None:
    async def one() -> ObjectDriver:
        return MemoryObjects(capabilities=EVERYTHING)

    async def other() -> ObjectDriver:
        return MemoryObjects(capabilities=replace(EVERYTHING, **{flag: False}))  # type: ignore[arg-type]  # a bool

    async def read_only() -> ObjectDriver:
        return MemoryObjects(capabilities=replace(EVERYTHING, write=False))

    with pytest.raises(ValueError, match="cannot do the same"):
        await differential(one, other)
    with pytest.raises(ValueError, match="cannot write"):
        await differential(read_only, read_only)
