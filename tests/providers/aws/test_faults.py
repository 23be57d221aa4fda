"""What goes wrong on the way: nothing is done twice, nothing outlasts its deadline, nothing
shows the value."""

from __future__ import annotations

import json
import time
import uuid
from typing import Any

import pytest

from skykeep import Cloud
from skykeep.conformance.cases import refused
from skykeep.errors import (
    Conflict,
    Denied,
    NotFound,
    SkykeepError,
    Throttled,
    Unauthenticated,
    Unavailable,
)
from skykeep.interfaces.secret_driver import CURRENT, PENDING, SecretDriver
from skykeep.providers.aws import writing
from skykeep.settings.model import Environment, RetrySettings
from tests.peers.aws import Microburst
from tests.peers.certificates import Authority
from tests.peers.faults import (
    Answer,
    Dropped,
    Fault,
    FaultProxy,
    LostResponse,
    Reset,
    Silence,
    Truncated,
)
from tests.peers.messages import Message
from tests.peers.peer import Server
from tests.providers.aws.going_wrong import NOTHING, OTHER, VALUE, action, actions, says
from tests.providers.aws.opening import ENVIRON, opened, settings

pytestmark = pytest.mark.asyncio


ANSWERS: dict[str, tuple[Fault, type[SkykeepError]]] = {
    "throttling-400": (says("ThrottlingException"), Throttled),
    "throttling-429": (says("TooManyRequestsException", 429), Throttled),
    "throttling-500": (says("ThrottlingException", 500), Throttled),
    "throttling-503": (says("SlowDown", 503), Throttled),
    "internal-500": (says("InternalServiceError", 500), Unavailable),
    "unavailable-503": (says("ServiceUnavailable", 503), Unavailable),
    "no-code-502": (Answer(502, b"<html>bad gateway"), Unavailable),
    "no-code-403": (Answer(403, b"<html>the proxy forbids"), Unavailable),
    "not-json-200": (Answer(200, b"<html>hello"), Unavailable),
    "half-json-200": (Answer(200, b'{"SecretString": "canary-4c1d'), Unavailable),
    "reset": (Reset(), Unavailable),
    "dropped": (Dropped(), Unavailable),
    "truncated": (Truncated(), Unavailable),
    "lost": (LostResponse(), Unavailable),
    "denied": (says("AccessDeniedException"), Denied),
    "unknown-key": (says("UnrecognizedClientException"), Unauthenticated),
}
READS = action("GetSecretValue")
WRITES = action("PutSecretValue", "CreateSecret")


@pytest.mark.parametrize("fault", ANSWERS)
async def test_a_read_that_goes_wrong(
    driver: SecretDriver, proxy: FaultProxy, fault: str
) -> None:
    await driver.create("made", VALUE, NOTHING)
    answer, kind = ANSWERS[fault]
    proxy.fail(answer, when=READS)
    before = len(proxy.seen)
    await refused(kind, driver.get("made"))
    assert actions(proxy)[before:] == ["GetSecretValue"], "the driver sends it once"
    assert (await driver.get("made")).value == VALUE


@pytest.mark.parametrize("fault", ANSWERS)
@pytest.mark.parametrize("write", ["create", "update", "update-if", "pending"])
async def test_a_write_that_goes_wrong_shows_nothing(
    driver: SecretDriver, proxy: FaultProxy, fault: str, write: str
) -> None:
    answer, kind = ANSWERS[fault]
    first = await driver.create("made", OTHER, NOTHING)
    proxy.fail(answer, when=WRITES)
    if write == "create":
        await refused(kind, driver.create("new", VALUE, NOTHING))
    elif write == "update":
        await refused(kind, driver.update("made", VALUE, NOTHING))
    elif write == "pending":
        await refused(kind, driver.update("made", VALUE, NOTHING, stage=PENDING))
    else:
        await refused(kind, driver.update("made", VALUE, NOTHING, expects=first.version))


@pytest.mark.parametrize("fault", [LostResponse(), Truncated(), Dropped(), Reset()])
async def test_a_write_that_is_sent_again_makes_one_version(
    driver: SecretDriver, proxy: FaultProxy, judge: Any, prefix: str, fault: Fault
) -> None:
    await driver.create("made", OTHER, NOTHING)
    proxy.fail(fault, when=action("PutSecretValue"))
    with pytest.raises(Unavailable):
        await driver.update("made", VALUE, NOTHING)
    again = await driver.update("made", VALUE, NOTHING)
    versions = judge.list_secret_version_ids(SecretId=f"{prefix}made")["Versions"]
    assert len(versions) == 2
    assert (await driver.get("made")).version == again.version


async def test_a_write_of_the_cloud_survives_a_lost_answer(
    cloud: Cloud, proxy: FaultProxy, judge: Any, prefix: str
) -> None:
    await cloud.secrets.put("made", OTHER)
    proxy.fail(LostResponse(), when=action("PutSecretValue"))
    await cloud.secrets.put("made", VALUE)
    proxy.fail(LostResponse(), when=action("CreateSecret"))
    await cloud.secrets.put("new", VALUE)
    for name, count in (("made", 2), ("new", 1)):
        found = judge.list_secret_version_ids(SecretId=f"{prefix}{name}")["Versions"]
        assert len(found) == count
        now = judge.get_secret_value(SecretId=f"{prefix}{name}", VersionStage="AWSCURRENT")
        assert now["SecretString"].encode() == VALUE.reveal()


async def test_two_tries_of_a_write_have_one_token_and_two_writes_two(
    driver: SecretDriver, proxy: FaultProxy
) -> None:
    await driver.create("made", OTHER, NOTHING)
    proxy.fail(Reset(), when=action("PutSecretValue"))
    with pytest.raises(Unavailable):
        await driver.update("made", VALUE, NOTHING)
    for value in (VALUE, OTHER, VALUE):
        await driver.update("made", value, NOTHING)
    tokens = [
        json.loads(seen.request.body)["ClientRequestToken"]
        for seen in proxy.seen
        if action("PutSecretValue")(seen.request)
    ]
    assert tokens[0] == tokens[1]
    assert len(set(tokens)) == 3


async def test_a_value_written_again_after_a_rollback_is_a_new_version(
    moto_mended: Server,
) -> None:
    """The token is that of the first write: AWS would take it for the same and do nothing."""
    driver = await opened(moto_mended.address, secret_prefix=f"{uuid.uuid4().hex}/")
    first = await driver.create("made", OTHER, NOTHING)
    second = await driver.update("made", VALUE, NOTHING)
    await driver.move_stage("made", CURRENT, first.version)
    third = await driver.update("made", VALUE, NOTHING)
    assert (await driver.get("made")).value == VALUE
    assert len({first.version, second.version, third.version}) == 3
    await driver.close()


async def test_a_lost_condition_leaves_no_label(
    driver: SecretDriver, proxy: FaultProxy, judge: Any, prefix: str
) -> None:
    """Somebody else writes between our look and our move."""
    first = await driver.create("made", OTHER, NOTHING)

    def meanwhile(request: Message) -> bool:
        if action("UpdateSecretVersionStage")(request) and not theirs:
            theirs.append(
                judge.put_secret_value(SecretId=f"{prefix}made", SecretString="theirs")
            )
        return False

    theirs: list[Any] = []
    proxy.fail(Reset(), when=meanwhile)
    with pytest.raises(Conflict):
        await driver.update("made", VALUE, NOTHING, expects=first.version)
    labels = judge.describe_secret(SecretId=f"{prefix}made")["VersionIdsToStages"]
    assert "AWSCURRENT" in labels[theirs[0]["VersionId"]]
    assert "skykeep-writing" not in {label for on in labels.values() for label in on}


async def test_throttling_is_tried_again_by_the_layers(cloud: Cloud, proxy: FaultProxy) -> None:
    await cloud.secrets.put("made", VALUE)
    proxy.fail(says("ThrottlingException", 400), when=READS, times=2)
    assert (await cloud.secrets.get("made")).value == VALUE


async def test_microburst_throttles(microburst: Microburst, moto: Server, prefix: str) -> None:
    made = await opened(microburst.address, secret_prefix=prefix)
    microburst.rules()
    await made.create("made", VALUE, NOTHING)
    microburst.rules(
        {
            "service": "secretsmanager",
            "operation": "GetSecretValue",
            "error": {"code": "ThrottlingException", "status": 503},
        }
    )
    try:
        with pytest.raises(Throttled):
            await made.get("made")
        assert microburst.fired()
    finally:
        microburst.rules()
        await made.close()


async def test_nothing_outlasts_the_deadline(proxy: FaultProxy, prefix: str) -> None:
    environment = Environment(
        primary=settings(endpoint=proxy.address, secret_prefix=prefix),
        retry=RetrySettings(base_seconds=0.0, max_seconds=0.0),
        deadline_seconds=0.3,
    )
    proxy.fail(Silence(), times=None)
    async with Cloud(environment, environ=ENVIRON) as cloud:
        for call in (
            cloud.secrets.get("made"),
            cloud.secrets.put("made", VALUE),
            cloud.secrets.describe("made"),
            cloud.secrets.purge("made"),
        ):
            begun = time.monotonic()
            await refused(Unavailable, call)
            assert time.monotonic() - begun < 5, "a guard, far above the deadline"


# -- TLS and regions


async def test_a_certificate_that_does_not_fit(
    moto: Server, authority: Authority, prefix: str
) -> None:
    stranger = authority.issue("elsewhere.example")
    with FaultProxy(moto.address, tls=stranger.server()) as proxy:
        made = await opened(proxy.address, secret_prefix=prefix, tls={"ca": str(authority.ca)})
        error = await refused(Unavailable, made.create("made", VALUE, NOTHING))
        assert not error.sent
        assert proxy.seen == []
        await made.close()


async def test_a_certificate_of_an_own_authority(
    moto: Server, authority: Authority, prefix: str
) -> None:
    with FaultProxy(moto.address, tls=authority.issue().server()) as proxy:
        made = await opened(proxy.address, secret_prefix=prefix, tls={"ca": str(authority.ca)})
        await made.create("made", VALUE, NOTHING)
        assert (await made.get("made")).value == VALUE
        await made.close()


async def test_another_region_is_another_store(moto: Server, prefix: str) -> None:
    here = await opened(moto.address, secret_prefix=prefix)
    there = await opened(moto.address, secret_prefix=prefix, region="eu-west-1")
    await here.create("made", VALUE, NOTHING)
    with pytest.raises(NotFound):
        await there.get("made")
    await here.close()
    await there.close()


async def test_a_purge_waits_until_the_name_is_free(
    driver: SecretDriver, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "WAIT", 0.0)
    await driver.create("made", VALUE, NOTHING)
    await driver.describe("made")

    def after_the_delete(request: Message) -> bool:
        return action("DescribeSecret")(request) and "DeleteSecret" in actions(proxy)

    still = json.dumps({"Name": "made", "DeletedDate": 1.0}).encode()
    proxy.fail(Answer(200, still), times=3, when=after_the_delete)
    await driver.purge("made")
    after = actions(proxy)[actions(proxy).index("DeleteSecret") :]
    assert after == ["DeleteSecret", *["DescribeSecret"] * 4]


async def test_a_listing_that_tells_too_much_is_cut(
    driver: SecretDriver, proxy: FaultProxy, prefix: str
) -> None:
    """The filter of AWS goes by the beginning of a name; whatever else comes is left out."""
    names = [f"{prefix}a", prefix.upper() + "b", "elsewhere/c"]
    said = {"SecretList": [{"Name": name, "CreatedDate": 1.0} for name in names]}
    proxy.fail(Answer(200, json.dumps(said).encode()), when=action("ListSecrets"))
    page = await driver.list("", cursor=None, limit=10)
    assert [info.name for info in page.items] == ["a"]
