"""The differential runner of keys itself."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skykeep.conformance import keys_stateful
from skykeep.conformance.keys_stateful import WEIGHTS, KeyOperation, differential, draw
from skykeep.conformance.stateful import Difference
from skykeep.errors import SkykeepError
from skykeep.interfaces.key_driver import Context, KeyCapabilities, KeyDriver
from skykeep.interfaces.secret_value import SecretValue
from skykeep.providers.memory.keys import MemoryKeys

# ECDSA alone: its keys are made at once.
EVERYTHING = KeyCapabilities(signatures=("ecdsa-p256-sha256",))
LIMITED = {
    "everything": EVERYTHING,
    "no rotation": replace(EVERYTHING, rotate=False),
    "no listing": replace(EVERYTHING, list=False),
    "no rewrap": replace(EVERYTHING, rewrap=False),
    "no signatures": replace(EVERYTHING, signatures=()),
}


@pytest.mark.parametrize("can", LIMITED.values(), ids=LIMITED.keys())
@pytest.mark.asyncio
async def test_a_driver_agrees_with_itself(can: KeyCapabilities) -> None:
    async def make() -> KeyDriver:
        return MemoryKeys(capabilities=can)

    async def other() -> KeyDriver:
        # What is not compared may differ.
        return MemoryKeys(None, replace(can, store_checks_context=False), "prefix/")

    async def reopen(driver: KeyDriver) -> KeyDriver:
        assert isinstance(driver, MemoryKeys)
        return MemoryKeys(driver.store, driver.capabilities, "prefix/")

    await differential(make, other, operations=1000, seed=11, reopen_b=reopen)


@given(seed=st.integers(0, 2**32), count=st.integers(1, 120))
@settings(deadline=None, max_examples=20)
@pytest.mark.asyncio
async def test_any_operations_agree(seed: int, count: int) -> None:
    async def make() -> KeyDriver:
        return MemoryKeys(capabilities=EVERYTHING)

    await differential(make, make, operations=count, seed=seed)


class OpensUnderNoContext(MemoryKeys):
    async def decrypt(self, name: str, ciphertext: bytes, context: Context) -> SecretValue:
        try:
            return await super().decrypt(name, ciphertext, context)
        except SkykeepError:
            return await super().decrypt(name, ciphertext, {})


@pytest.mark.asyncio
async def test_a_difference_is_found_and_shrunk() -> None:
    async def sound() -> KeyDriver:
        return MemoryKeys(capabilities=EVERYTHING)

    async def faulty() -> KeyDriver:
        return OpensUnderNoContext(capabilities=EVERYTHING)

    with pytest.raises(Difference) as found:
        await differential(sound, faulty, operations=1000, seed=1)
    history = found.value.history
    assert [step.kind for step in history][-1] in {"decrypt", "damage"}
    assert len(history) <= 15, f"it is shrunk: {found.value}"
    assert "seed 1" in str(found.value)


@pytest.mark.asyncio
async def test_drivers_that_cannot_do_the_same_are_not_compared() -> None:
    async def make() -> KeyDriver:
        return MemoryKeys(capabilities=EVERYTHING)

    async def lesser() -> KeyDriver:
        return MemoryKeys(capabilities=replace(EVERYTHING, rewrap=False))

    async def none() -> KeyDriver:
        return MemoryKeys(capabilities=replace(EVERYTHING, create=False))

    with pytest.raises(ValueError, match="rewrap"):
        await differential(make, lesser)
    with pytest.raises(ValueError, match="nothing to compare"):
        await differential(none, none)


def test_the_same_seed_draws_the_same_operations() -> None:
    assert draw(3, 200, EVERYTHING) == draw(3, 200, EVERYTHING)
    assert draw(3, 200, EVERYTHING) != draw(4, 200, EVERYTHING)
    assert {step.kind for step in draw(3, 1000, EVERYTHING)} == set(WEIGHTS)
    assert len({str(step) for step in draw(3, 100, EVERYTHING)}) > 50


@pytest.mark.asyncio
async def test_many_operations_do_something(monkeypatch: pytest.MonkeyPatch) -> None:
    """Random operations that are all refused would compare nothing."""
    asked = keys_stateful._asked
    done: dict[str, int] = {}

    async def counted(side: keys_stateful._Side, step: KeyOperation) -> object:
        outcome = await asked(side, step)
        if outcome not in (None, False):
            done[step.kind] = done.get(step.kind, 0) + 1
        return outcome

    async def make() -> KeyDriver:
        return MemoryKeys(capabilities=EVERYTHING)

    monkeypatch.setattr(keys_stateful, "_asked", counted)
    await differential(make, make, operations=1000, seed=5)
    for kind in set(WEIGHTS) - {"damage", "reopen"}:
        assert done.get(kind, 0) >= 4, f"{kind} was hardly done: {done}"
