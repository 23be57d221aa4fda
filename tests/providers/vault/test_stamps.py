"""Stamps in KV 2: they are written behind the value, each under a key of its own."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime

import pytest
import pytest_asyncio

from skykeep.conformance.secrets_stamps import ONE, TWO, stamped
from skykeep.interfaces.secret_driver import Attributes, SecretDriver, Stamp
from skykeep.interfaces.secret_value import SecretValue
from skykeep.providers.vault.annotations import MAX_PAIRS, STAMPS, Annotations, unpack
from tests.peers.faults import (
    Answer,
    Dropped,
    Fault,
    FaultProxy,
    LostResponse,
    Reset,
    Silence,
)
from tests.peers.messages import Message
from tests.peers.openbao import OpenBao
from tests.providers.vault.judge import Judge
from tests.providers.vault.opening import opened

NOTHING = Attributes()
VALUE, OTHER, THIRD = SecretValue("one"), SecretValue("two"), SecretValue("three")
TAGS = {"team": "shop"}

NOT_DONE: dict[str, Fault] = {
    "reset": Reset(),
    "dropped": Dropped(),
    "denied": Answer(403, b'{"errors": ["1 error occurred:\\n\\t* permission denied\\n\\n"]}'),
    "sealed": Answer(503, b'{"errors": ["Vault is sealed"]}'),
    "limited": Answer(429, b'{"errors": []}'),
    "no-patches": Answer(405, b'{"errors": ["unsupported operation"]}'),
    "not-vault": Answer(502, b"<html>"),
}


@pytest.fixture
def mount(openbao: OpenBao) -> str:
    return openbao.kv(2)


@pytest.fixture
def judge(openbao: OpenBao, mount: str) -> Iterator[Judge]:
    with closing(Judge(openbao, 2, mount)) as made:
        yield made


@pytest.fixture
def proxy(openbao: OpenBao) -> Iterator[FaultProxy]:
    with FaultProxy(openbao.address) as made:
        yield made


@pytest_asyncio.fixture
async def driver(
    openbao: OpenBao, proxy: FaultProxy, mount: str
) -> AsyncIterator[SecretDriver]:
    made = await opened(openbao, mount, address=proxy.address, kv=2)
    yield made
    await made.close()


def is_patch(request: Message) -> bool:
    return request.head.startswith(b"PATCH ")


def asked(proxy: FaultProxy) -> list[str]:
    """Method and part of the engine of each request, in order."""
    lines = [seen.request.head.split(b" ", 2)[:2] for seen in proxy.seen]
    return [f"{method.decode()} {path.decode().split('/')[3]}" for method, path in lines]


async def both(driver: SecretDriver, name: str = "made") -> tuple[Stamp | None, Stamp | None]:
    """What ``describe`` and ``get`` tell."""
    return (await driver.describe(name)).stamp, (await driver.get(name)).stamp


@pytest.mark.asyncio
async def test_where_they_stand(driver: SecretDriver, judge: Judge) -> None:
    await driver.create("made", VALUE, Attributes(tags=TAGS, stamp=ONE))
    await driver.update("made", OTHER, stamped(TWO))
    assert judge.about("made")["custom_metadata"] == {
        **TAGS,
        "skykeep:stamp.1": str(ONE),
        "skykeep:stamp.2": str(TWO),
    }
    found = judge.kv.read_secret_version(
        "made", mount_point=judge.mount, raise_on_deleted_version=True
    )
    assert found["data"]["metadata"]["custom_metadata"]["skykeep:stamp.2"] == str(TWO)
    assert found["data"]["data"] == {"value": "two"}


@pytest.mark.asyncio
async def test_a_stamp_is_one_more_call_unless_tags_go_along(
    driver: SecretDriver, proxy: FaultProxy
) -> None:
    tags = Attributes(tags={"team": "till"}, stamp=TWO)
    create, update = driver.create, driver.update
    work: list[tuple[Callable[[], Awaitable[object]], list[str]]] = [
        (lambda: create("plain", VALUE, NOTHING), ["POST data"]),
        (lambda: create("made", VALUE, stamped(ONE)), ["POST data", "PATCH metadata"]),
        (lambda: update("plain", OTHER, NOTHING), ["GET data", "POST data"]),
        (
            lambda: update("made", OTHER, stamped(TWO)),
            ["GET data", "POST data", "PATCH metadata"],
        ),
        (lambda: update("made", OTHER, stamped(ONE)), ["GET data"]),
        (lambda: update("made", THIRD, tags), ["GET data", "POST data", "POST metadata"]),
    ]
    for write, calls in work:
        before = len(proxy.seen)
        await write()
        assert asked(proxy)[before:] == calls
    assert await both(driver) == (TWO, TWO)


@pytest.mark.asyncio
@pytest.mark.parametrize("fault", NOT_DONE)
async def test_a_value_whose_stamp_was_not_written_is_written_all_the_same(
    driver: SecretDriver, proxy: FaultProxy, judge: Judge, fault: str
) -> None:
    proxy.fail(NOT_DONE[fault], when=is_patch)
    assert (await driver.create("new", VALUE, stamped(ONE))).version == "1"
    assert await both(driver, "new") == (None, None)
    await driver.create("made", VALUE, Attributes(tags=TAGS, stamp=ONE))
    proxy.fail(NOT_DONE[fault], when=is_patch)
    written = await driver.update("made", OTHER, stamped(TWO))
    assert (written.version, written.changed) == ("2", True)
    assert judge.read("made") == {"value": "two"}
    assert await both(driver) == (None, None), "a stamp of another version"
    assert (await driver.get("made", version="1")).stamp == ONE
    assert (await driver.describe("made")).tags == TAGS
    await driver.update("made", THIRD, stamped(TWO))
    assert await both(driver) == (TWO, TWO)


@pytest.mark.asyncio
async def test_a_stamp_whose_answer_was_lost_is_there(
    driver: SecretDriver, proxy: FaultProxy
) -> None:
    proxy.fail(LostResponse(), when=is_patch)
    await driver.create("made", VALUE, stamped(ONE))
    assert await both(driver) == (ONE, ONE)


@pytest.mark.asyncio
async def test_a_write_that_is_broken_off_behind_its_value(
    driver: SecretDriver, proxy: FaultProxy
) -> None:
    """Made again it finds itself done; nothing is known of the write of the value there."""
    await driver.create("made", VALUE, stamped(ONE))
    loop = asyncio.get_running_loop()
    task = asyncio.create_task(driver.update("made", OTHER, stamped(TWO)))

    def cut_off(request: Message) -> bool:
        if is_patch(request):
            loop.call_soon_threadsafe(task.cancel)
        return is_patch(request)

    proxy.fail(Silence(), when=cut_off)
    with pytest.raises(asyncio.CancelledError):
        await task
    again = await driver.update("made", OTHER, stamped(TWO))
    assert (again.version, again.changed) == ("2", False)
    assert await both(driver) == (None, None)


@pytest.mark.asyncio
async def test_a_newer_version_of_others_has_none(driver: SecretDriver, judge: Judge) -> None:
    await driver.create("made", VALUE, stamped(ONE))
    judge.write("made", {"value": "theirs"})
    assert await both(driver) == (None, None)
    assert (await driver.get("made", version="1")).stamp == ONE
    await driver.update("made", OTHER, stamped(TWO), expects="2")
    assert await both(driver) == (TWO, TWO)


@pytest.mark.asyncio
async def test_what_others_say_between_our_look_and_our_stamp_stays(
    driver: SecretDriver, proxy: FaultProxy, judge: Judge
) -> None:
    """A stamp changes its own key and no other: to write all that was seen would undo it."""
    await driver.create("made", VALUE, Attributes(tags={"note": "ours"}, stamp=ONE))
    theirs = {"note": "theirs", "skykeep:stamp.3": str(ONE)}

    def meanwhile(request: Message) -> bool:
        if is_patch(request):
            judge.write("made", {"value": "theirs"})
            judge.kv.update_metadata("made", custom_metadata=theirs, mount_point=judge.mount)
        return False

    proxy.fail(Reset(), when=meanwhile)
    await driver.update("made", OTHER, stamped(TWO))
    assert judge.about("made")["custom_metadata"] == {**theirs, "skykeep:stamp.2": str(TWO)}
    assert (await driver.describe("made")).tags == {"note": "theirs"}
    assert await both(driver) == (ONE, ONE), "of the version that is current since"


@pytest.mark.asyncio
@pytest.mark.parametrize("rights", [[], ["update"], ["patch"]])
async def test_a_token_that_may_not_say_it(
    openbao: OpenBao, mount: str, proxy: FaultProxy, rights: list[str]
) -> None:
    """No stamp is the worst of it; with tags it needs what they need."""
    rules = f"""
    path "{mount}/data/*" {{ capabilities = ["create", "update", "read"] }}
    path "{mount}/metadata/*" {{ capabilities = {json.dumps(["read", *rights])} }}
    """
    token = openbao.new_token(openbao.policy(rules))
    less = await opened(openbao, mount, token=token, address=proxy.address, kv=2)
    await less.create("made", VALUE, stamped(ONE))
    before = len(proxy.seen)
    assert (await less.update("made", OTHER, stamped(TWO))).version == "2"
    assert asked(proxy)[before:] == ["GET data", "POST data", "PATCH metadata"]
    assert (await less.get("made")).value == OTHER
    may = TWO if "patch" in rights else None
    assert await both(less) == (may, may)
    if "update" in rights:
        await less.update("made", THIRD, Attributes(tags=TAGS, stamp=ONE))
        assert await both(less) == (ONE, ONE)
    await less.close()


@pytest.mark.asyncio
async def test_stamps_of_the_newest_versions_are_kept(
    driver: SecretDriver, judge: Judge
) -> None:
    stamps = [Stamp(number, bytes([number]) * 16) for number in range(12)]
    await driver.create("made", VALUE, stamped(stamps[0]))
    for number in range(1, 12):
        await driver.update("made", SecretValue(str(number)), stamped(stamps[number]))
    kept = judge.about("made")["custom_metadata"]
    assert kept == {
        f"skykeep:stamp.{number + 1}": str(stamps[number]) for number in range(12 - STAMPS, 12)
    }
    assert (await driver.get("made", version="11")).stamp == stamps[10]


@pytest.mark.asyncio
@pytest.mark.parametrize("room", [0, 1, 2, 3])
async def test_no_tag_is_refused_for_a_stamp(
    driver: SecretDriver, judge: Judge, room: int
) -> None:
    tags = {f"tag-{number}": "x" for number in range(MAX_PAIRS - room)}
    await driver.create("made", VALUE, stamped(ONE))
    await driver.update("made", OTHER, stamped(ONE))
    await driver.update("made", THIRD, Attributes(tags=tags, stamp=ONE))
    assert await both(driver) == ((ONE, ONE) if room else (None, None))
    await driver.update("made", VALUE, stamped(TWO))
    assert await both(driver) == ((TWO, TWO) if room else (None, None))
    assert (await driver.describe("made")).tags == tags
    there = judge.about("made")["custom_metadata"]
    assert len(there) == MAX_PAIRS, "older stamps fill what room there is"
    await driver.annotate("made", Attributes(tags={**tags, "last": "x"} if room else tags))
    assert await both(driver) == ((TWO, TWO) if room > 1 else (None, None))


def test_what_is_no_stamp_says_nothing_and_is_in_nobodys_way() -> None:
    there = {
        "skykeep:stamp.1": "x",
        "skykeep:stamp.2": f"{ONE}0",
        "skykeep:stamp.3": str(ONE).upper(),
        "skykeep:stamp": str(ONE),
        "skykeep:stamp.": str(ONE),
        "skykeep:stamp.99": str(ONE),
        "skykeep:stamp.later": str(ONE),
        "skykeep:else": "of another time",
    }
    found = unpack(there)
    assert [found.stamp_of(number) for number in (0, 1, 2, 3, 4)] == [None] * 5
    after = found.stamped(TWO, 4)
    assert after.stamp_of(4) == TWO
    assert after.house["skykeep:else"] == "of another time"
    assert found.stamped(None, 4) == found


def test_a_patch_names_what_has_changed_and_nothing_else() -> None:
    at = datetime(2031, 1, 1, tzinfo=UTC)
    before = Annotations({"team": "shop"}, {}, at, {"skykeep:stamp.1": str(ONE)})
    after = before.stamped(TWO, 2)
    assert before.patch_to(after) == {"skykeep:stamp.2": str(TWO)}
    assert after.patch_to(before) == {"skykeep:stamp.2": None}
    again = before.stamped(TWO, 1)
    assert before.patch_to(again) == {"skykeep:stamp.1": str(TWO)}
