"""What goes wrong on the way: nothing is done twice, nothing outlasts its deadline, nothing
shows the value."""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import pytest

from skykeep import Cloud
from skykeep.conformance.cases import listed, refused
from skykeep.errors import (
    Conflict,
    Denied,
    Invalid,
    KeyFailure,
    NotFound,
    SkykeepError,
    Throttled,
    Unavailable,
)
from skykeep.interfaces.secret_driver import PREVIOUS, Attributes
from skykeep.providers.gcp.writing import SecretManager as Driver
from skykeep.settings.model import Environment, RetrySettings
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
from tests.providers.gcp.opening import opened, settings

pytestmark = pytest.mark.asyncio

ANSWERS: dict[str, tuple[Fault, type[SkykeepError]]] = {
    "quota-429": (says("RESOURCE_EXHAUSTED", 429, "RATE_LIMIT_EXCEEDED"), Throttled),
    "aborted-409": (says("ABORTED", 409), Throttled),
    "internal-500": (says("INTERNAL", 500), Unavailable),
    "unavailable-503": (says("UNAVAILABLE", 503), Unavailable),
    "deadline-504": (says("DEADLINE_EXCEEDED", 504), Unavailable),
    "no-code-429": (Answer(429), Throttled),
    "no-code-502": (Answer(502, b"<html>bad gateway"), Unavailable),
    "no-code-403": (Answer(403, b"<html>the proxy forbids"), Unavailable),
    "not-json-200": (Answer(200, b"<html>hello"), Unavailable),
    "half-json-200": (Answer(200, b'{"payload": {"data": "Y2FuYXJ5LTRj'), Unavailable),
    "no-base64-200": (Answer(200, b'{"name": "a", "payload": {"data": "?"}}'), Unavailable),
    "redirect-302": (Answer(302, b"", (("Location", "http://127.0.0.1:9/"),)), Unavailable),
    "reset": (Reset(), Unavailable),
    "dropped": (Dropped(), Unavailable),
    "truncated": (Truncated(), Unavailable),
    "lost": (LostResponse(), Unavailable),
    "denied": (says("PERMISSION_DENIED", 403, "IAM_PERMISSION_DENIED"), Denied),
    "switched-off": (says("PERMISSION_DENIED", 403, "SERVICE_DISABLED"), Denied),
    "key": (says("FAILED_PRECONDITION", 400, message="Cloud KMS key [x] off"), KeyFailure),
}
READS = action("AccessSecretVersion")
ADDS = action("AddSecretVersion")
Count = Callable[[str], int]
Case = tuple[Fault, int]


@pytest.mark.parametrize("fault", ANSWERS)
async def test_a_read_that_goes_wrong(driver: Driver, proxy: FaultProxy, fault: str) -> None:
    await driver.create("made", VALUE, NOTHING)
    answer, kind = ANSWERS[fault]
    proxy.fail(answer, when=READS)
    before = len(proxy.seen)
    await refused(kind, driver.get("made"))
    assert actions(proxy)[before:] == ["AccessSecretVersion"], "the driver sends it once"
    assert (await driver.get("made")).value == VALUE


@pytest.mark.parametrize("fault", ANSWERS)
@pytest.mark.parametrize("write", ["create", "update"])
async def test_a_write_that_goes_wrong_shows_nothing(
    driver: Driver, proxy: FaultProxy, fault: str, write: str
) -> None:
    answer, kind = ANSWERS[fault]
    await driver.create("made", OTHER, NOTHING)
    proxy.fail(answer, when=ADDS)
    if write == "create":
        await refused(kind, driver.create("new", VALUE, NOTHING))
    else:
        await refused(kind, driver.update("made", VALUE, NOTHING))


@pytest.mark.parametrize("fault", ["reset", "denied", "unavailable-503", "not-json-200"])
@pytest.mark.parametrize(
    "failing", ["GetSecret", "GetSecretVersion", "ListSecretVersions", "ListSecrets"]
)
async def test_other_reads_that_go_wrong(
    driver: Driver, proxy: FaultProxy, fault: str, failing: str
) -> None:
    await driver.create("made", VALUE, NOTHING)
    answer, kind = ANSWERS[fault]
    proxy.fail(answer, when=action(failing))
    work: dict[str, Callable[[], Awaitable[object]]] = {
        "GetSecret": lambda: driver.describe("made"),
        "GetSecretVersion": lambda: driver.describe("made"),
        "ListSecretVersions": lambda: driver.versions("made"),
        "ListSecrets": lambda: driver.list("", cursor=None, limit=10),
    }
    await refused(kind, work[failing]())


@pytest.mark.parametrize(
    "case",
    [(fault, n) for fault in (LostResponse(), Truncated(), Dropped(), Reset()) for n in (0, 2)],
)
async def test_a_write_that_is_sent_again_makes_one_version(
    driver: Driver, proxy: FaultProxy, fake: SecretManager, count: Count, case: Case
) -> None:
    """Also while ``latest`` is behind what the lost answer was about."""
    await driver.create("made", OTHER, NOTHING)
    fault, behind = case
    fake.set(behind=behind)
    proxy.fail(fault, when=ADDS)
    with pytest.raises(Unavailable):
        await driver.update("made", VALUE, NOTHING)
    again = await driver.update("made", VALUE, NOTHING)
    assert count("made") == 2
    found = await driver.get("made")
    assert (found.version, found.value) == (again.version, VALUE)


async def test_a_write_of_the_cloud_survives_a_lost_answer(
    cloud: Cloud, proxy: FaultProxy, judge: Any, place: str
) -> None:
    await cloud.secrets.put("made", OTHER)
    proxy.fail(LostResponse(), when=ADDS)
    await cloud.secrets.put("made", VALUE)
    proxy.fail(LostResponse(), when=action("CreateSecret"))
    await cloud.secrets.put("new", VALUE)
    proxy.fail(LostResponse(), when=ADDS)
    await cloud.secrets.put("newer", VALUE)
    for name, count in (("made", 2), ("new", 1), ("newer", 1)):
        assert len(list(judge.list_secret_versions(parent=f"{place}{name}"))) == count
        found = judge.access_secret_version(name=f"{place}{name}/versions/latest")
        assert found.payload.data == VALUE.reveal()


async def test_changes_of_the_cloud_survive_a_lost_answer(
    cloud: Cloud, proxy: FaultProxy
) -> None:
    first = await cloud.secrets.put("made", OTHER)
    await cloud.secrets.put("made", VALUE)
    changes: tuple[Callable[[], Awaitable[None]], ...] = (
        lambda: cloud.secrets.annotate("made", tags={"a": "b"}, metadata={"c": "d"}),
        lambda: cloud.secrets.move_stage("made", "blue", first.version),
        lambda: cloud.secrets.move_stage("made", PREVIOUS, None),
    )
    for change in changes:
        proxy.fail(LostResponse(), when=action("UpdateSecret"))
        await change()
    info = await cloud.secrets.describe("made")
    assert (info.tags, info.metadata) == ({"a": "b"}, {"c": "d"})
    assert (await cloud.secrets.get("made", stage="blue")).value == OTHER
    assert actions(proxy).count("UpdateSecret") == 3, "what is done is not done again"


async def test_throttling_is_tried_again_by_the_layers(
    cloud: Cloud, fake: SecretManager
) -> None:
    await cloud.secrets.put("made", VALUE)
    fake.fail({"method": "AccessSecretVersion", "times": 2, "delay": 0.001})
    assert (await cloud.secrets.get("made")).value == VALUE


async def test_the_service_says_how_long_to_wait(driver: Driver, fake: SecretManager) -> None:
    await driver.create("made", VALUE, NOTHING)
    fake.fail({"method": "AccessSecretVersion", "delay": 1.5})
    error = await refused(Throttled, driver.get("made"))
    assert error.retry_after == 1.5


# -- others at the same time


async def test_changes_of_others_are_not_lost(
    driver: Driver, proxy: FaultProxy, judge: Any, place: str
) -> None:
    """Somebody else changes the secret between our look and our change."""
    await driver.create("made", VALUE, Attributes(metadata={"ours": "1"}))
    done: list[Any] = []

    def meanwhile(request: Message) -> bool:
        if action_of(request) == "UpdateSecret" and not done:
            secret = judge.get_secret(name=f"{place}made")
            secret.labels["theirs"] = "kept"
            mask = {"paths": ["labels"]}
            done.append(judge.update_secret(secret=secret, update_mask=mask))
        return False

    proxy.fail(Reset(), when=meanwhile)
    await driver.annotate("made", Attributes(metadata={"ours": "2"}))
    info = await driver.describe("made")
    assert (info.tags, info.metadata) == ({"theirs": "kept"}, {"ours": "2"})
    assert len(done) == 1


async def test_changes_without_end_are_given_up(
    driver: Driver, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("skykeep.providers.gcp.writing.WAITS", (0.0, 0.0, 0.0))
    await driver.create("made", VALUE, NOTHING)
    proxy.fail(says("FAILED_PRECONDITION"), times=None, when=action("UpdateSecret"))
    await refused(Throttled, driver.annotate("made", Attributes(tags={"a": "b"})))
    assert actions(proxy).count("UpdateSecret") == 3


# -- time and TLS


async def test_nothing_outlasts_the_deadline(
    proxy: FaultProxy, prefix: str, environ: dict[str, str]
) -> None:
    environment = Environment(
        primary=settings(endpoint=proxy.address, secret_prefix=prefix),
        retry=RetrySettings(base_seconds=0.0, max_seconds=0.0),
        deadline_seconds=0.3,
    )
    proxy.fail(Silence(), times=None)
    async with Cloud(environment, environ=environ) as cloud:
        for call in (
            cloud.secrets.get("made"),
            cloud.secrets.put("made", VALUE),
            cloud.secrets.describe("made"),
            cloud.secrets.purge("made"),
        ):
            begun = time.monotonic()
            await refused(Unavailable, call)
            assert time.monotonic() - begun < 5, "a guard, far above the deadline"


async def test_a_certificate_that_does_not_fit(
    secret_manager: SecretManager, authority: Authority, prefix: str
) -> None:
    stranger = authority.issue("elsewhere.example")
    with FaultProxy(secret_manager.address, tls=stranger.server()) as proxy:
        made = opened(proxy.address, secret_prefix=prefix, tls={"ca": str(authority.ca)})
        error = await refused(Unavailable, made.create("made", VALUE, NOTHING))
        assert not error.sent
        assert proxy.seen == []
        await made.close()


async def test_a_certificate_of_an_own_authority(
    secret_manager_tls: SecretManager, authority: Authority, prefix: str
) -> None:
    made = opened(
        secret_manager_tls.address, secret_prefix=prefix, tls={"ca": str(authority.ca)}
    )
    await made.create("made", VALUE, NOTHING)
    assert (await made.get("made")).value == VALUE
    await made.close()


async def test_a_wrong_location_is_told(fake: SecretManager, prefix: str) -> None:
    fake.set(location="europe-west1")
    driver = opened(fake.address, secret_prefix=prefix, location="europe-west3")
    error = await refused((Invalid, Denied, NotFound), driver.create("made", VALUE, NOTHING))
    assert not isinstance(error, Conflict)
    await driver.close()


@pytest.mark.parametrize(
    ("date", "there"),
    [
        ("Wed, 21 Oct 2026 07:28:00 GMT", datetime(2026, 10, 21, 7, 28, tzinfo=UTC)),
        ("", None),
        ("yesterday", None),
        ("Wed, 21 Oct 2026 07:28:00", None),
    ],
)
async def test_time_is_told_by_the_service(
    driver: Driver, proxy: FaultProxy, date: str, there: datetime | None
) -> None:
    body = json.dumps({"name": "projects/1/secrets/a"}).encode()
    proxy.fail(Answer(200, body, (("Date", date),)), times=None)
    await driver.look("made")
    expected = there or datetime.now(UTC)
    assert abs(driver.session.now() - expected) < timedelta(minutes=1)


async def test_a_listing_is_filtered_by_the_service(
    driver: Driver, proxy: FaultProxy, prefix: str
) -> None:
    await listed(driver, "db")
    query = parse_qs(proxy.seen[-1].request.target.partition("?")[2])
    assert query["filter"] == [f"name:{prefix.removesuffix('/')}__db__"]
    everything = opened(proxy.address)
    await everything.list("", cursor=None, limit=7)
    assert parse_qs(proxy.seen[-1].request.target.partition("?")[2]) == {"pageSize": ["7"]}
    await everything.close()


async def test_a_listing_that_tells_too_much_is_cut(
    driver: Driver, proxy: FaultProxy, prefix: str
) -> None:
    """The filter goes by what a name contains; whatever else comes is left out."""
    stem = prefix.removesuffix("/")
    ids = [f"{stem}__a", f"x-{stem}__b", f"{stem.upper()}__c", f"{stem}_d"]
    said = {"secrets": [{"name": f"projects/1/secrets/{each}"} for each in ids]}
    proxy.fail(Answer(200, json.dumps(said).encode()), when=action("ListSecrets"))
    page = await driver.list("", cursor=None, limit=10)
    assert [info.name for info in page.items] == ["a"]


async def test_what_a_call_costs(driver: Driver, proxy: FaultProxy) -> None:
    """The quotas of Google: what is read and written with how many calls."""
    await driver.create("made", OTHER, Attributes(tags={"a": "b"}))
    await driver.update("made", VALUE, NOTHING)
    await driver.update("made", VALUE, NOTHING)
    await driver.get("made")
    await driver.get("made", version="1")
    await driver.move_stage("made", "blue", "1")
    await driver.get("made", stage="blue")
    await driver.list("", cursor=None, limit=10)
    assert actions(proxy) == [
        *("CreateSecret", "AddSecretVersion"),
        *("AccessSecretVersion", "AddSecretVersion"),
        "AccessSecretVersion",
        "AccessSecretVersion",
        "AccessSecretVersion",
        *("GetSecretVersion", "GetSecret", "UpdateSecret"),
        "AccessSecretVersion",
        "ListSecrets",
    ]
