"""What goes wrong on the way: nothing is done twice, nothing outlasts its deadline, nothing
shows the value."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from skykeep import Cloud
from skykeep.conformance.cases import names_of, refused, shows_canary
from skykeep.errors import (
    ConfigError,
    Corrupt,
    Denied,
    Invalid,
    NotFound,
    SkykeepError,
    Throttled,
    Unavailable,
)
from skykeep.interfaces.secret_driver import Attributes, SecretDriver
from skykeep.providers.kubernetes.objects import VERSION
from skykeep.settings.model import BreakerSettings, CacheSettings, Environment, RetrySettings
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
from tests.peers.kube import Kube
from tests.providers.kubernetes.going_wrong import OTHER, VALUE, method, methods, query, says
from tests.providers.kubernetes.opening import NOTHING, opened, secret, settings

pytestmark = pytest.mark.asyncio


@pytest_asyncio.fixture
async def driver(
    kube: Kube, proxy: FaultProxy, namespace: str, tmp_path: Path
) -> AsyncIterator[SecretDriver]:
    made = await opened(kube, tmp_path, namespace, endpoint=proxy.address)
    yield made
    await made.close()


@pytest_asyncio.fixture
async def cloud(
    kube: Kube, proxy: FaultProxy, namespace: str, tmp_path: Path
) -> AsyncIterator[Cloud]:
    """All layers above the driver, without waits between tries."""
    (tmp_path / "token").write_text(kube.token)
    environment = Environment(
        primary=settings(
            endpoint=proxy.address, token_file=str(tmp_path / "token"), namespace=namespace
        ),
        cache=CacheSettings(ttl_seconds=0),
        retry=RetrySettings(base_seconds=0.0, max_seconds=0.0),
        breaker=BreakerSettings(failures=0),
    )
    async with Cloud(environment, environ={}) as made:
        yield made


ANSWERS: dict[str, tuple[Fault, type[SkykeepError]]] = {
    "gate-429": (
        Answer(429, b"Too many requests, please try again later.", (("Retry-After", "1"),)),
        Throttled,
    ),
    "throttled-429": (says(429, "TooManyRequests"), Throttled),
    "internal-500": (says(500, "InternalError", "etcdserver: leader changed"), Unavailable),
    "timeout-504": (says(504, "Timeout"), Unavailable),
    "starting-503": (says(503, "ServiceUnavailable"), Unavailable),
    "gateway-502": (Answer(502, b"<html>bad gateway"), Unavailable),
    "moved-307": (Answer(307, b"", (("Location", "http://127.0.0.1:1/"),)), Unavailable),
    "page-404": (Answer(404, b"404 page not found"), Unavailable),
    "page-403": (Answer(403, b"<html>the proxy forbids"), Unavailable),
    "page-200": (Answer(200, b"<html>hello"), Unavailable),
    "half-200": (Answer(200, b'{"data": {"value": "Y2FuYXJ5LTRjMWQ5ZjA3'), Unavailable),
    "empty-200": (Answer(200, b"{}"), Unavailable),
    "status-200": (Answer(200, b'{"kind": "Status"}'), Unavailable),
    "reset": (Reset(), Unavailable),
    "dropped": (Dropped(), Unavailable),
    "truncated": (Truncated(), Unavailable),
    "lost": (LostResponse(), Unavailable),
    "denied": (says(403, "Forbidden", "cannot get resource"), Denied),
    "no API": (
        says(404, "NotFound", "the server could not find the requested resource"),
        ConfigError,
    ),
}


@pytest.mark.parametrize("fault", ANSWERS)
async def test_a_read_that_goes_wrong(
    kube: Kube, driver: SecretDriver, proxy: FaultProxy, fault: str
) -> None:
    await driver.create("made", VALUE, NOTHING)
    answer, kind = ANSWERS[fault]
    reads = (
        lambda: driver.get("made"),
        lambda: driver.describe("made"),
        lambda: driver.list("", cursor=None, limit=10),
    )
    for read in reads:
        proxy.fail(answer)
        already = len(proxy.seen)
        error = await refused(kind, read())
        assert methods(proxy)[already:] == ["GET"], "it is sent once"
        if fault == "gate-429":
            assert isinstance(error, Throttled)
            assert error.retry_after == 1.0
    assert (await driver.get("made")).value == VALUE


async def test_data_that_is_no_base64(
    kube: Kube, driver: SecretDriver, proxy: FaultProxy, namespace: str
) -> None:
    await driver.create("made", VALUE, NOTHING)
    found = secret(kube, namespace, "made")
    found["data"]["value"] += "?"
    proxy.fail(Answer(200, json.dumps(found).encode()), times=2)
    await refused(Corrupt, driver.get("made"))
    await refused(Corrupt, driver.update("made", OTHER, NOTHING))
    assert (await driver.get("made")).value == VALUE


@pytest.mark.parametrize("write", ["create", "update", "update-if", "annotate"])
@pytest.mark.parametrize("fault", ANSWERS)
async def test_a_write_that_goes_wrong_shows_nothing(
    kube: Kube, driver: SecretDriver, proxy: FaultProxy, fault: str, write: str
) -> None:
    answer, kind = ANSWERS[fault]
    first = await driver.create("made", OTHER, NOTHING)
    proxy.fail(answer, when=method("POST", "PATCH"))
    work: dict[str, Callable[[], Awaitable[object]]] = {
        "create": lambda: driver.create("new", VALUE, NOTHING),
        "update": lambda: driver.update("made", VALUE, NOTHING),
        "update-if": lambda: driver.update("made", VALUE, NOTHING, expects=first.version),
        "annotate": lambda: driver.annotate("made", Attributes(tags={"a": "b"})),
    }
    await refused(kind, work[write]())


@pytest.mark.parametrize("fault", [LostResponse(), Truncated(), Dropped(), Reset()])
async def test_a_write_that_is_made_again_makes_one_version(
    kube: Kube, driver: SecretDriver, proxy: FaultProxy, namespace: str, fault: Fault
) -> None:
    first = await driver.create("made", OTHER, NOTHING)
    proxy.fail(fault, when=method("PATCH"))
    await refused(Unavailable, driver.update("made", VALUE, NOTHING, expects=first.version))
    was_done = isinstance(fault, LostResponse | Truncated)
    between = secret(kube, namespace, "made")["metadata"]
    again = await driver.update("made", VALUE, NOTHING)
    after = secret(kube, namespace, "made")["metadata"]
    assert again.changed is not was_done
    assert again.version == after["annotations"][VERSION]
    if was_done:
        assert after["resourceVersion"] == between["resourceVersion"], "nothing was written"


async def test_a_write_of_the_cloud_survives_a_lost_answer(
    kube: Kube, cloud: Cloud, proxy: FaultProxy, namespace: str
) -> None:
    await cloud.secrets.put("made", OTHER)
    proxy.fail(LostResponse(), when=method("PATCH"))
    await cloud.secrets.put("made", VALUE)
    assert methods(proxy).count("PATCH") == 1, "the second try found it done"
    proxy.fail(LostResponse(), when=method("POST"))
    await cloud.secrets.put("new", VALUE, tags={"team": "shop"})
    assert secret(kube, namespace, "new")["metadata"]["labels"] == {"team": "shop"}
    for name in ("made", "new"):
        assert (await cloud.secrets.get(name)).value == VALUE


async def test_a_listing_goes_on_where_its_token_has_expired(
    kube: Kube, driver: SecretDriver, proxy: FaultProxy
) -> None:
    """The server says how: behind the last name, with the state of now."""
    for name in ("a", "b", "c", "d"):
        await driver.create(name, VALUE, NOTHING)
    page = await driver.list("", cursor=None, limit=2)
    await driver.create("e", VALUE, NOTHING)

    assert page.cursor is not None
    await driver.list("", cursor=page.cursor, limit=1)
    [token] = query(proxy.seen[-1].request)["continue"]
    position = json.loads(base64.urlsafe_b64decode(token + "=="))
    assert position.pop("rv") > 0
    anew = base64.urlsafe_b64encode(json.dumps({**position, "rv": -1}).encode())
    proxy.fail(says(410, "Expired", **{"continue": anew.decode().rstrip("=")}))
    rest = await driver.list("", cursor=page.cursor, limit=10)
    assert names_of(page.items) == ["a", "b"]
    assert names_of(rest.items) == ["c", "d", "e"], "what was made meanwhile comes too"
    with pytest.raises(Invalid):  # our own token was not made up of whole cloth
        await driver.list("", cursor=page.cursor[:-8] + "AAAAAAA=", limit=10)


async def test_a_listing_that_cannot_go_on_says_so(
    kube: Kube, driver: SecretDriver, proxy: FaultProxy
) -> None:
    proxy.fail(says(410, "Expired", "The provided continue parameter is too old"))
    error = await refused(Invalid, driver.list("", cursor=None, limit=2))
    assert "begin the listing anew" in str(error)


async def test_throttling_is_tried_again_by_the_layers(
    kube: Kube, cloud: Cloud, proxy: FaultProxy
) -> None:
    await cloud.secrets.put("made", VALUE)
    proxy.fail(says(429, "TooManyRequests"), when=method("GET"), times=2)
    assert (await cloud.secrets.get("made")).value == VALUE


async def test_a_credential_that_is_refused_in_between(
    kube: Kube, driver: SecretDriver, proxy: FaultProxy, tmp_path: Path
) -> None:
    """The file holds the same: it is not sent again and again."""
    await driver.create("made", VALUE, NOTHING)
    proxy.fail(says(401, "Unauthorized", "Unauthorized"), times=None)
    already = len(proxy.seen)
    with pytest.raises(SkykeepError, match="does not know"):
        await driver.get("made")
    assert len(proxy.seen) == already + 1
    proxy.heal()
    assert (await driver.get("made")).value == VALUE


async def test_nothing_outlasts_the_deadline(
    kube: Kube, proxy: FaultProxy, namespace: str, tmp_path: Path
) -> None:
    (tmp_path / "token").write_text(kube.token)
    environment = Environment(
        primary=settings(
            endpoint=proxy.address, token_file=str(tmp_path / "token"), namespace=namespace
        ),
        retry=RetrySettings(base_seconds=0.0, max_seconds=0.0),
        breaker=BreakerSettings(failures=0),
        deadline_seconds=0.3,
    )
    proxy.fail(Silence(), times=None)
    async with Cloud(environment, environ={}) as cloud:
        for call in (
            cloud.secrets.get("made"),
            cloud.secrets.put("made", VALUE),
            cloud.secrets.describe("made"),
            cloud.secrets.purge("made"),
        ):
            begun = time.monotonic()
            await refused(Unavailable, call)
            assert time.monotonic() - begun < 5, "a guard, far above the deadline"


async def test_what_is_cancelled_leaves_a_driver_that_works(
    kube: Kube, driver: SecretDriver, proxy: FaultProxy
) -> None:
    await driver.create("made", OTHER, NOTHING)
    proxy.fail(Silence(), when=method("PATCH"))
    work = asyncio.ensure_future(driver.update("made", VALUE, NOTHING))
    while "PATCH" not in methods(proxy):  # noqa: ASYNC110  (it fills in a thread)
        await asyncio.sleep(0)
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    assert (await driver.get("made")).value == OTHER


async def test_the_value_and_the_token_are_in_no_log(
    kube: Kube, cloud: Cloud, proxy: FaultProxy, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await cloud.secrets.put("made", VALUE)
    proxy.fail(LostResponse(), when=method("PATCH"))
    await cloud.secrets.put("made", OTHER)
    await cloud.secrets.get("made")
    proxy.fail(Truncated(), when=method("GET"), times=None)
    await refused(Unavailable, cloud.secrets.get("made"))
    with pytest.raises(SkykeepError):
        await cloud.secrets.put("made", VALUE)
    proxy.heal()
    await cloud.secrets.purge("made")
    with pytest.raises(NotFound):
        await cloud.secrets.get("made")
    assert not shows_canary(caplog.text)
    assert kube.token not in caplog.text
