"""What goes wrong on the way to Blob Storage: nothing is done twice, nothing outlasts its
deadline, nothing shows the body or a credential."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from skykeep import Cloud
from skykeep.conformance.cases import refused
from skykeep.conformance.objects_cases import body
from skykeep.errors import (
    ConfigError,
    Conflict,
    Corrupt,
    Denied,
    Invalid,
    NotFound,
    SkykeepError,
    Throttled,
    Unauthenticated,
    Unavailable,
    VersionUnavailable,
)
from skykeep.interfaces.object_driver import Condition
from skykeep.interfaces.object_writing import MARK, PART
from skykeep.providers.azure.blob.writing import BlobObjects
from skykeep.settings.model import CacheSettings, Environment, RetrySettings
from tests.peers.blob import ACCOUNT, KEY, Azurite
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
from tests.providers.azure.blob.going_wrong_blob import XML, asks, says, seen
from tests.providers.azure.blob.opening_blob import ENVIRON, opened
from tests.providers.azure.opening import settings

pytestmark = pytest.mark.asyncio

ABSENT = Condition(if_absent=True)
BODY = body("sent")


@pytest.fixture
def proxy(azurite: Azurite) -> Iterator[FaultProxy]:
    with FaultProxy(azurite.server.address) as made:
        yield made


@pytest.fixture
def prefix() -> str:
    return f"faults/{secrets.token_hex(8)}/"


@pytest_asyncio.fixture
async def driver(
    proxy: FaultProxy, azurite: Azurite, prefix: str
) -> AsyncIterator[BlobObjects]:
    made = await opened(
        azurite,
        azurite.shared_container(),
        address=f"{proxy.address}/{ACCOUNT}",
        objects_prefix=prefix,
    )
    yield made
    await made.close()


@pytest_asyncio.fixture
async def cloud(proxy: FaultProxy, azurite: Azurite, prefix: str) -> AsyncIterator[Cloud]:
    """All layers above the driver, without waits between tries."""
    environment = Environment(
        primary=settings(
            storage_account=ACCOUNT,
            container=azurite.shared_container(),
            objects_endpoint=f"{proxy.address}/{ACCOUNT}",
            objects_prefix=prefix,
            account_key_env="STORAGE_KEY",
        ),
        cache=CacheSettings(ttl_seconds=0),
        retry=RetrySettings(base_seconds=0.0, max_seconds=0.0),
    )
    async with Cloud(environment, environ=ENVIRON) as made:
        yield made


ANSWERS: dict[str, tuple[Fault, type[SkykeepError]]] = {
    "busy-503": (says("ServerBusy", 503), Throttled),
    "busy-400": (says("ServerBusy", 400), Throttled),
    "timed-out-500": (says("OperationTimedOut", 500), Unavailable),
    "internal-500": (says("InternalError", 500), Unavailable),
    "no-code-502": (Answer(502, b"<html>bad gateway"), Unavailable),
    "no-code-403": (Answer(403, b"<html>the proxy forbids"), Unavailable),
    "reset": (Reset(), Unavailable),
    "dropped": (Dropped(), Unavailable),
    "lost": (LostResponse(), Unavailable),
    "denied": (says("AuthorizationPermissionMismatch", 403), Denied),
    "firewall": (says("AuthorizationFailure", 403), Denied),
    "wrong-key": (says("AuthenticationFailed", 403), Unauthenticated),
    "gone-container": (says("ContainerNotFound", 404), ConfigError),
    "leased": (says("LeaseIdMissing", 412), Conflict),
    "immutable": (says("BlobImmutableDueToPolicy", 409), Denied),
}


@pytest.mark.parametrize("fault", ANSWERS)
async def test_a_write_that_goes_wrong(
    driver: BlobObjects, proxy: FaultProxy, fault: str
) -> None:
    answer, kind = ANSWERS[fault]
    proxy.fail(answer, when=asks("PUT"))
    error = await refused(kind, driver.write("made", BODY))
    assert seen(proxy) == ["PUT"]
    assert KEY not in f"{error} {error.hint} {vars(error)}"
    if isinstance(answer, Answer):
        await refused(NotFound, driver.head("made"))


@pytest.mark.parametrize("fault", [*ANSWERS, "truncated"])
async def test_a_read_that_goes_wrong(
    driver: BlobObjects, proxy: FaultProxy, fault: str
) -> None:
    await driver.write("made", BODY)
    answer, kind = ANSWERS.get(fault, (Truncated(), Unavailable))
    for work in (driver.read("made"), driver.list("", cursor=None, limit=10)):
        proxy.fail(answer, when=asks("GET"))
        await refused(kind, work)
    assert (await driver.read("made")).data == BODY


@pytest.mark.parametrize("fault", ANSWERS)
async def test_a_head_that_goes_wrong(
    driver: BlobObjects, proxy: FaultProxy, fault: str
) -> None:
    await driver.write("made", BODY)
    answer, kind = ANSWERS[fault]
    if isinstance(answer, Answer):  # to a HEAD there are no words, but the code in a header
        answer = Answer(answer.status, b"", answer.headers)
    proxy.fail(answer, when=asks("HEAD"))
    await refused(kind, driver.head("made"))


@pytest.mark.parametrize("fault", ["busy-503", "internal-500", "reset", "dropped", "lost"])
async def test_what_passes_is_tried_again(cloud: Cloud, proxy: FaultProxy, fault: str) -> None:
    answer, _ = ANSWERS[fault]
    proxy.fail(answer, when=asks("PUT"))
    await cloud.objects.put("made", BODY)
    proxy.fail(answer, when=asks("GET"))
    assert (await cloud.objects.get("made")).data == BODY
    assert seen(proxy) == ["PUT", "PUT", "GET", "GET"]


async def test_a_body_that_breaks_goes_on_where_it_broke(
    cloud: Cloud, proxy: FaultProxy
) -> None:
    data = secrets.token_bytes(3 * PART + 5)
    await cloud.objects.put("large", data)
    proxy.seen.clear()
    proxy.fail(Truncated(), when=lambda request: f"bytes={PART}-".encode() in request.head)
    proxy.fail(Reset(), when=lambda request: f"bytes={2 * PART}-".encode() in request.head)
    assert (await cloud.objects.get("large")).data == data
    # Four ranges, of which two are asked for twice.
    assert seen(proxy) == ["GET"] * 6


@pytest.mark.parametrize("times", [1, 2])
async def test_a_lost_answer_to_a_create_is_no_conflict(
    cloud: Cloud, proxy: FaultProxy, times: int
) -> None:
    proxy.fail(LostResponse(), when=asks("PUT"), times=times)
    info = await cloud.objects.put("made", BODY, if_absent=True)
    assert MARK not in info.metadata
    found = await cloud.objects.get("made")
    assert (found.data, found.info.etag) == (BODY, info.etag)
    assert seen(proxy).count("PUT") == times + 1


async def test_a_lost_answer_to_a_replacement_is_no_conflict(
    cloud: Cloud, proxy: FaultProxy
) -> None:
    first = await cloud.objects.put("made", BODY)
    proxy.fail(LostResponse(), when=asks("PUT"))
    second = await cloud.objects.put("made", body("new"), if_match=first.etag)
    assert (await cloud.objects.get("made")).info.etag == second.etag != first.etag


async def test_a_lost_answer_to_the_end_of_an_upload(cloud: Cloud, proxy: FaultProxy) -> None:
    data = secrets.token_bytes(PART + 1)
    proxy.fail(LostResponse(), when=asks("PUT", "comp=blocklist"))
    info = await cloud.objects.put("large", data, if_absent=True)
    found = await cloud.objects.get("large")
    assert (found.data, found.info.etag) == (data, info.etag)


async def test_a_lost_answer_to_a_part(cloud: Cloud, proxy: FaultProxy) -> None:
    data = secrets.token_bytes(2 * PART + 1)
    proxy.fail(LostResponse(), when=asks("PUT", "comp=block&"), times=2)
    await cloud.objects.put("large", data)
    assert (await cloud.objects.get("large")).data == data


async def test_a_create_that_lost_to_another_is_a_conflict(cloud: Cloud) -> None:
    await cloud.objects.put("made", BODY)
    await refused(Conflict, cloud.objects.put("made", body("new"), if_absent=True))
    assert (await cloud.objects.get("made")).data == BODY


@pytest.mark.parametrize(
    ("code", "status"), [("BlobAlreadyExists", 409), ("ConditionNotMet", 412)]
)
async def test_a_create_is_refused_in_two_ways(
    driver: BlobObjects, proxy: FaultProxy, code: str, status: int
) -> None:
    await driver.write("made", BODY)
    proxy.fail(says(code, status), when=asks("PUT"))
    error = await refused(Conflict, driver.write("made", body("new"), condition=ABSENT))
    assert "already" in str(error)
    assert (await driver.read("made")).data == BODY


async def test_an_upload_that_fails_leaves_nothing_to_collect(
    cloud: Cloud, proxy: FaultProxy
) -> None:
    proxy.fail(says("AuthorizationFailure", 403), when=asks("PUT", "comp=block&"))
    await refused(Denied, cloud.objects.put("large", body(size=2 * PART + 1)))
    driver: BlobObjects = await cloud.objects._primary.driver("objects")
    assert list(await driver.uploads("")) == []
    await refused(NotFound, cloud.objects.head("large"))


async def test_errors_of_a_deletion_of_many_are_told_by_key(
    driver: BlobObjects, proxy: FaultProxy
) -> None:
    for key in ("one", "two", "three"):
        await driver.write(key, BODY)
    proxy.fail(says("AuthorizationFailure", 403), when=asks("DELETE", "/two"))
    errors = await driver.delete_many(["one", "two", "three", "absent"])
    assert {key: type(error) for key, error in errors.items()} == {"two": Denied}
    page = await driver.list("", cursor=None, limit=9)
    assert [item.key for item in page.items] == ["two"]


async def test_an_archived_object_says_how_to_read_it(
    driver: BlobObjects, proxy: FaultProxy
) -> None:
    proxy.fail(says("BlobArchived", 409), when=asks("GET"))
    error = await refused(VersionUnavailable, driver.read("made"))
    assert "set-tier" in error.hint


@pytest.mark.parametrize("skew", [-3600.0, 3600.0])
@pytest.mark.parametrize("first", ["head", "read", "write"])
async def test_a_clock_that_is_wrong_is_corrected(
    driver: BlobObjects, proxy: FaultProxy, skew: float, first: str
) -> None:
    await driver.write("made", BODY)
    driver._container.read = lambda: time.time() + skew
    work: dict[str, Any] = {
        "head": lambda: driver.head("made"),
        "read": lambda: driver.read("made"),
        "write": lambda: driver.write("made", BODY),
    }
    now = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime())
    wrong = says("AuthenticationFailed", 403, date=now)
    proxy.fail(Answer(403, b"", wrong.headers) if first == "head" else wrong)
    proxy.seen.clear()
    await work[first]()
    assert len(proxy.seen) == 2
    assert abs(driver._container.now() - time.time()) < 5
    await work[first]()
    assert len(proxy.seen) == 3


async def test_a_clock_that_is_right_is_not_corrected(
    driver: BlobObjects, proxy: FaultProxy
) -> None:
    now = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime())
    proxy.fail(says("AuthenticationFailed", 403, date=now))
    await refused(Unauthenticated, driver.read("made"))
    assert seen(proxy) == ["GET"]


async def test_a_key_that_was_rotated_is_read_again(
    azurite: Azurite, prefix: str, tmp_path: Path
) -> None:
    file = tmp_path / "key"
    file.write_text("bm90IHRoZSBrZXk=\n")
    driver = await opened(
        azurite,
        azurite.shared_container(),
        objects_prefix=prefix,
        account_key_file=str(file),
    )
    try:
        # Azurite calls a wrong key AuthorizationFailure, Azure AuthenticationFailed.
        await refused(Denied, driver.write("made", BODY))
        file.write_text(f"{KEY}\n")
        await driver.write("made", BODY)
        file.unlink()
        assert (await driver.read("made")).data == BODY
    finally:
        await driver.close()


async def test_a_container_that_is_gone(azurite: Azurite) -> None:
    container = azurite.new_container()
    with azurite.client(container) as client:
        client.delete_container()
    driver = await opened(azurite, container)
    try:
        await refused(ConfigError, driver.head("made"))
        await refused(ConfigError, driver.read("made"))
        await refused(ConfigError, driver.write("made", BODY))
        await refused(ConfigError, driver.list("", cursor=None, limit=1))
    finally:
        await driver.close()


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Answer(200, b"tampered", (("Content-MD5", "A" * 22 + "=="),)), Corrupt),
        (Answer(206, b"other", (("Content-Range", "bytes 5-9/10"),)), Unavailable),
    ],
)
async def test_a_body_that_is_not_what_was_asked_for(
    driver: BlobObjects, proxy: FaultProxy, answer: Answer, kind: type[SkykeepError]
) -> None:
    proxy.fail(answer, when=asks("GET"))
    await refused(kind, driver.read("made"))


async def test_a_body_that_was_damaged_on_its_way_is_refused(
    driver: BlobObjects, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = driver._container.wire.send

    async def damaging(method: str, target: str, *, headers: Any, body: bytes) -> Any:
        return await send(method, target, headers=headers, body=body[:-1] + b"?")

    monkeypatch.setattr(driver._container.wire, "send", damaging)
    await refused(Unavailable, driver.write("made", BODY))
    upload_works = driver.begin_upload  # a record has no checksum of ours, and is JSON
    monkeypatch.undo()
    upload = await upload_works("made")
    monkeypatch.setattr(driver._container.wire, "send", damaging)
    await refused(Unavailable, driver.write_part("made", upload, 1, BODY))
    monkeypatch.undo()
    await refused(NotFound, driver.head("made"))


async def test_a_range_that_is_ignored_is_cut_here(
    driver: BlobObjects, proxy: FaultProxy
) -> None:
    whole = Answer(200, b"0123456789")
    for start, length, expected in ((3, 4, b"3456"), (8, 10, b"89"), (10, 1, b"")):
        proxy.fail(whole, when=asks("GET"))
        assert (await driver.read("made", start=start, length=length)).data == expected
    proxy.fail(whole, when=asks("GET"))
    await refused(Invalid, driver.read("made", start=11, length=1))


@pytest.mark.parametrize(
    "page",
    [
        b"<html>hello",
        b"",
        b'<!DOCTYPE x [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]><EnumerationResults>&b;</x>',
    ],
)
async def test_a_listing_that_is_none(
    driver: BlobObjects, proxy: FaultProxy, page: bytes
) -> None:
    proxy.fail(Answer(200, page, (XML,)), when=asks("GET"))
    await refused(Unavailable, driver.list("", cursor=None, limit=10))


async def test_nothing_outlasts_its_deadline(driver: BlobObjects, proxy: FaultProxy) -> None:
    proxy.fail(Silence(), times=None)
    begun = time.monotonic()
    for work in (driver.read("made"), driver.write("made", BODY), driver.head("made")):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await work
    assert time.monotonic() - begun < 5


async def test_every_request_has_a_version_and_an_id_of_its_own(
    driver: BlobObjects, proxy: FaultProxy
) -> None:
    await driver.write("made", BODY)
    await driver.read("made")
    ids = set()
    for each in proxy.seen:
        lines = each.request.head.lower().split(b"\r\n")
        assert b"x-ms-version: 2024-11-04" in lines
        ids |= {line for line in lines if line.startswith(b"x-ms-client-request-id: ")}
    assert len(ids) == len(proxy.seen) == 2
