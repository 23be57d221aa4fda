"""A secret and its first version are two calls: what a crash in between leaves, who goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from skykeep import Cloud
from skykeep.conformance.cases import listed, names_of, refused
from skykeep.errors import Conflict, Denied, NotFound, SkykeepError, Unavailable
from skykeep.interfaces.secret_driver import Attributes, Written
from skykeep.interfaces.secret_value import SecretValue
from skykeep.providers.gcp.session import Session
from skykeep.providers.gcp.writing import SecretManager as Driver
from tests.peers.faults import Dropped, Fault, FaultProxy, LostResponse, Reset, Silence
from tests.peers.google import SecretManager
from tests.peers.messages import Message
from tests.providers.gcp.going_wrong import (
    NOTHING,
    OTHER,
    VALUE,
    action,
    action_of,
    actions,
    says,
)
from tests.providers.gcp.opening import Tokens, opened

pytestmark = pytest.mark.asyncio

ADDS = action("AddSecretVersion")
TAGGED = Attributes(tags={"team": "payments"})
AUTOMATIC: dict[str, Any] = {"replication": {"automatic": {}}}

Later = Callable[[], None]
Count = Callable[[str], int]


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Later:
    """Let three minutes pass, as far as drivers can tell."""

    def let_pass() -> None:
        now = datetime.now(UTC) + timedelta(minutes=3)
        monkeypatch.setattr(Session, "now", lambda session: now)

    return let_pass


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("skykeep.providers.gcp.writing.WAITS", (0.0, 0.0, 0.0))


async def break_off(driver: Driver, proxy: FaultProxy, fault: Fault | None = None) -> None:
    """Create ``made`` up to the call that adds the value."""
    proxy.fail(fault or Reset(), when=ADDS)
    with pytest.raises(Unavailable):
        await driver.create("made", VALUE, TAGGED)


def made_empty(judge: Any, place: str, **more: Any) -> None:
    """As Terraform does it."""
    parent, _, stem = place.rpartition("/secrets/")
    secret = {**AUTOMATIC, **more}
    judge.create_secret(parent=parent, secret_id=f"{stem}made", secret=secret)


async def test_what_is_half_created_is_not_there_and_is_shown(
    driver: Driver, other: Driver, proxy: FaultProxy
) -> None:
    await break_off(driver, proxy)
    for each in (driver, other):
        await refused(NotFound, each.get("made"))
        assert (await each.describe("made")).version is None
        assert await each.versions("made") == []
        assert names_of(await listed(each)) == ["made"]


@pytest.mark.parametrize("fault", [Reset(), Dropped(), LostResponse()])
@pytest.mark.parametrize("at", ["CreateSecret", "AddSecretVersion"])
async def test_its_own_driver_goes_on(
    driver: Driver, proxy: FaultProxy, count: Count, fault: Fault, at: str
) -> None:
    proxy.fail(fault, when=action(at))
    with pytest.raises(Unavailable):
        await driver.create("made", VALUE, TAGGED)
    if (at, fault) == ("AddSecretVersion", LostResponse()):
        await refused(Conflict, driver.create("made", VALUE, TAGGED))
    else:
        assert (await driver.create("made", VALUE, TAGGED)).version == "1"
    assert count("made") == 1
    assert (await driver.get("made")).value == VALUE
    assert (await driver.describe("made")).tags == {"team": "payments"}


async def test_its_own_driver_goes_on_with_what_is_said_now(
    driver: Driver, proxy: FaultProxy
) -> None:
    await break_off(driver, proxy)
    await driver.create("made", OTHER, Attributes(metadata={"a": "b"}))
    info = await driver.describe("made")
    assert (info.tags, info.metadata) == ({}, {"a": "b"})
    assert (await driver.get("made")).value == OTHER


async def test_a_put_goes_on_too(driver: Driver, proxy: FaultProxy, count: Count) -> None:
    await break_off(driver, proxy)
    assert (await driver.update("made", VALUE, NOTHING)).changed
    assert count("made") == 1


async def test_others_wait_until_it_is_old(
    driver: Driver, other: Driver, proxy: FaultProxy, later: Later
) -> None:
    await break_off(driver, proxy)
    for work in (other.create("made", OTHER, NOTHING), other.update("made", OTHER, NOTHING)):
        error = await refused(Conflict, work)
        assert "2 minutes" in str(error)
    later()
    assert (await other.create("made", OTHER, NOTHING)).version == "1"
    assert (await driver.describe("made")).tags == {}, "nothing is left of the first try"
    await refused(Conflict, driver.create("made", VALUE, TAGGED))
    assert (await driver.get("made")).value == OTHER


async def test_an_update_takes_an_old_one_too(
    driver: Driver, other: Driver, proxy: FaultProxy, later: Later, count: Count
) -> None:
    await break_off(driver, proxy)
    later()
    assert (await other.update("made", OTHER, NOTHING)).version == "1"
    assert (await driver.get("made")).value == OTHER
    assert count("made") == 1


async def test_of_many_that_take_it_over_one_wins(
    driver: Driver, other: Driver, proxy: FaultProxy, later: Later, count: Count
) -> None:
    await break_off(driver, proxy)
    driver._claims.clear()
    later()

    async def outcome(each: Driver, value: str) -> Written | SkykeepError:
        try:
            return await each.create("made", SecretValue(value), NOTHING)
        except SkykeepError as error:
            return error

    found = await asyncio.gather(*(outcome((driver, other)[n % 2], str(n)) for n in range(6)))
    kinds = sorted(type(each).__name__ for each in found)
    assert kinds == ["Conflict"] * 5 + ["Written"]
    assert count("made") == 1


async def test_it_is_taken_over_under_its_etag(
    driver: Driver, other: Driver, proxy: FaultProxy, later: Later, judge: Any
) -> None:
    """Somebody else takes it between our look and our claim."""
    await break_off(driver, proxy)
    later()
    taken: list[Any] = []

    def meanwhile(request: Message) -> bool:
        if action_of(request) == "UpdateSecret" and not taken:
            name = request.target.partition("?")[0].removeprefix("/v1/")
            secret = judge.get_secret(name=name)
            secret.annotations["skykeep-claim"] = "somebody-elses"
            mask = {"paths": ["annotations"]}
            taken.append(judge.update_secret(secret=secret, update_mask=mask))
        return False

    proxy.fail(Reset(), when=meanwhile)
    await refused(Conflict, other.create("made", OTHER, NOTHING))
    assert len(taken) == 1
    assert await driver.versions("made") == []


async def test_one_that_was_just_taken_over_is_young_again(
    driver: Driver, other: Driver, proxy: FaultProxy, later: Later
) -> None:
    await break_off(driver, proxy)
    driver._claims.clear()
    later()
    await break_off(other, proxy)
    await refused(Conflict, driver.create("made", VALUE, NOTHING))


async def test_a_claim_of_a_clock_that_is_wrong_does_not_hold(
    driver: Driver, judge: Any, place: str, later: Later
) -> None:
    ahead = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    made_empty(judge, place, annotations={"skykeep-claim": f"abc {ahead}"})
    later()
    assert (await driver.create("made", VALUE, NOTHING)).version == "1"


async def test_one_that_others_made_empty_is_filled_at_once(
    driver: Driver, judge: Any, place: str
) -> None:
    made_empty(judge, place, labels={"env": "prod"}, annotations={"owner": "them"})
    await refused(NotFound, driver.get("made"))
    assert (await driver.update("made", VALUE, NOTHING)).version == "1"
    info = await driver.describe("made")
    assert (info.tags, info.metadata) == ({"env": "prod"}, {"owner": "them"})


async def test_a_create_fills_it_when_it_is_old(
    driver: Driver, judge: Any, place: str, later: Later
) -> None:
    made_empty(judge, place, labels={"env": "prod"}, annotations={"owner": "them"})
    await refused(Conflict, driver.create("made", VALUE, NOTHING))
    later()
    await driver.create("made", VALUE, Attributes(metadata={"a": "b"}))
    info = await driver.describe("made")
    assert (info.tags, info.metadata) == ({"env": "prod"}, {"a": "b"})


async def test_an_update_waits_for_the_one_who_creates(
    driver: Driver, proxy: FaultProxy, judge: Any, place: str
) -> None:
    """The value comes while the update looks again."""
    made_empty(judge, place, annotations={"skykeep-claim": "somebody-elses"})

    def meanwhile(request: Message) -> bool:
        if action_of(request) == "GetSecret" and actions(proxy).count("GetSecret") == 1:
            judge.add_secret_version(parent=f"{place}made", payload={"data": b"theirs"})
        return False

    proxy.fail(Reset(), when=meanwhile)
    assert (await driver.update("made", VALUE, NOTHING)).version == "2"
    assert (await driver.get("made", version="1")).value == SecretValue("theirs")


async def test_two_puts_of_a_new_name_both_succeed(
    cloud: Cloud, driver: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    await asyncio.gather(cloud.secrets.put("made", VALUE), cloud.secrets.put("made", OTHER))
    assert (await driver.get("made")).value in (VALUE, OTHER)


@pytest.mark.parametrize("may_delete", [True, False])
async def test_what_cannot_be_filled_is_removed(
    fake: SecretManager, prefix: str, driver: Driver, may_delete: bool
) -> None:
    permissions = ["secretmanager.secrets.create"]
    permissions += ["secretmanager.secrets.delete"] if may_delete else []
    creator = opened(fake.address, Tokens(fake.accept(*permissions)), secret_prefix=prefix)
    error = await refused(Denied, creator.create("made", VALUE, NOTHING))
    assert "secretmanager.versions.add" in str(error)
    assert names_of(await listed(driver)) == ([] if may_delete else ["made"])
    await creator.close()


async def test_a_name_is_taken_also_for_who_may_not_look(
    fake: SecretManager, prefix: str, driver: Driver
) -> None:
    await driver.create("made", VALUE, NOTHING)
    token = fake.accept("secretmanager.secrets.create", "secretmanager.versions.add")
    creator = opened(fake.address, Tokens(token), secret_prefix=prefix)
    await refused(Conflict, creator.create("made", OTHER, NOTHING))
    await creator.close()


async def test_a_secret_that_is_not_to_be_seen_yet(
    driver: Driver, proxy: FaultProxy, count: Count
) -> None:
    """What was created may be seen later ("Resource consistency")."""
    proxy.fail(says("NOT_FOUND", 404), when=ADDS)
    await refused(Unavailable, driver.create("made", VALUE, NOTHING))
    assert (await driver.create("made", VALUE, NOTHING)).version == "1"
    assert count("made") == 1


async def test_a_create_that_was_cancelled_can_be_sent_again(
    driver: Driver, proxy: FaultProxy, count: Count
) -> None:
    loop, arrived = asyncio.get_running_loop(), asyncio.Event()

    def come(request: Message) -> bool:
        if ADDS(request):
            loop.call_soon_threadsafe(arrived.set)
        return ADDS(request)

    proxy.fail(Silence(), when=come)
    task = asyncio.ensure_future(driver.create("made", VALUE, NOTHING))
    await arrived.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (await driver.create("made", VALUE, NOTHING)).version == "1"
    assert count("made") == 1
