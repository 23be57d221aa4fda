"""The differential runner itself."""

from __future__ import annotations

from dataclasses import replace

import pytest

from skykeep.conformance.operations import WEIGHTS, draw
from skykeep.conformance.stateful import differential
from skykeep.errors import SkykeepError
from skykeep.interfaces.secret_driver import SecretCapabilities, SecretDriver, Written
from skykeep.providers.memory.secrets import EVERYTHING, MemorySecrets

LIMITED = {
    "everything": EVERYTHING,
    "few versions": replace(EVERYTHING, max_versions=2),
    "no stages": replace(EVERYTHING, stages=False),
    "no versions": replace(EVERYTHING, versions=False),
    "no soft delete": replace(EVERYTHING, soft_delete=False),
    "no case": replace(EVERYTHING, case_sensitive=False),
    "nothing beside": replace(EVERYTHING, metadata=False, tags=False, expiry=False),
    "no conditions": replace(EVERYTHING, compare_and_set=False, empty_values=False),
}


@pytest.mark.parametrize("can", LIMITED.values(), ids=LIMITED.keys())
@pytest.mark.asyncio
async def test_a_driver_agrees_with_itself(can: SecretCapabilities) -> None:
    async def make() -> SecretDriver:
        return MemorySecrets(capabilities=can)

    async def reopen(driver: SecretDriver) -> SecretDriver:
        assert isinstance(driver, MemorySecrets)
        return MemorySecrets(capabilities=can, store=driver.store)

    await differential(make, make, operations=1000, seed=11, reopen_b=reopen)


@pytest.mark.asyncio
async def test_most_operations_do_something() -> None:
    """Random operations that are all refused would compare nothing."""
    driver = MemorySecrets()
    outcomes = {"done": 0, "refused": 0}
    ids: dict[str, list[str]] = {}
    for step in draw(5, 1000, EVERYTHING):
        if step.kind == "reopen":
            continue
        known = ids.setdefault(step.name, ["none"])
        version = known[(step.version or 0) % len(known)]
        expects = None if step.expects is None else known[step.expects % len(known)]
        try:
            outcome = await step.ask(driver, version, expects)
        except SkykeepError:
            outcomes["refused"] += 1
        else:
            outcomes["done"] += 1
            if isinstance(outcome, Written):
                known.append(outcome.version)
    assert outcomes["done"] > 400


def test_the_same_seed_draws_the_same_operations() -> None:
    assert draw(3, 200, EVERYTHING) == draw(3, 200, EVERYTHING)
    assert draw(3, 200, EVERYTHING) != draw(4, 200, EVERYTHING)
    assert {step.kind for step in draw(3, 1000, EVERYTHING)} == set(WEIGHTS)


@pytest.mark.asyncio
async def test_drivers_that_cannot_do_the_same_are_not_compared() -> None:
    async def one() -> SecretDriver:
        return MemorySecrets()

    async def other() -> SecretDriver:
        return MemorySecrets(capabilities=replace(EVERYTHING, tags=False))

    async def read_only() -> SecretDriver:
        return MemorySecrets(capabilities=replace(EVERYTHING, write=False))

    with pytest.raises(ValueError, match="cannot do the same"):
        await differential(one, other)
    with pytest.raises(ValueError, match="cannot write"):
        await differential(read_only, read_only)
