"""What goes wrong on the way to Cloud Storage: nothing is done twice, nothing outlasts its
deadline, nothing shows the body."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from typing import Any

import pytest

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
from skykeep.providers.gcp.storage.driver import CloudStorage as Driver
from tests.peers.fakes.cloud_storage import TOKEN, CloudStorage
from tests.peers.fakes.cloud_storage_state import Bucket
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
from tests.providers.gcp.storage.going_wrong import asks, says, says_xml, seen
from tests.providers.gcp.storage.opening import Signing, opened

pytestmark = pytest.mark.asyncio

ABSENT = Condition(if_absent=True)
BODY = body("sent")

WRITES: dict[str, tuple[Fault, type[SkykeepError]]] = {
    "rate-429": (says("rateLimitExceeded", 429), Throttled),
    "rate-403": (says("userRateLimitExceeded", 403), Throttled),
    "internal-500": (says("internalError", 500), Unavailable),
    "backend-503": (says("backendError", 503), Unavailable),
    "no-word-502": (Answer(502, b"<html>bad gateway"), Unavailable),
    "no-word-403": (Answer(403, b"<html>the proxy forbids"), Unavailable),
    "broken-408": (says("uploadBrokenConnection", 408), Unavailable),
    "reset": (Reset(), Unavailable),
    "dropped": (Dropped(), Unavailable),
    "lost": (LostResponse(), Unavailable),
    "truncated": (Truncated(), Unavailable),
    "denied": (says("forbidden", 403), Denied),
    "gone-bucket": (says("notFound", 404, "The specified bucket does not exist."), ConfigError),
    "too-large": (says("uploadTooLarge", 413), Invalid),
    "not-json": (Answer(200, b"<html>welcome"), Unavailable),
    "another": (Answer(200, b'{"size": "1", "generation": "1"}'), Unavailable),
    "nothing": (Answer(200, b"{}"), Unavailable),
    "elsewhere-307": (
        Answer(307, b"", (("Location", "https://elsewhere.test/"),)),
        Unavailable,
    ),
    "resume-308": (Answer(308, b""), Unavailable),
}
EMPTY_PAGES = {"another", "nothing"}
"""To a listing."""
READS: dict[str, tuple[Fault, type[SkykeepError]]] = {
    "slow-down": (says_xml("SlowDown", 503), Throttled),
    "rate-429": (says_xml("SlowDown", 429), Throttled),
    "internal-500": (says_xml("InternalError", 500), Unavailable),
    "unavailable-503": (says_xml("ServiceUnavailable", 503), Unavailable),
    "no-word-502": (Answer(502, b"<html>bad gateway"), Unavailable),
    "no-word-403": (Answer(403, b"<html>the proxy forbids"), Unavailable),
    "reset": (Reset(), Unavailable),
    "dropped": (Dropped(), Unavailable),
    "lost": (LostResponse(), Unavailable),
    "denied": (says_xml("AccessDenied", 403), Denied),
    "gone-bucket": (says_xml("NoSuchBucket", 404), ConfigError),
    "no-word-404": (Answer(404, b"the proxy knows no such place"), Unavailable),
}


@pytest.mark.parametrize("fault", WRITES)
async def test_a_write_that_goes_wrong(driver: Driver, proxy: FaultProxy, fault: str) -> None:
    answer, kind = WRITES[fault]
    proxy.fail(answer, when=asks("POST"))
    await refused(kind, driver.write("made", BODY))
    assert seen(proxy) == ["POST"]
    if isinstance(answer, Answer):
        await refused(NotFound, driver.head("made"))


@pytest.mark.parametrize("fault", [*READS, "truncated"])
async def test_a_read_that_goes_wrong(driver: Driver, proxy: FaultProxy, fault: str) -> None:
    await driver.write("made", BODY)
    answer, kind = READS.get(fault, (Truncated(), Unavailable))
    proxy.fail(answer, when=asks("GET"))
    await refused(kind, driver.read("made"))
    assert (await driver.read("made")).data == BODY


@pytest.mark.parametrize("fault", sorted(set(WRITES) - {"too-large", *EMPTY_PAGES}))
async def test_a_listing_that_goes_wrong(driver: Driver, proxy: FaultProxy, fault: str) -> None:
    answer, kind = WRITES[fault]
    proxy.fail(answer, when=asks("GET"))
    await refused(kind, driver.list("", cursor=None, limit=10))


@pytest.mark.parametrize("fault", [name for name in READS if name != "no-word-502"])
async def test_a_head_that_goes_wrong_says_why(
    driver: Driver, proxy: FaultProxy, fault: str
) -> None:
    await driver.write("made", BODY)
    answer, kind = READS[fault]
    if isinstance(answer, Answer):  # to a HEAD there are no words
        proxy.fail(Answer(answer.status, b"", answer.headers), when=asks("HEAD"))
        if answer.status == 404:
            kind = NotFound  # the bucket has answered a moment ago
    else:
        proxy.fail(answer, when=asks("HEAD"))
    proxy.fail(answer, when=asks("GET"))
    await refused(kind, driver.head("made"))


@pytest.mark.parametrize("fault", ["rate-429", "internal-500", "reset", "dropped", "lost"])
async def test_what_passes_is_tried_again(cloud: Cloud, proxy: FaultProxy, fault: str) -> None:
    proxy.fail(WRITES[fault][0], when=asks("POST"))
    await cloud.objects.put("made", BODY)
    proxy.fail(READS[fault][0], when=asks("GET"))
    assert (await cloud.objects.get("made")).data == BODY
    assert seen(proxy) == ["POST", "POST", "GET", "GET"]


async def test_a_body_that_breaks_goes_on_where_it_broke(
    cloud: Cloud, proxy: FaultProxy
) -> None:
    data = secrets.token_bytes(3 * PART + 5)
    await cloud.objects.put("large", data)
    proxy.seen.clear()
    proxy.fail(Truncated(), when=lambda request: f"bytes={PART}-".encode() in request.head)
    proxy.fail(Reset(), when=lambda request: f"bytes={2 * PART}-".encode() in request.head)
    assert (await cloud.objects.get("large")).data == data
    # Four ranges, of which two are asked for twice; all but the first under its etag.
    assert seen(proxy) == ["GET"] * 6
    for name in (b"x-goog-if-generation-match: ", b"x-goog-if-metageneration-match: "):
        assert [name in each.request.head for each in proxy.seen] == [False] + [True] * 5


@pytest.mark.parametrize("times", [1, 2])
async def test_a_lost_answer_to_a_create_is_no_conflict(
    cloud: Cloud, proxy: FaultProxy, bucket: Bucket, times: int
) -> None:
    proxy.fail(LostResponse(), when=asks("POST"), times=times)
    info = await cloud.objects.put("made", BODY, if_absent=True)
    assert MARK not in info.metadata
    assert seen(proxy).count("POST") == times + 1
    found = await cloud.objects.get("made")
    assert (found.data, found.info.etag) == (BODY, info.etag)
    assert [MARK in each.resource["metadata"] for each in bucket.objects.values()] == [True]


async def test_a_lost_answer_to_a_replacement_is_no_conflict(
    cloud: Cloud, proxy: FaultProxy
) -> None:
    first = await cloud.objects.put("made", BODY)
    proxy.fail(LostResponse(), when=asks("POST"))
    second = await cloud.objects.put("made", body("new"), if_match=first.etag)
    assert (await cloud.objects.get("made")).info.etag == second.etag != first.etag


async def test_a_create_that_lost_to_another_is_a_conflict(
    cloud: Cloud, proxy: FaultProxy
) -> None:
    await cloud.objects.put("made", BODY)
    await refused(Conflict, cloud.objects.put("made", body("new"), if_absent=True))
    assert (await cloud.objects.get("made")).data == BODY


async def test_a_body_that_is_damaged_on_its_way_is_sent_again(
    cloud: Cloud, proxy: FaultProxy, storage: CloudStorage
) -> None:
    said = 'Provided CRC32C "AAAAAA==" doesn\'t match calculated CRC32C "n03x6A==".'
    proxy.fail(says("invalid", 400, said), when=asks("POST"))
    await cloud.objects.put("made", BODY)
    assert seen(proxy) == ["POST", "POST"]


async def test_the_checksum_of_every_body_is_compared(
    driver: Driver, storage: CloudStorage, proxy: FaultProxy
) -> None:
    await driver.write("made", BODY)
    upload = await driver.begin_upload("large")
    await driver.write_part("large", upload, 1, BODY)
    sent = [each.body for each in storage.asked if each.method == "POST"]
    assert [b'"crc32c":"' in each for each in sent] == [True, True, False]
    driver._crc = lambda data: 1
    await refused(Unavailable, driver.write("made", BODY))  # the service compares
    await refused(Unavailable, driver.write_part("large", upload, 1, BODY))  # we do


async def test_a_token_that_ends_is_got_anew_once(
    storage: CloudStorage, bucket: Bucket, proxy: FaultProxy
) -> None:
    tokens = Signing("ya29.ended", TOKEN)
    driver = opened(proxy.address, bucket.name, tokens)
    await driver.write("made", BODY)
    assert (tokens.asked, seen(proxy)) == (1, ["POST", "POST"])
    tokens.current = "ya29.ended"
    assert (await driver.head("made")).size == len(BODY)
    tokens.current = tokens.other = "ya29.ended"
    await refused(Unauthenticated, driver.read("made"))
    await refused(Unauthenticated, driver.head("made"))
    await driver.close()


async def test_the_quota_project_is_named(
    storage: CloudStorage, bucket: Bucket, proxy: FaultProxy
) -> None:
    tokens = Signing()
    tokens.quota_project = "billing"
    driver = opened(proxy.address, bucket.name, tokens)
    await driver.write("made", BODY)
    await driver.close()
    assert b"X-Goog-User-Project: billing" in proxy.seen[-1].request.head


async def test_a_bucket_that_is_gone(storage: CloudStorage) -> None:
    work: dict[str, Any] = {
        "head": lambda driver: driver.head("made"),
        "read": lambda driver: driver.read("made"),
        "nothing": lambda driver: driver.read("made", length=0),
        "tags": lambda driver: driver.tags("made"),
        "list": lambda driver: driver.list("", cursor=None, limit=1),
        "write": lambda driver: driver.write("made", BODY),
        "replace": lambda driver: driver.write("made", BODY, condition=Condition("1.1")),
        "delete": lambda driver: driver.delete("made"),
        "delete-match": lambda driver: driver.delete("made", if_match="1.1"),
        "copy": lambda driver: driver.copy("made", "copied"),
        "begin": lambda driver: driver.begin_upload("made"),
        "part": lambda driver: driver.write_part("made", "0" * 32, 1, BODY),
        "uploads": lambda driver: driver.uploads(""),
        "region": lambda driver: driver.region(),
        "lifecycle": lambda driver: driver.lifecycle(),
    }
    for name, call in work.items():
        driver = opened(storage.address, "no-such-bucket")
        error = await refused(ConfigError, call(driver))
        assert "there is no such bucket" in str(error), name
        await driver.close()


async def test_a_bucket_is_asked_for_once(driver: Driver, proxy: FaultProxy) -> None:
    for _ in range(3):
        await refused(NotFound, driver.head("absent"))
    assert seen(proxy) == ["HEAD", "GET", "HEAD", "HEAD"]


async def test_those_who_may_not_list_are_believed(driver: Driver, proxy: FaultProxy) -> None:
    proxy.fail(says("forbidden", 403), when=asks("GET", "/o?"))
    await refused(NotFound, driver.head("absent"))


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Answer(200, b"tampered", (("x-goog-hash", "crc32c=AAAAAA=="),)), Corrupt),
        (Answer(206, b"other", (("Content-Range", "bytes 5-9/10"),)), Unavailable),
    ],
)
async def test_a_body_that_is_not_what_was_asked_for(
    driver: Driver, proxy: FaultProxy, answer: Answer, kind: type[SkykeepError]
) -> None:
    proxy.fail(answer, when=asks("GET"))
    await refused(kind, driver.read("made"))


async def test_a_cache_that_does_not_heed_conditions(driver: Driver, proxy: FaultProxy) -> None:
    numbers = (("x-goog-generation", "5"), ("x-goog-metageneration", "1"))
    stale = Answer(200, b"stale", numbers)
    for etag, good in (("5.1", True), ("6.1", False), ("5.2", False)):
        proxy.fail(stale, when=asks("GET"))
        if good:
            assert (await driver.read("made", if_match=etag)).data == b"stale"
        else:
            await refused(Conflict, driver.read("made", if_match=etag))


async def test_a_condition_on_what_is_not_there(driver: Driver, proxy: FaultProxy) -> None:
    proxy.fail(says_xml("PreconditionFailed", 412), when=asks("GET"), times=2)
    await refused(NotFound, driver.read("absent", if_match="5.1"))
    await driver.write("made", BODY)
    await refused(Conflict, driver.read("made", if_match="5.1"))


async def test_a_range_that_is_ignored_is_cut_here(driver: Driver, proxy: FaultProxy) -> None:
    whole = Answer(200, b"0123456789")
    for start, length, expected in ((3, 4, b"3456"), (8, 10, b"89"), (10, 1, b"")):
        proxy.fail(whole, when=asks("GET"))
        assert (await driver.read("made", start=start, length=length)).data == expected
    proxy.fail(whole, when=asks("GET"))
    await refused(Invalid, driver.read("made", start=11, length=1))


async def test_an_object_that_is_patched_is_another(driver: Driver, bucket: Bucket) -> None:
    before = await driver.write("made", BODY)
    bucket.objects["team/made"].patch({"metadata": {"new": "1"}})
    after = await driver.head("made")
    assert after.etag != before.etag
    condition = Condition(before.etag)
    await refused(Conflict, driver.write("made", BODY, condition=condition))
    await refused(Conflict, driver.read("made", if_match=before.etag))
    await refused(Conflict, driver.delete("made", if_match=before.etag))
    await refused(Conflict, driver.copy("made", "made", condition))
    await driver.delete("made", if_match=after.etag)


async def test_nothing_outlasts_its_deadline(driver: Driver, proxy: FaultProxy) -> None:
    proxy.fail(Silence(), times=None)
    begun = time.monotonic()
    for work in (driver.read("made"), driver.write("made", BODY), driver.head("made")):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await work
    assert time.monotonic() - begun < 5


async def test_errors_of_a_deletion_of_many_are_told_by_key(
    driver: Driver, proxy: FaultProxy
) -> None:
    for key in "abc":
        await driver.write(key, BODY)
    proxy.fail(says("forbidden", 403), when=asks("DELETE", "team%2Fb"))
    errors = await driver.delete_many(["a", "b", "c", "absent"])
    assert {key: type(error) for key, error in errors.items()} == {"b": Denied}
    listed = (await driver.list("", cursor=None, limit=9)).items
    assert [each.key for each in listed] == ["b"]


async def test_what_sse_key_sends(storage: CloudStorage, bucket: Bucket) -> None:
    sse = "projects/p/locations/europe-west3/keyRings/r/cryptoKeys/k"
    driver = opened(storage.address, bucket.name, sse_key=sse)
    await driver.write("a", BODY)
    await driver.copy("a", "b")
    upload = await driver.begin_upload("c")
    part = await driver.write_part("c", upload, 1, BODY)
    storage.asked.clear()
    await driver.complete_upload("c", upload, [part])
    await driver.close()
    kept = {name: each.resource.get("kmsKeyName") for name, each in bucket.objects.items()}
    assert (kept["a"], kept["b"]) == (sse, sse)
    composed = next(each for each in storage.asked if each.path.endswith("/compose"))
    assert composed.query["kmsKeyName"] == sse
    assert json.loads(composed.body)["deleteSourceObjects"] is True
