"""Stamps pass through the sealed view both ways, and stay when a value is encrypted anew."""

from __future__ import annotations

from dataclasses import replace

import pytest
import pytest_asyncio

from skykeep.interfaces.secret_driver import (
    CURRENT,
    Attributes,
    SecretCapabilities,
    SecretInfo,
    Stamp,
)
from skykeep.interfaces.secret_value import SecretValue
from skykeep.providers.memory.secrets import EVERYTHING, MemorySecrets
from tests.sealing.places import Places

ONE = Stamp(1_767_225_600_000_001, bytes(range(16)))
TWO = Stamp(1_767_225_600_000_002, b"\xff" * 16)
KINDS: dict[str, SecretCapabilities] = {
    "with-value": EVERYTHING,
    "beside": replace(EVERYTHING, stamp_with_value=False),
    "none": replace(EVERYTHING, stamps=False, stamp_with_value=False),
}

pytestmark = pytest.mark.asyncio


@pytest_asyncio.fixture
async def places() -> Places:
    return await Places().made()


@pytest.mark.parametrize("kind", KINDS)
async def test_they_go_down_and_come_back(places: Places, kind: str) -> None:
    can = KINDS[kind]
    below = MemorySecrets(capabilities=can)
    assert places.view(below).capabilities.stamps == can.stamps
    assert places.view(below).capabilities.stamp_with_value == can.stamp_with_value
    await places.view(below).create("made", SecretValue("first"), Attributes(stamp=ONE))
    for value, stamp in (("first", ONE), ("second", TWO), ("third", None)):
        await places.view(below).update("made", SecretValue(value), Attributes(stamp=stamp))
        record = below.store.find("made")
        assert record.versions[record.stages[CURRENT]].stamp == (stamp if can.stamps else None)
        view = places.view(below)
        assert (await view.describe("made")).stamp == (stamp if can.stamps else None)
        told = stamp if can.stamp_with_value else None
        assert (await view.get("made")).stamp == told


@pytest.mark.parametrize("stamp", [ONE, None], ids=["stamped", "not"])
@pytest.mark.parametrize("kind", KINDS)
async def test_a_value_encrypted_anew_keeps_its_stamp(
    places: Places, kind: str, stamp: Stamp | None
) -> None:
    can = KINDS[kind]
    below = MemorySecrets(capabilities=can)
    await places.view(below).create("made", SecretValue("value"), Attributes(stamp=stamp))
    first = await below.get("made")
    await places.keys.rotate("main")
    below.calls.clear()
    assert await places.view(below).rewrap("made", "2")
    assert below.calls["describe"] == (1 if kind == "beside" else 0)
    again = await below.get("made")
    assert again.version != first.version
    assert again.value != first.value
    assert (await below.describe("made")).stamp == (stamp if can.stamps else None)


async def test_a_stamp_of_a_version_that_came_since_is_not_taken(places: Places) -> None:
    class ChangesMeanwhile(MemorySecrets):
        async def describe(self, name: str) -> SecretInfo:
            sealed = (await self.get(name)).value
            other = SecretValue(sealed.reveal() + b"\0")
            await self.update(name, other, Attributes(stamp=TWO))
            return await super().describe(name)

    below = ChangesMeanwhile(
        capabilities=replace(EVERYTHING, stamp_with_value=False, compare_and_set=False)
    )
    await places.view(below).create("made", SecretValue("value"), Attributes(stamp=ONE))
    await places.keys.rotate("main")
    assert await places.view(below).rewrap("made", "2")
    assert (await places.view(below).get("made")).value == SecretValue("value")
    assert below.store.find("made").stamp() is None
