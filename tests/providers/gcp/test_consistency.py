"""``latest`` may be behind ("Resource consistency"); a driver is not behind its own writes."""

from __future__ import annotations

from typing import Any

import pytest

from skykeep.errors import NotFound, VersionUnavailable
from skykeep.interfaces.secret_driver import PREVIOUS
from skykeep.interfaces.secret_value import SecretValue
from skykeep.providers.gcp import reading
from skykeep.providers.gcp.writing import SecretManager as Driver
from tests.peers.faults import FaultProxy
from tests.peers.google import SecretManager
from tests.providers.gcp.going_wrong import NOTHING, OTHER, VALUE, action, actions, says

pytestmark = pytest.mark.asyncio


async def test_a_driver_reads_its_own_writes(
    driver: Driver, other: Driver, fake: SecretManager, proxy: FaultProxy
) -> None:
    await driver.create("made", OTHER, NOTHING)
    fake.set(behind=4)
    await driver.update("made", VALUE, NOTHING)
    before = len(proxy.seen)
    found = await driver.get("made")
    assert (found.version, found.value) == ("2", VALUE)
    assert actions(proxy)[before:] == ["AccessSecretVersion"] * 2
    assert (await driver.describe("made")).version == "2"
    assert (await driver.get("made", stage=PREVIOUS)).version == "1"
    assert (await other.get("made")).version == "1", "who has not written it sees it later"
    assert (await other.get("made")).version == "2"


async def test_a_value_is_compared_with_what_was_written(
    driver: Driver, fake: SecretManager
) -> None:
    """Against a ``latest`` of old, the third write would be one that changes nothing."""
    await driver.create("made", OTHER, NOTHING)
    fake.set(behind=9)
    for number, value in enumerate((VALUE, OTHER, VALUE), start=2):
        written = await driver.update("made", value, NOTHING)
        assert (written.version, written.changed) == (str(number), True)
        again = await driver.update("made", value, NOTHING)
        assert (again.version, again.changed) == (str(number), False)


async def test_newer_ones_of_others_are_not_hidden(driver: Driver, other: Driver) -> None:
    await driver.create("made", VALUE, NOTHING)
    await other.update("made", OTHER, NOTHING)
    found = await driver.get("made")
    assert (found.version, found.value) == ("2", OTHER)
    assert (await driver.describe("made")).version == "2"


async def test_what_others_deleted_and_made_anew_is_read(driver: Driver, other: Driver) -> None:
    await driver.create("made", VALUE, NOTHING)
    for text in ("second", "third"):
        await driver.update("made", SecretValue(text), NOTHING)
    await other.delete("made")
    with pytest.raises(NotFound):
        await driver.get("made")
    assert "made" not in str(driver._written)
    await other.create("made", OTHER, NOTHING)
    assert (await driver.get("made")).version == "1"


async def test_made_anew_behind_the_back_of_a_driver(driver: Driver, other: Driver) -> None:
    await driver.create("made", VALUE, NOTHING)
    await driver.update("made", SecretValue("second"), NOTHING)
    await other.delete("made")
    await other.create("made", OTHER, NOTHING)
    assert (await driver.describe("made")).version == "1"
    await driver.update("made", VALUE, NOTHING)
    assert (await driver.get("made")).version == "2"


async def test_a_state_of_old_is_not_ours(
    driver: Driver, proxy: FaultProxy, judge: Any, place: str
) -> None:
    """``latest`` is still the version that was disabled before we wrote."""
    await driver.create("made", OTHER, NOTHING)
    await driver.update("made", VALUE, NOTHING)
    words = f"Secret Version [{place}made/versions/1] is in DISABLED state."
    proxy.fail(says("FAILED_PRECONDITION", message=words), when=action("AccessSecretVersion"))
    assert (await driver.get("made")).value == VALUE
    judge.disable_secret_version(name=f"{place}made/versions/2")
    with pytest.raises(VersionUnavailable):
        await driver.get("made")


async def test_a_new_secret_that_is_not_to_be_seen_yet(
    driver: Driver, proxy: FaultProxy
) -> None:
    await driver.create("made", VALUE, NOTHING)
    proxy.fail(says("NOT_FOUND", 404), when=action("AccessSecretVersion", "GetSecretVersion"))
    assert (await driver.get("made")).value == VALUE
    proxy.fail(says("NOT_FOUND", 404), when=action("GetSecretVersion"))
    assert (await driver.describe("made")).version == "1"


async def test_only_so_many_writes_are_remembered(
    driver: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "REMEMBERED", 2)
    for name in ("a", "b", "c"):
        await driver.create(name, VALUE, NOTHING)
    assert len(driver._written) == 2
    assert (await driver.get("a")).value == VALUE
