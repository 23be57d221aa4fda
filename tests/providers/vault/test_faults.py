"""What goes wrong on the way: nothing is done twice, nothing outlasts its deadline, nothing
shows the value."""

from __future__ import annotations

import asyncio
import json
import logging
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import pytest
import pytest_asyncio

from skykeep import Cloud
from skykeep.conformance.cases import CANARY, refused, shows_canary
from skykeep.errors import (
    ConfigError,
    Conflict,
    Denied,
    NotFound,
    SkykeepError,
    Throttled,
    Unavailable,
)
from skykeep.interfaces.secret_driver import Attributes, SecretDriver
from skykeep.interfaces.secret_value import SecretValue
from skykeep.settings.model import BreakerSettings, CacheSettings, Environment, RetrySettings
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
    When,
)
from tests.peers.messages import Message
from tests.peers.openbao import OpenBao
from tests.providers.vault.opening import opened, settings

pytestmark = pytest.mark.asyncio
NOTHING = Attributes()
VALUE = SecretValue(CANARY + b" value")
OTHER = SecretValue(CANARY + b" other")
both = pytest.mark.parametrize("version", [1, 2])


def says(status: int, *errors: str, **headers: str) -> Answer:
    """An error of Vault."""
    fields = tuple((name.replace("_", "-"), text) for name, text in headers.items())
    return Answer(status, json.dumps({"errors": list(errors)}).encode(), fields)


def method(*names: str) -> When:
    """Requests with these methods."""
    return lambda request: request.head.split(b" ", 1)[0].decode() in names


def methods(proxy: FaultProxy) -> list[str]:
    """What came through, in order."""
    return [seen.request.head.split(b" ", 1)[0].decode() for seen in proxy.seen]


def part(name: str, *names: str) -> When:
    """Requests with these methods to a part of KV 2."""

    def is_one(request: Message) -> bool:
        return method(*names)(request) and f"/{name}/".encode() in request.head.split(b" ")[1]

    return is_one


@pytest.fixture
def version() -> int:
    return 2


@pytest.fixture
def mount(openbao: OpenBao, version: int) -> str:
    return openbao.kv(version)


@pytest.fixture
def proxy(openbao: OpenBao) -> Iterator[FaultProxy]:
    with FaultProxy(openbao.address) as made:
        yield made


@pytest_asyncio.fixture
async def driver(
    openbao: OpenBao, proxy: FaultProxy, mount: str, version: int
) -> AsyncIterator[SecretDriver]:
    made = await opened(openbao, mount, address=proxy.address, kv=version)
    yield made
    await made.close()


@pytest_asyncio.fixture
async def cloud(
    openbao: OpenBao, proxy: FaultProxy, mount: str, version: int
) -> AsyncIterator[Cloud]:
    """All layers above the driver, without waits between tries."""
    environment = Environment(
        primary=settings(address=proxy.address, mount=mount, kv=version),
        cache=CacheSettings(ttl_seconds=0),
        retry=RetrySettings(base_seconds=0.0, max_seconds=0.0),
        breaker=BreakerSettings(failures=0),
    )
    async with Cloud(environment, environ={"VAULT_TOKEN": openbao.token}) as made:
        yield made


def versions(openbao: OpenBao, mount: str, name: str) -> list[int]:
    found = openbao.call("GET", f"{mount}/metadata/{name}")["data"]["versions"]
    return sorted(map(int, found))


ANSWERS: dict[str, tuple[Fault, type[SkykeepError]]] = {
    "quota-429": (says(429, "rate limit quota exceeded"), Throttled),
    "balancer-429": (Answer(429, b"slow down"), Throttled),
    "sealed-503": (says(503, "Vault is sealed"), Unavailable),
    "internal-500": (says(500, "internal error"), Unavailable),
    "stale-412": (says(412, "required index state not present"), Unavailable),
    "secondary-472": (Answer(472), Unavailable),
    "standby-473": (Answer(473), Unavailable),
    "standby-307": (
        Answer(307, b"", (("Location", "http://127.0.0.1:1/v1/x"),)),
        Unavailable,
    ),
    "gateway-502": (Answer(502, b"<html>bad gateway"), Unavailable),
    "page-404": (Answer(404, b"<html>no such page"), Unavailable),
    "page-403": (Answer(403, b"<html>the proxy forbids"), Unavailable),
    "page-200": (Answer(200, b"<html>hello"), Unavailable),
    "half-200": (Answer(200, b'{"data": {"value": "canary-4c1d'), Unavailable),
    "empty-200": (Answer(200, b"{}"), Unavailable),
    "reset": (Reset(), Unavailable),
    "dropped": (Dropped(), Unavailable),
    "truncated": (Truncated(), Unavailable),
    "lost": (LostResponse(), Unavailable),
    "denied": (says(403, "1 error occurred:\n\t* permission denied\n\n"), Denied),
    "no route": (says(404, 'no handler for route "x". route entry not found.'), ConfigError),
}
WRITTEN_WITHOUT_LOOKING = {"page-200", "half-200", "empty-200", "truncated"}
"""What nobody reads after writes of KV 1 and of metadata: their answer is 204, no body."""


@both
@pytest.mark.parametrize("fault", ANSWERS)
async def test_a_read_that_goes_wrong(
    openbao: OpenBao, driver: SecretDriver, proxy: FaultProxy, fault: str
) -> None:
    await driver.create("made", VALUE, NOTHING)
    answer, kind = ANSWERS[fault]
    proxy.fail(answer, when=method("GET"))
    before = len(proxy.seen)
    await refused(kind, driver.get("made"))
    sent = methods(proxy)[before:]
    # A refusal that is not Vault's says nothing of the token: that is asked about.
    assert sent == (["GET", "GET"] if fault == "page-403" else ["GET"]), "it is sent once"
    assert (await driver.get("made")).value == VALUE


@pytest.mark.parametrize(
    ("write", "fault"),
    [
        (write, fault)
        for write in ("create", "update", "update-if", "annotate")
        for fault in ANSWERS
        if write != "annotate" or fault not in WRITTEN_WITHOUT_LOOKING
    ],
)
async def test_a_write_that_goes_wrong_shows_nothing(
    openbao: OpenBao, driver: SecretDriver, proxy: FaultProxy, fault: str, write: str
) -> None:
    answer, kind = ANSWERS[fault]
    first = await driver.create("made", OTHER, NOTHING)
    proxy.fail(answer, when=method("POST"))
    work: dict[str, Callable[[], Awaitable[object]]] = {
        "create": lambda: driver.create("new", VALUE, NOTHING),
        "update": lambda: driver.update("made", VALUE, NOTHING),
        "update-if": lambda: driver.update("made", VALUE, NOTHING, expects=first.version),
        "annotate": lambda: driver.annotate("made", Attributes(tags={"a": "b"})),
    }
    await refused(kind, work[write]())


@pytest.mark.parametrize("version", [1])
@pytest.mark.parametrize("fault", sorted(ANSWERS.keys() - WRITTEN_WITHOUT_LOOKING))
async def test_so_does_one_of_kv_1(
    openbao: OpenBao, driver: SecretDriver, proxy: FaultProxy, fault: str
) -> None:
    answer, kind = ANSWERS[fault]
    proxy.fail(answer, when=method("POST"))
    await refused(kind, driver.create("new", VALUE, NOTHING))


@pytest.mark.parametrize("fault", [LostResponse(), Truncated(), Dropped(), Reset()])
async def test_a_write_that_is_made_again_makes_one_version(
    openbao: OpenBao, driver: SecretDriver, proxy: FaultProxy, mount: str, fault: Fault
) -> None:
    await driver.create("made", OTHER, NOTHING)
    proxy.fail(fault, when=part("data", "POST"))
    await refused(Unavailable, driver.update("made", VALUE, NOTHING))
    again = await driver.update("made", VALUE, NOTHING)
    assert again.version == "2"
    assert versions(openbao, mount, "made") == [1, 2]


async def test_a_write_of_the_cloud_survives_a_lost_answer(
    openbao: OpenBao, cloud: Cloud, proxy: FaultProxy, mount: str
) -> None:
    await cloud.secrets.put("made", OTHER)
    proxy.fail(LostResponse(), when=part("data", "POST"))
    await cloud.secrets.put("made", VALUE)
    assert versions(openbao, mount, "made") == [1, 2]
    proxy.fail(LostResponse(), when=part("data", "POST"))
    await cloud.secrets.put("new", VALUE, tags={"team": "shop"})
    assert versions(openbao, mount, "new") == [1]
    about = openbao.call("GET", f"{mount}/metadata/new")["data"]
    assert about["custom_metadata"] == {"team": "shop"}
    for name in ("made", "new"):
        assert (await cloud.secrets.get(name)).value == VALUE


async def test_the_tags_come_after_a_write_whose_end_was_lost(
    openbao: OpenBao, cloud: Cloud, proxy: FaultProxy, mount: str
) -> None:
    proxy.fail(Reset(), when=part("metadata", "POST"))
    await cloud.secrets.put("new", VALUE, tags={"team": "shop"})
    assert versions(openbao, mount, "new") == [1]
    assert (await cloud.secrets.describe("new")).tags == {"team": "shop"}


async def test_others_write_between_our_look_and_our_write(
    openbao: OpenBao, driver: SecretDriver, proxy: FaultProxy, mount: str
) -> None:
    """Each of the two is a version; with a condition, ours is refused."""
    await driver.create("made", OTHER, NOTHING)
    theirs = iter(["two", "four"])

    def meanwhile(request: Message) -> bool:
        if part("data", "POST")(request):
            text = next(theirs, None)
            if text is not None:
                openbao.call("POST", f"{mount}/data/made", {"data": {"value": text}})
        return False

    proxy.fail(Reset(), when=meanwhile, times=None)
    ours = await driver.update("made", VALUE, NOTHING)
    assert ours.version == "4", "both of theirs were seen, and written over knowingly"
    theirs = iter(["five"])
    await refused(Conflict, driver.update("made", OTHER, NOTHING, expects="4"))
    found = openbao.call("GET", f"{mount}/data/made")["data"]
    assert found["data"] == {"value": "five"}


@both
async def test_throttling_is_tried_again_by_the_layers(
    openbao: OpenBao, cloud: Cloud, proxy: FaultProxy
) -> None:
    await cloud.secrets.put("made", VALUE)
    proxy.fail(says(429, "rate limit quota exceeded"), when=method("GET"), times=2)
    assert (await cloud.secrets.get("made")).value == VALUE


@both
async def test_nothing_outlasts_the_deadline(
    openbao: OpenBao, proxy: FaultProxy, mount: str, version: int
) -> None:
    environment = Environment(
        primary=settings(address=proxy.address, mount=mount),
        retry=RetrySettings(base_seconds=0.0, max_seconds=0.0),
        breaker=BreakerSettings(failures=0),
        deadline_seconds=0.3,
    )
    proxy.fail(Silence(), times=None)
    async with Cloud(environment, environ={"VAULT_TOKEN": openbao.token}) as cloud:
        for call in (
            cloud.secrets.get("made"),
            cloud.secrets.put("made", VALUE),
            cloud.secrets.describe("made"),
            cloud.secrets.purge("made"),
        ):
            begun = time.monotonic()
            await refused(Unavailable, call)
            assert time.monotonic() - begun < 5, "a guard, far above the deadline"


@both
async def test_what_is_cancelled_leaves_a_driver_that_works(
    openbao: OpenBao, driver: SecretDriver, proxy: FaultProxy
) -> None:
    await driver.create("made", OTHER, NOTHING)
    proxy.fail(Silence(), when=method("POST"))
    before = len(proxy.seen)
    work = asyncio.ensure_future(driver.update("made", VALUE, NOTHING))
    while "POST" not in methods(proxy)[before:]:  # noqa: ASYNC110  (it fills in a thread)
        await asyncio.sleep(0)
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    assert (await driver.get("made")).value == OTHER


async def test_a_certificate_of_nobody_we_trust(
    openbao_tls: OpenBao, authority: Authority, tmp_path: Any
) -> None:
    stranger = Authority(tmp_path, "another")
    for ca in (None, str(stranger.ca)):
        given: dict[str, Any] = {"tls": {"ca": ca}} if ca else {}
        error = await refused(Unavailable, opened(openbao_tls, "secret", **given))
        assert "authority" in str(error)


async def test_a_certificate_for_another_name(
    openbao: OpenBao, authority: Authority, mount: str
) -> None:
    with FaultProxy(openbao.address, tls=authority.issue("vault.example").server()) as proxy:
        made = await opened(
            openbao, mount, address=proxy.address, kv=2, tls={"ca": str(authority.ca)}
        )
        error = await refused(Unavailable, made.get("a"))
        assert "another name" in str(error)
        assert not proxy.seen, "the token was not sent"
        await made.close()


async def test_over_tls(openbao_tls: OpenBao, authority: Authority) -> None:
    made = await opened(openbao_tls, openbao_tls.kv(2), tls={"ca": str(authority.ca)})
    await made.create("a", VALUE, NOTHING)
    assert (await made.get("a")).value == VALUE
    await made.close()


@both
async def test_the_value_and_the_token_are_in_no_log(
    openbao: OpenBao, cloud: Cloud, proxy: FaultProxy, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    name = f"made-{uuid.uuid4()}"
    await cloud.secrets.put(name, VALUE)
    proxy.fail(LostResponse(), when=method("POST"))
    await cloud.secrets.put(name, OTHER)
    await cloud.secrets.get(name)
    proxy.fail(Truncated(), when=method("GET"), times=None)
    await refused(Unavailable, cloud.secrets.get(name))
    with pytest.raises(SkykeepError):
        await cloud.secrets.put(name, VALUE)
    proxy.heal()
    await cloud.secrets.purge(name)
    with pytest.raises(NotFound):
        await cloud.secrets.get(name)
    assert not shows_canary(caplog.text)
    assert openbao.token not in caplog.text
