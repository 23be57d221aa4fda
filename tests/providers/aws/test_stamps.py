"""Stamps: in the ids of Secrets Manager's versions, in a tag of Parameter Store."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

from skykeep.conformance.cases import refused
from skykeep.envelope import marks
from skykeep.errors import Conflict, Denied, Unavailable
from skykeep.interfaces.secret_driver import (
    CURRENT,
    STAMP_DIGEST_BYTES,
    Attributes,
    SecretDriver,
    Stamp,
)
from skykeep.providers.aws import version_ids
from skykeep.providers.aws.reading import VERSION_LENGTH
from skykeep.providers.aws.tags import MOST, stamp_of, stamp_tag
from tests.peers.clients import aws_client
from tests.peers.faults import Answer, Fault, FaultProxy, LostResponse, Reset
from tests.peers.messages import Message
from tests.peers.peer import Server
from tests.providers.aws.going_wrong import NOTHING, OTHER, VALUE, action, actions, says
from tests.providers.aws.opening import opened

ONE = Stamp(1_767_225_600_000_001, bytes(range(16)))
TWO = Stamp(1_767_225_600_000_002, b"\xff" * 16)
STAMPS = st.builds(
    Stamp,
    st.integers(0, 2**64 - 1),
    st.binary(min_size=STAMP_DIGEST_BYTES, max_size=STAMP_DIGEST_BYTES),
)


def stamped(stamp: Stamp) -> Attributes:
    return Attributes(stamp=stamp)


# -- the id of a version


@given(STAMPS, st.text() | st.none())
def test_an_id_tells_its_stamp(stamp: Stamp, seen: str | None) -> None:
    for version in (version_ids.after(stamp, seen), version_ids.anew(stamp)):
        assert len(version) in VERSION_LENGTH
        assert version_ids.stamp_of(version) == stamp


def test_an_id_is_made_of_the_stamp_and_what_was_there() -> None:
    seen = sha256(b"before").hexdigest()[:8]
    assert version_ids.after(ONE, "before") == f"skykeep-{ONE}{seen}"
    assert version_ids.after(ONE, "other") != version_ids.after(ONE, "before")
    assert version_ids.anew(ONE) != version_ids.anew(ONE)


@pytest.mark.parametrize(
    "foreign",
    [
        None,
        "",
        str(uuid.UUID(int=7)),
        "terraform-20260101000000000000000001",
        f"skykeep-{ONE}",
        f"skykeep-{ONE}0000000",
        f"skykeep-{ONE}000000000",
        f"skykeep-{ONE}0000000\n",
        f"skykeep-{ONE}0000000g",
        f"skykeep-{ONE}00000000".upper(),
        f"xkykeep-{ONE}00000000",
    ],
)
def test_another_id_tells_none(foreign: str | None) -> None:
    assert version_ids.stamp_of(foreign) is None


@pytest.mark.asyncio
async def test_what_others_write_has_no_stamp(
    driver: SecretDriver, judge: Any, prefix: str
) -> None:
    await driver.create("made", VALUE, stamped(ONE))
    judge.put_secret_value(SecretId=f"{prefix}made", SecretString="theirs")
    assert (await driver.get("made")).stamp is None
    assert (await driver.describe("made")).stamp is None


@pytest.mark.asyncio
async def test_a_write_that_is_sent_again_by_another_process_has_the_same_id(
    driver: SecretDriver,
    proxy: FaultProxy,
    prefix: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await driver.create("made", OTHER, stamped(ONE))
    proxy.fail(Reset(), when=action("PutSecretValue"))
    with pytest.raises(Unavailable):
        await driver.update("made", VALUE, stamped(TWO))
    monkeypatch.setattr(marks, "_KEY", os.urandom(32))
    later = await opened(proxy.address, secret_prefix=prefix)
    written = await later.update("made", VALUE, stamped(TWO))
    await later.close()
    assert _tokens(proxy) == [written.version] * 2


@pytest.mark.asyncio
async def test_a_write_whose_answer_was_lost_makes_one_version(
    driver: SecretDriver, proxy: FaultProxy, judge: Any, prefix: str
) -> None:
    """Where the credentials may not read, AWS finds by the id that it is done."""
    await driver.create("made", OTHER, stamped(ONE))
    proxy.fail(says("AccessDeniedException"), times=None, when=action("GetSecretValue"))
    proxy.fail(LostResponse(), when=action("PutSecretValue"))
    there = judge.describe_secret(SecretId=f"{prefix}made")
    proxy.fail(_described(there), times=2, when=action("DescribeSecret"))  # it is behind
    with pytest.raises(Unavailable):
        await driver.update("made", VALUE, stamped(TWO))
    again = await driver.update("made", VALUE, stamped(TWO))
    assert version_ids.stamp_of(again.version) == TWO
    assert _tokens(proxy) == [again.version] * 2
    assert len(judge.list_secret_version_ids(SecretId=f"{prefix}made")["Versions"]) == 2


@pytest.mark.asyncio
async def test_an_id_that_has_another_value_is_not_used(
    driver: SecretDriver, proxy: FaultProxy
) -> None:
    """The same value encrypted anew: same stamp, same version before it, other bytes."""
    await driver.create("made", OTHER, NOTHING)
    proxy.fail(says("ResourceExistsException"), when=action("PutSecretValue"))
    written = await driver.update("made", VALUE, stamped(TWO))
    first, second = _tokens(proxy)
    assert first != second == written.version
    found = await driver.get("made")
    assert (found.value, found.stamp) == (VALUE, TWO)
    proxy.fail(says("ResourceExistsException"), times=2, when=action("PutSecretValue"))
    await refused(Conflict, driver.update("made", OTHER, stamped(ONE)))


@pytest.mark.asyncio
async def test_a_write_again_after_a_rollback_is_a_new_version(moto_mended: Server) -> None:
    """Its id is that of the first write: AWS would take it for the same and do nothing."""
    driver = await opened(moto_mended.address, secret_prefix=f"{uuid.uuid4().hex}/")
    first = await driver.create("made", OTHER, stamped(ONE))
    second = await driver.update("made", VALUE, stamped(TWO))
    await driver.move_stage("made", CURRENT, first.version)
    third = await driver.update("made", VALUE, stamped(TWO))
    assert len({first.version, second.version, third.version}) == 3
    found = await driver.get("made")
    assert (found.value, found.version, found.stamp) == (VALUE, third.version, TWO)
    await driver.close()


@pytest.mark.asyncio
async def test_a_secret_that_is_made_again_with_its_stamp_is_there_already(
    driver: SecretDriver,
) -> None:
    """A create that is played again must not answer that it made what has changed since."""
    await driver.create("made", VALUE, stamped(ONE))
    await driver.update("made", OTHER, stamped(TWO))
    await refused(Conflict, driver.create("made", VALUE, stamped(ONE)))
    assert (await driver.get("made")).value == OTHER


def _tokens(proxy: FaultProxy) -> list[str]:
    return [
        json.loads(seen.request.body)["ClientRequestToken"]
        for seen in proxy.seen
        if action("PutSecretValue")(seen.request)
    ]


def _described(there: dict[str, Any]) -> Fault:
    said = {key: there[key] for key in ("ARN", "Name", "VersionIdsToStages")}
    return Answer(200, json.dumps(said).encode())


# -- the tag of a parameter


@given(STAMPS, st.integers(1, 10**17).map(str), st.integers(1, 10**17).map(str))
def test_a_tag_is_about_one_version(stamp: Stamp, version: str, other: str) -> None:
    there = {"skykeep:stamp": stamp_tag(stamp, version)}
    assert stamp_of(there, version) == stamp
    assert (stamp_of(there, other) == stamp) == (other == version)


@pytest.mark.parametrize(
    "text", ["", ".", f"{ONE}", f"{ONE}.", f"{ONE}.01", f"{ONE}.1.1", f"0{ONE}.1", "stamp.1"]
)
def test_a_tag_of_others_tells_none(text: str) -> None:
    assert stamp_of({"skykeep:stamp": text}, "1") is None
    assert stamp_of({}, "1") is None


@pytest.fixture
def parameters_judge(moto: Server) -> Iterator[Any]:
    with closing(aws_client("ssm", moto.address)) as client:
        yield client


@pytest_asyncio.fixture
async def parameters(proxy: FaultProxy, prefix: str) -> AsyncIterator[SecretDriver]:
    made = await opened(proxy.address, service="ssm", secret_prefix=prefix)
    yield made
    await made.close()


def _tagged(judge: Any, prefix: str) -> dict[str, str]:
    found = judge.list_tags_for_resource(ResourceType="Parameter", ResourceId=f"/{prefix}made")
    return {tag["Key"]: tag["Value"] for tag in found["TagList"]}


@pytest.mark.asyncio
async def test_a_parameter_is_made_with_its_stamp_in_one_call(
    parameters: SecretDriver, proxy: FaultProxy, parameters_judge: Any, prefix: str
) -> None:
    await parameters.create("made", VALUE, Attributes(tags={"team": "core"}, stamp=ONE))
    assert actions(proxy) == ["PutParameter"]
    assert _tagged(parameters_judge, prefix) == {"team": "core", "skykeep:stamp": f"{ONE}.1"}


@pytest.mark.asyncio
async def test_the_stamp_of_an_update_is_written_behind_it(
    parameters: SecretDriver, proxy: FaultProxy, parameters_judge: Any, prefix: str
) -> None:
    await parameters.create("made", OTHER, stamped(ONE))
    await parameters.update("made", VALUE, stamped(TWO))
    sent = actions(proxy)
    assert sent.index("AddTagsToResource") > sent.index("PutParameter", 1)
    assert _tagged(parameters_judge, prefix) == {"skykeep:stamp": f"{TWO}.2"}
    before = len(proxy.seen)
    await parameters.update("made", OTHER, NOTHING)
    assert "AddTagsToResource" not in actions(proxy)[before:]
    assert (await parameters.describe("made")).stamp is None


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "fault", [Reset(), says("AccessDeniedException"), says("TooManyTagsError")]
)
async def test_a_stamp_that_cannot_be_written_leaves_the_value_written(
    parameters: SecretDriver, proxy: FaultProxy, fault: Fault
) -> None:
    await parameters.create("made", OTHER, stamped(ONE))
    proxy.fail(fault, when=action("AddTagsToResource"))
    assert (await parameters.update("made", VALUE, stamped(TWO))).changed
    assert (await parameters.get("made")).value == VALUE
    assert (await parameters.describe("made")).stamp is None


@pytest.mark.asyncio
async def test_tags_that_are_refused_are_still_told(
    parameters: SecretDriver, proxy: FaultProxy
) -> None:
    """The stamp may fail in silence, what the application asked for may not."""
    await parameters.create("made", OTHER, NOTHING)
    proxy.fail(says("AccessDeniedException"), times=None, when=action("AddTagsToResource"))
    work = parameters.update("made", VALUE, Attributes(tags={"a": "b"}, stamp=TWO))
    await refused(Denied, work)


@pytest.mark.asyncio
async def test_a_stamp_that_comes_late_is_not_of_the_newer_version(
    parameters: SecretDriver, proxy: FaultProxy, parameters_judge: Any, prefix: str
) -> None:
    """Somebody writes between our value and our stamp."""
    await parameters.create("made", OTHER, stamped(ONE))

    def meanwhile(request: Message) -> bool:
        if action("AddTagsToResource")(request):
            parameters_judge.put_parameter(
                Name=f"/{prefix}made", Value="theirs", Overwrite=True
            )
        return False

    proxy.fail(Reset(), when=meanwhile)
    await parameters.update("made", VALUE, stamped(TWO))
    assert _tagged(parameters_judge, prefix) == {"skykeep:stamp": f"{TWO}.2"}
    found = await parameters.describe("made")
    assert (found.version, found.stamp) == ("3", None)


@pytest.mark.asyncio
async def test_where_all_tags_are_taken_there_is_no_stamp(
    parameters: SecretDriver, parameters_judge: Any, prefix: str
) -> None:
    many = {f"tag-{number}": "x" for number in range(MOST - 1)}
    await parameters.create("made", VALUE, Attributes(tags=many, stamp=ONE))
    assert len(_tagged(parameters_judge, prefix)) == MOST
    assert (await parameters.describe("made")).stamp == ONE
    await parameters.delete("made")
    at = datetime(2031, 2, 3, tzinfo=UTC)
    await parameters.create("made", VALUE, Attributes(tags=many, expires_at=at, stamp=ONE))
    assert len(_tagged(parameters_judge, prefix)) == MOST
    found = await parameters.describe("made")
    assert (found.expires_at, found.stamp) == (at, None)
