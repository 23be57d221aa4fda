"""What goes wrong on the way to S3: nothing is done twice, nothing outlasts its deadline,
nothing shows the body."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
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
)
from skykeep.interfaces.object_driver import Condition
from skykeep.interfaces.object_writing import MARK, PART
from skykeep.providers.aws.credentials import Credentials, Keys
from skykeep.providers.aws.s3.writing import S3Objects
from skykeep.settings.model import CacheSettings, Environment, RetrySettings
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
from tests.peers.s3 import ACCESS_KEY, S3, SECRET_KEY
from tests.providers.aws.going_wrong_s3 import XML, asks, says, seen
from tests.providers.aws.opening import settings
from tests.providers.aws.opening_s3 import ENVIRON, opened

pytestmark = pytest.mark.asyncio

ABSENT = Condition(if_absent=True)
BODY = body("sent")


@pytest.fixture
def proxy(seaweedfs_s3: S3) -> Iterator[FaultProxy]:
    with FaultProxy(seaweedfs_s3.address) as made:
        yield made


@pytest.fixture
def prefix() -> str:
    return f"faults/{secrets.token_hex(8)}/"


@pytest_asyncio.fixture
async def driver(proxy: FaultProxy, seaweedfs_s3: S3, prefix: str) -> AsyncIterator[S3Objects]:
    made = await opened(proxy.address, seaweedfs_s3.shared_bucket(), objects_prefix=prefix)
    yield made
    await made.close()


@pytest_asyncio.fixture
async def cloud(proxy: FaultProxy, seaweedfs_s3: S3, prefix: str) -> AsyncIterator[Cloud]:
    """All layers above the driver, without waits between tries."""
    environment = Environment(
        primary=settings(
            objects_endpoint=proxy.address,
            bucket=seaweedfs_s3.shared_bucket(),
            objects_prefix=prefix,
        ),
        cache=CacheSettings(ttl_seconds=0),
        retry=RetrySettings(base_seconds=0.0, max_seconds=0.0),
    )
    async with Cloud(environment, environ=ENVIRON) as made:
        yield made


ANSWERS: dict[str, tuple[Fault, type[SkykeepError]]] = {
    "slow-down": (says("SlowDown", 503), Throttled),
    "slow-down-400": (says("SlowDown", 400), Throttled),
    "internal-500": (says("InternalError", 500), Unavailable),
    "unavailable-503": (says("ServiceUnavailable", 503), Unavailable),
    "no-code-502": (Answer(502, b"<html>bad gateway"), Unavailable),
    "no-code-403": (Answer(403, b"<html>the proxy forbids"), Unavailable),
    "reset": (Reset(), Unavailable),
    "dropped": (Dropped(), Unavailable),
    "lost": (LostResponse(), Unavailable),
    "denied": (says("AccessDenied", 403), Denied),
    "unknown-key": (says("InvalidAccessKeyId", 403), Unauthenticated),
    "gone-bucket": (says("NoSuchBucket", 404), ConfigError),
    "wrong-region": (
        says("PermanentRedirect", 301, x_amz_bucket_region="eu-west-1"),
        ConfigError,
    ),
    "race": (says("ConditionalRequestConflict", 409), Throttled),
}


@pytest.mark.parametrize("fault", ANSWERS)
async def test_a_write_that_goes_wrong(
    driver: S3Objects, proxy: FaultProxy, fault: str
) -> None:
    answer, kind = ANSWERS[fault]
    proxy.fail(answer, when=asks("PUT"))
    error = await refused(kind, driver.write("made", BODY))
    assert seen(proxy) == ["PUT"]
    if isinstance(answer, Answer):
        await refused(NotFound, driver.head("made"))
    if fault == "wrong-region":
        assert "in eu-west-1, not in us-east-1" in str(error)


@pytest.mark.parametrize("fault", [*ANSWERS, "truncated"])
async def test_a_read_that_goes_wrong(driver: S3Objects, proxy: FaultProxy, fault: str) -> None:
    await driver.write("made", BODY)
    answer, kind = ANSWERS.get(fault, (Truncated(), Unavailable))
    for work in (driver.read("made"), driver.list("", cursor=None, limit=10)):
        proxy.fail(answer, when=asks("GET"))
        await refused(kind, work)
    assert (await driver.read("made")).data == BODY


@pytest.mark.parametrize("fault", [name for name in ANSWERS if name != "no-code-502"])
async def test_a_head_that_goes_wrong_says_why(
    driver: S3Objects, proxy: FaultProxy, fault: str
) -> None:
    await driver.write("made", BODY)
    answer, kind = ANSWERS[fault]
    if isinstance(answer, Answer):  # to a HEAD there are no words
        proxy.fail(Answer(answer.status, b"", answer.headers), when=asks("HEAD"))
        if answer.status == 404:
            kind = NotFound  # the bucket has answered a moment ago
    proxy.fail(answer, when=asks("GET"))
    if not isinstance(answer, Answer):
        proxy.fail(answer, when=asks("HEAD"))
    await refused(kind, driver.head("made"))


@pytest.mark.parametrize("fault", ["slow-down", "internal-500", "reset", "dropped", "lost"])
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


async def test_a_create_that_lost_to_another_is_a_conflict(
    cloud: Cloud, proxy: FaultProxy
) -> None:
    await cloud.objects.put("made", BODY)
    await refused(Conflict, cloud.objects.put("made", body("new"), if_absent=True))
    assert (await cloud.objects.get("made")).data == BODY


async def test_a_race_is_tried_again_and_not_reported(cloud: Cloud, proxy: FaultProxy) -> None:
    proxy.fail(says("ConditionalRequestConflict", 409), when=asks("PUT"))
    await cloud.objects.put("made", BODY, if_absent=True)
    assert seen(proxy) == ["PUT", "PUT"]


async def test_an_upload_that_fails_leaves_no_parts(cloud: Cloud, proxy: FaultProxy) -> None:
    proxy.fail(says("AccessDenied", 403), when=asks("PUT", "partNumber=2"))
    await refused(Denied, cloud.objects.put("large", body(size=2 * PART + 1)))
    driver: S3Objects = await cloud.objects._primary.driver("objects")
    assert list(await driver.uploads("")) == []
    await refused(NotFound, cloud.objects.head("large"))


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("InternalError", Unavailable),
        ("SlowDown", Throttled),
        ("PreconditionFailed", Conflict),
        ("ConditionalRequestConflict", Conflict),
        ("NoSuchUpload", NotFound),
    ],
)
async def test_an_error_in_a_completion_that_says_200(
    driver: S3Objects, proxy: FaultProxy, code: str, kind: type[SkykeepError]
) -> None:
    upload = await driver.begin_upload("made")
    part = await driver.write_part("made", upload, 1, BODY)
    # It begins with the blanks that S3 sends to keep the connection.
    answer = says(code, 200)
    proxy.fail(Answer(200, b"  \n" + answer.body, (XML,)), when=asks("POST", "uploadId"))
    await refused(kind, driver.complete_upload("made", upload, [part], ABSENT))
    await refused(NotFound, driver.head("made"))
    await driver.complete_upload("made", upload, [part], ABSENT)


async def test_an_error_in_a_copy_that_says_200(driver: S3Objects, proxy: FaultProxy) -> None:
    await driver.write("made", BODY)
    proxy.fail(says("InternalError", 200), when=asks("PUT"))
    await refused(Unavailable, driver.copy("made", "copied"))
    await refused(NotFound, driver.head("copied"))


async def test_errors_of_a_deletion_of_many_are_told_by_key(
    driver: S3Objects, proxy: FaultProxy, prefix: str
) -> None:
    said = (
        f"<DeleteResult><Error><Key>{prefix}b</Key><Code>AccessDenied</Code>"
        "<Message>no</Message></Error></DeleteResult>"
    )
    proxy.fail(Answer(200, said.encode(), (XML,)), when=asks("POST", "delete"))
    errors = await driver.delete_many(["a", "b"])
    assert {key: type(error) for key, error in errors.items()} == {"b": Denied}


@pytest.mark.parametrize("skew", [-3600.0, 3600.0])
@pytest.mark.parametrize("first", ["head", "read", "write"])
async def test_a_clock_that_is_wrong_is_corrected(
    driver: S3Objects, proxy: FaultProxy, skew: float, first: str
) -> None:
    await driver.write("made", BODY)
    driver._bucket.clock.read = lambda: time.time() + skew
    work: dict[str, Any] = {
        "head": lambda: driver.head("made"),
        "read": lambda: driver.read("made"),
        "write": lambda: driver.write("made", BODY),
    }
    proxy.seen.clear()
    await work[first]()
    assert len(proxy.seen) == 2
    await work[first]()
    assert len(proxy.seen) == 3


async def test_keys_that_end_are_found_anew(driver: S3Objects, proxy: FaultProxy) -> None:
    found = [Keys("OLD", "old"), Keys(ACCESS_KEY, SECRET_KEY)]
    driver._bucket._credentials = Credentials(lambda *, anew: found[1] if anew else found[0])
    old = lambda request: b"Credential=OLD/" in request.head  # noqa: E731
    proxy.fail(says("ExpiredToken", 400), when=old, times=None)
    await driver.write("made", BODY)
    assert seen(proxy) == ["PUT", "PUT"]


async def test_keys_that_end_are_found_anew_by_a_head(
    driver: S3Objects, proxy: FaultProxy
) -> None:
    info = await driver.write("made", BODY)
    found = [Keys("OLD", "old"), Keys(ACCESS_KEY, SECRET_KEY)]
    driver._bucket._credentials = Credentials(lambda *, anew: found[1] if anew else found[0])

    def old(method: str) -> Any:
        def is_one(request: Message) -> bool:
            return request.method == method and b"Credential=OLD/" in request.head

        return is_one

    proxy.fail(Answer(400), when=old("HEAD"), times=None)
    proxy.fail(says("ExpiredToken", 400), when=old("GET"), times=None)
    assert (await driver.head("made")).etag == info.etag
    assert (await driver.head("made")).size == len(BODY)


async def test_a_bucket_that_is_gone(seaweedfs_s3: S3) -> None:
    bucket = seaweedfs_s3.new_bucket()
    with closing(seaweedfs_s3.client()) as client:
        client.delete_bucket(Bucket=bucket)
    driver = await opened(seaweedfs_s3, bucket)
    try:
        await refused(ConfigError, driver.head("made"))
        await refused(ConfigError, driver.read("made"))
        await refused(ConfigError, driver.list("", cursor=None, limit=1))
    finally:
        await driver.close()


async def test_a_bucket_is_asked_for_once(driver: S3Objects, proxy: FaultProxy) -> None:
    for _ in range(3):
        await refused(NotFound, driver.head("absent"))
    assert seen(proxy) == ["HEAD"] * 4


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Answer(200, b"tampered", (("x-amz-checksum-sha256", "A" * 43 + "="),)), Corrupt),
        (Answer(206, b"other", (("Content-Range", "bytes 5-9/10"),)), Unavailable),
    ],
)
async def test_a_body_that_is_not_what_was_asked_for(
    driver: S3Objects, proxy: FaultProxy, answer: Answer, kind: type[SkykeepError]
) -> None:
    proxy.fail(answer, when=asks("GET"))
    await refused(kind, driver.read("made"))


async def test_a_range_that_is_ignored_is_cut_here(
    driver: S3Objects, proxy: FaultProxy
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
        b'<!DOCTYPE x [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]><Result>&b;</Result>',
    ],
)
async def test_a_listing_that_is_none(
    driver: S3Objects, proxy: FaultProxy, page: bytes
) -> None:
    proxy.fail(Answer(200, page, (XML,)), when=asks("GET"))
    await refused(Unavailable, driver.list("", cursor=None, limit=10))


async def test_nothing_outlasts_its_deadline(driver: S3Objects, proxy: FaultProxy) -> None:
    proxy.fail(Silence(), times=None)
    begun = time.monotonic()
    for work in (driver.read("made"), driver.write("made", BODY), driver.head("made")):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await work
    assert time.monotonic() - begun < 5
