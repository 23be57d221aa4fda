"""Stamps in Secret Manager: an annotation behind the value, under the secret's etag."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from skykeep.conformance.cases import refused
from skykeep.conformance.secrets_stamps import ONE, THREE, TWO, stamped
from skykeep.errors import Invalid, Unavailable
from skykeep.interfaces.secret_driver import PREVIOUS, Attributes, Written
from skykeep.interfaces.secret_value import SecretValue
from skykeep.providers.gcp.beside import MOST_BYTES, STAMP, Beside
from skykeep.providers.gcp.writing import SecretManager as Driver
from tests.peers.faults import Answer, Dropped, Fault, FaultProxy, LostResponse, Reset, Silence
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

THIRD = SecretValue("third")
TAGGED = Attributes(tags={"team": "payments"}, stamp=TWO)
UPDATES = action("UpdateSecret")
NOT_DONE: dict[str, Fault] = {
    "reset": Reset(),
    "dropped": Dropped(),
    "denied": says("PERMISSION_DENIED", 403, "IAM_PERMISSION_DENIED"),
    "quota": says("RESOURCE_EXHAUSTED", 429, "RATE_LIMIT_EXCEEDED"),
    "unavailable": says("UNAVAILABLE", 503),
    "changed": says("FAILED_PRECONDITION"),
    "strange": Answer(200, b"<html>"),
}


class Others:
    """Google's client, at the secret ``made``."""

    def __init__(self, client: Any, name: str) -> None:
        self.client = client
        self.name = name

    def notes(self) -> dict[str, str]:
        return dict(self.client.get_secret(name=self.name).annotations)

    def annotate(self, annotations: dict[str, str]) -> None:
        """Put these in the place of what is there."""
        secret = {"name": self.name, "annotations": annotations}
        self.client.update_secret(secret=secret, update_mask={"paths": ["annotations"]})

    def add(self) -> None:
        self.client.add_secret_version(parent=self.name, payload={"data": b"theirs"})


@pytest.fixture
def others(judge: Any, place: str) -> Others:
    return Others(judge, f"{place}made")


@pytest.mark.asyncio
async def test_where_they_stand(driver: Driver, others: Others) -> None:
    await driver.create("made", OTHER, Attributes(metadata={"a": "b"}, stamp=ONE))
    assert (others.notes()[STAMP], others.notes()["a"]) == (f"{ONE}.1", "b")
    await driver.update("made", VALUE, stamped(TWO))
    assert others.notes()[STAMP] == f"{TWO}.2"
    info = await driver.describe("made")
    assert (info.stamp, info.metadata, info.tags) == (TWO, {"a": "b"}, {})
    assert (await driver.get("made")).stamp is None, "an access tells the value alone"
    await driver.update("made", OTHER, NOTHING)
    assert others.notes()[STAMP] == f"{TWO}.2"
    assert (await driver.describe("made")).stamp is None, "of the version before"


@pytest.mark.asyncio
async def test_a_stamp_is_one_call_more_with_a_new_secret_and_two_with_a_version(
    driver: Driver, proxy: FaultProxy, judge: Any, place: str
) -> None:
    create, update = driver.create, driver.update
    looks, adds = "AccessSecretVersion", "AddSecretVersion"
    beside = ["GetSecret", "UpdateSecret"]
    work: list[tuple[Callable[[], Awaitable[object]], list[str]]] = [
        (lambda: create("plain", VALUE, NOTHING), ["CreateSecret", adds]),
        (lambda: create("made", VALUE, stamped(ONE)), ["CreateSecret", adds, "UpdateSecret"]),
        (lambda: update("plain", OTHER, NOTHING), [looks, adds]),
        (lambda: update("made", OTHER, stamped(TWO)), [looks, adds, *beside]),
        (lambda: update("made", OTHER, stamped(ONE)), [looks]),
        (lambda: update("made", THIRD, TAGGED), [looks, adds, *beside]),
        (lambda: update("empty", VALUE, stamped(ONE)), [looks, beside[0], adds, beside[1]]),
    ]
    parent, _, stem = place.rpartition("/secrets/")
    empty: dict[str, Any] = {"replication": {"automatic": {}}}
    judge.create_secret(parent=parent, secret_id=f"{stem}empty", secret=empty)
    for write, calls in work:
        before = len(proxy.seen)
        await write()
        assert actions(proxy)[before:] == calls
    assert (await driver.describe("made")).stamp == TWO
    assert (await driver.describe("empty")).stamp == ONE


@pytest.mark.asyncio
@pytest.mark.parametrize("fault", NOT_DONE)
@pytest.mark.parametrize("at", ["GetSecret", "UpdateSecret"])
async def test_a_value_whose_stamp_was_not_written_is_written_all_the_same(
    driver: Driver, proxy: FaultProxy, others: Others, fault: str, at: str
) -> None:
    await driver.create("made", OTHER, stamped(ONE))
    proxy.fail(NOT_DONE[fault], when=action(at), times=None)
    written = await driver.update("made", VALUE, stamped(TWO))
    assert (written.version, written.changed) == ("2", True)
    if at == "UpdateSecret":
        assert (await driver.create("new", VALUE, stamped(ONE))).version == "1"
    proxy.heal()
    if at == "UpdateSecret":
        assert (await driver.describe("new")).stamp is None
    assert (await driver.get("made")).value == VALUE
    assert others.notes()[STAMP] == f"{ONE}.1"
    assert (await driver.describe("made")).stamp is None, "a stamp of another version"
    await driver.update("made", THIRD, stamped(TWO))
    assert (await driver.describe("made")).stamp == TWO


@pytest.mark.asyncio
async def test_a_stamp_whose_answer_was_lost_is_there(
    driver: Driver, proxy: FaultProxy
) -> None:
    proxy.fail(LostResponse(), when=UPDATES)
    await driver.create("made", VALUE, stamped(ONE))
    assert (await driver.describe("made")).stamp == ONE


@pytest.mark.asyncio
async def test_a_write_that_is_broken_off_behind_its_value(
    driver: Driver, proxy: FaultProxy
) -> None:
    """Made again it finds itself done; nothing is known of the write of the value there."""
    loop = asyncio.get_running_loop()
    tasks: list[asyncio.Task[Written]] = []

    def cut_off(request: Message) -> bool:
        if UPDATES(request):
            loop.call_soon_threadsafe(tasks[-1].cancel)
        return UPDATES(request)

    proxy.fail(Silence(), when=cut_off, times=None)
    for number, write in enumerate((driver.create, driver.update), start=1):
        value = SecretValue(str(number))
        tasks.append(asyncio.create_task(write("made", value, stamped(ONE))))
        with pytest.raises(asyncio.CancelledError):
            await tasks[-1]
        again = await driver.update("made", value, stamped(TWO))
        assert (again.version, again.changed) == (str(number), False)
        assert (await driver.describe("made")).stamp is None


@pytest.mark.asyncio
async def test_a_newer_version_of_others_has_none(driver: Driver, others: Others) -> None:
    await driver.create("made", VALUE, stamped(ONE))
    others.add()
    assert (await driver.describe("made")).stamp is None
    await driver.update("made", OTHER, stamped(TWO))
    assert (await driver.describe("made")).stamp == TWO


@pytest.mark.asyncio
async def test_what_others_say_between_our_look_and_our_stamp_stays(
    driver: Driver, proxy: FaultProxy, others: Others
) -> None:
    await driver.create("made", OTHER, stamped(ONE))
    theirs = iter([{"note": "theirs"}])

    def meanwhile(request: Message) -> bool:
        if action_of(request) == "UpdateSecret" and (said := next(theirs, None)):
            others.annotate(said)
        return False

    before = len(proxy.seen)
    proxy.fail(Reset(), when=meanwhile)
    await driver.update("made", VALUE, stamped(TWO))
    assert actions(proxy)[before + 2 :] == ["GetSecret", "UpdateSecret"] * 2
    assert others.notes() == {"note": "theirs", STAMP: f"{TWO}.2"}


@pytest.mark.asyncio
@pytest.mark.parametrize("given", [stamped(TWO), TAGGED], ids=["alone", "with tags"])
async def test_the_stamp_of_a_newer_version_is_left(
    driver: Driver, proxy: FaultProxy, others: Others, given: Attributes
) -> None:
    """Who is slow behind a value finds another one there, that has its stamp already."""
    await driver.create("made", OTHER, stamped(ONE))
    once = iter([True])

    def meanwhile(request: Message) -> bool:
        if action_of(request) == "UpdateSecret" and next(once, False):
            others.add()
            others.annotate({STAMP: f"{THREE}.3"})
        return False

    proxy.fail(Reset(), when=meanwhile)
    assert (await driver.update("made", VALUE, given)).version == "2"
    info = await driver.describe("made")
    assert (info.version, info.stamp) == ("3", THREE)
    assert info.tags == ({} if given.empty else {"team": "payments"})


@pytest.mark.asyncio
async def test_what_is_half_created_has_no_stamp_for_what_others_put_there(
    driver: Driver, proxy: FaultProxy, others: Others
) -> None:
    proxy.fail(Reset(), when=action("AddSecretVersion"))
    with pytest.raises(Unavailable):
        await driver.create("made", VALUE, stamped(ONE))
    assert STAMP not in others.notes()
    others.add()
    assert (await driver.describe("made")).stamp is None


@pytest.mark.asyncio
async def test_who_goes_on_with_what_was_half_created_stamps_it(
    driver: Driver, proxy: FaultProxy
) -> None:
    proxy.fail(Reset(), when=action("AddSecretVersion"))
    with pytest.raises(Unavailable):
        await driver.create("made", VALUE, stamped(ONE))
    await driver.create("made", VALUE, stamped(TWO))
    assert (await driver.describe("made")).stamp == TWO


@pytest.mark.asyncio
async def test_there_is_room_for_it_beside_all_else(driver: Driver) -> None:
    """What an application may say is the same with a stamp and without, and all of it fits
    with the longest of skykeep's own notes."""
    long = "/".join("segment" for _ in range(25))
    pairs = {f"key-{number}": "x" * 1000 for number in range(15)}
    pairs["last"] = "x" * (
        MOST_BYTES - 640 - len("last") - sum(len(k + v) for k, v in pairs.items())
    )
    given = Attributes(metadata=pairs, stamp=ONE)
    await driver.create(long, OTHER, given)
    await driver.update(long, VALUE, stamped(TWO))
    await driver.move_stage(long, PREVIOUS, None)
    await driver.annotate(long, Attributes(metadata={**pairs, "last": "y" + pairs["last"][1:]}))
    assert (await driver.describe(long)).stamp == TWO
    await driver.update(long, OTHER, given)
    assert (await driver.describe(long)).stamp == ONE
    more = Attributes(metadata={**pairs, "last": pairs["last"] + "x"})
    await refused(Invalid, driver.annotate(long, more))


@pytest.mark.asyncio
@pytest.mark.parametrize("behind", [1, 2, 3])
async def test_where_latest_is_behind_the_stamp_is_of_our_own_write(
    driver: Driver, fake: SecretManager, behind: int
) -> None:
    await driver.create("made", OTHER, stamped(ONE))
    fake.set(behind=behind)
    await driver.update("made", VALUE, stamped(TWO))
    info = await driver.describe("made")
    assert (info.version, info.stamp) == ("2", TWO)


@pytest.mark.parametrize("text", ["", "x", "x.3", ".3", f"{ONE}", f"{ONE}.", f"{ONE}.03", "."])
def test_what_is_no_stamp_of_a_version_says_nothing(text: str) -> None:
    found = Beside({}, {STAMP: text})
    assert found.stamp is None or found.stamped == 0
    assert found.marked(TWO, 4).annotations == {STAMP: f"{TWO}.4"}
