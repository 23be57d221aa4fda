"""Uploads in parts: nothing that stays behind, nothing that is done twice, any number."""

from __future__ import annotations

import asyncio
import signal
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from skykeep import Cloud
from skykeep.conformance.cases import refused
from skykeep.conformance.objects_cases import body
from skykeep.errors import Conflict, Denied, Invalid, NotFound, Unavailable
from skykeep.interfaces.object_driver import Condition, ObjectAttributes
from skykeep.interfaces.object_keys import MAX_KEY_BYTES
from skykeep.interfaces.object_writing import MARK, PART
from skykeep.providers.gcp.storage.bucket import MAX_METADATA, MAX_PARTS
from skykeep.providers.gcp.storage.driver import CloudStorage as Driver
from skykeep.providers.gcp.storage.parts import COMPOSED, KEY, UPLOADS
from tests.peers.fakes.cloud_storage import CloudStorage
from tests.peers.fakes.cloud_storage_state import Bucket
from tests.peers.faults import FaultProxy, LostResponse
from tests.providers.gcp.storage.going_wrong import asks, says
from tests.providers.gcp.storage.opening import opened

pytestmark = pytest.mark.asyncio

ABSENT = Condition(if_absent=True)
ROOT = Path(__file__).parents[4]


async def begun(
    driver: Driver, count: int, attributes: ObjectAttributes | None = None
) -> tuple[str, list[str], bytes]:
    """An upload of small parts: its id, their tokens, and what it will be."""
    upload = await driver.begin_upload("large", attributes or ObjectAttributes())
    parts = [f"{number};".encode() for number in range(count)]
    tokens = [
        await driver.write_part("large", upload, number, part)
        for number, part in enumerate(parts, 1)
    ]
    return upload, tokens, b"".join(parts)


def left(bucket: Bucket) -> list[str]:
    """What is there of uploads."""
    return [name for name in bucket.objects if UPLOADS in name]


@pytest.mark.parametrize("count", [COMPOSED - 1, COMPOSED, COMPOSED + 1, COMPOSED**2 + 1])
async def test_any_number_of_parts(
    driver: Driver, bucket: Bucket, storage: CloudStorage, count: int
) -> None:
    upload, tokens, expected = await begun(driver, count)
    storage.asked.clear()
    info = await driver.complete_upload("large", upload, tokens)
    found = await driver.read("large")
    assert (found.data, found.info.etag, info.size) == (expected, info.etag, len(expected))
    assert not left(bucket)
    composed = [each for each in storage.asked if each.path.endswith("/compose")]
    assert len(composed) == {31: 1, 32: 1, 33: 3, 1025: 33 + 2 + 1}[count]


@pytest.mark.parametrize("number", [0, 1, MAX_PARTS, MAX_PARTS + 1])
async def test_numbers_have_a_limit(driver: Driver, number: int) -> None:
    upload = await driver.begin_upload("large")
    work = driver.write_part("large", upload, number, b"x")
    if 1 <= number <= MAX_PARTS:
        await driver.complete_upload("large", upload, [await work])
    else:
        await refused(Invalid, work)


@pytest.mark.parametrize("at", [0, 1, 2])
async def test_a_completion_that_broke_goes_on(
    driver: Driver, bucket: Bucket, proxy: FaultProxy, at: int
) -> None:
    upload, tokens, expected = await begun(driver, 2 * COMPOSED)
    counted = [0]

    def is_one(request: object) -> bool:
        composing = asks("POST", "/compose")(request)  # type: ignore[arg-type]  # a Message
        counted[0] += composing
        return composing and counted[0] == at + 1

    mark = ObjectAttributes(metadata={MARK: "0" * 32})
    upload, tokens, expected = await begun(driver, 2 * COMPOSED, mark)
    proxy.fail(LostResponse(), when=is_one)
    await refused(Unavailable, driver.complete_upload("large", upload, tokens, ABSENT))
    info = await driver.complete_upload("large", upload, tokens, ABSENT)
    found = await driver.read("large")
    assert (found.data, found.info.etag) == (expected, info.etag)
    assert not [name for name in left(bucket) if upload in name]


async def test_a_lost_answer_to_a_completion_is_no_conflict(
    cloud: Cloud, proxy: FaultProxy, bucket: Bucket
) -> None:
    proxy.fail(LostResponse(), when=asks("POST", "/compose"))
    data = body(size=PART + 1)
    info = await cloud.objects.put("large", data, if_absent=True)
    assert MARK not in info.metadata
    assert (await cloud.objects.get("large")).data == data
    assert not left(bucket)


async def test_a_completion_that_lost_to_another_is_a_conflict(
    cloud: Cloud, bucket: Bucket
) -> None:
    await cloud.objects.put("large", b"theirs")
    await refused(Conflict, cloud.objects.put("large", body(size=PART + 1), if_absent=True))
    assert (await cloud.objects.get("large")).data == b"theirs"
    assert not left(bucket)


async def test_a_part_whose_answer_was_lost_is_sent_again(
    cloud: Cloud, proxy: FaultProxy, bucket: Bucket
) -> None:
    third = b'"name":"team/skykeep-uploads./large/'
    proxy.fail(
        LostResponse(),
        when=lambda request: third in request.body[:300] and len(request.body) > PART,
    )
    data = body(size=2 * PART + 1)
    await cloud.objects.put("large", data)
    assert (await cloud.objects.get("large")).data == data
    assert not left(bucket), "the one that came twice is gone, too"


async def test_an_upload_that_fails_leaves_no_parts(
    cloud: Cloud, proxy: FaultProxy, bucket: Bucket
) -> None:
    proxy.fail(says("forbidden", 403), when=asks("POST", "/compose"))
    await refused(Denied, cloud.objects.put("large", body(size=2 * PART + 1)))
    assert not bucket.objects


async def test_a_part_that_arrives_after_the_end_is_found(
    driver: Driver, bucket: Bucket, proxy: FaultProxy
) -> None:
    upload, _, _ = await begun(driver, 1)
    late = bucket.objects.copy()
    await driver.abort_upload("large", upload)
    assert not bucket.objects
    bucket.objects |= {name: each for name, each in late.items() if "/00001-" in name}
    (found,) = await driver.uploads("")
    await driver.abort_upload(found.key, found.id)
    assert not bucket.objects


async def test_parts_are_of_the_class_that_the_object_will_have(
    driver: Driver, bucket: Bucket
) -> None:
    given = ObjectAttributes(storage_class="COLDLINE")
    upload, tokens, _ = await begun(driver, COMPOSED + 1, given)
    parts = [each for name, each in bucket.objects.items() if not name.endswith("/begin")]
    assert {each.resource["storageClass"] for each in parts} == {"COLDLINE"}
    assert (await driver.complete_upload("large", upload, tokens)).storage_class == "COLDLINE"


async def test_parts_are_in_no_listing(driver: Driver, storage: CloudStorage) -> None:
    await driver.write("models/a", b"x")
    upload, tokens, _ = await begun(driver, 40)
    assert upload
    for delimiter in (False, True):
        found, cursor = [], None
        while True:
            page = await driver.list("", cursor=cursor, limit=7, delimiter=delimiter)
            found += [each.key for each in page.items] + list(page.prefixes)
            cursor = page.cursor
            if cursor is None:
                break
        assert found == (["models"] if delimiter else ["models/a"])
    await driver.complete_upload("large", upload, tokens)


@pytest.mark.parametrize("wide", [False, True])
async def test_the_longest_keys(driver: Driver, bucket: Bucket, wide: bool) -> None:
    room = MAX_KEY_BYTES - len("team/")
    letter = "ü" if wide else "x"
    segment = letter * (200 // len(letter.encode()))
    key = "/".join([segment] * 6).encode()[:room].decode("utf-8", "ignore").strip("/")
    other = key[:-1] + "y"
    first, second = await driver.begin_upload(key), await driver.begin_upload(other)
    tokens = [await driver.write_part(key, first, number, b"ab") for number in range(1, 35)]
    assert all(len(name.encode()) <= MAX_KEY_BYTES for name in bucket.objects)
    listed = await driver.uploads(segment)
    assert {(each.key, each.id) for each in listed} == {(key, first), (other, second)}
    assert list(await driver.uploads("ab")) == []
    await driver.complete_upload(key, first, tokens)
    assert (await driver.read(key)).data == b"ab" * 34
    await driver.abort_upload(other, second)
    assert not left(bucket)


async def test_what_is_left_without_its_beginning_is_found(
    driver: Driver, bucket: Bucket
) -> None:
    upload, tokens, _ = await begun(driver, 2)
    root = f"team/{UPLOADS}large/{upload}/"
    del bucket.objects[f"{root}begin"]
    await refused(NotFound, driver.write_part("large", upload, 3, b"x"))
    await refused(NotFound, driver.complete_upload("large", upload, tokens))
    (found,) = await driver.uploads("")
    assert (found.key, found.id) == ("large", upload)
    await driver.abort_upload("large", upload)
    assert not bucket.objects


async def test_tokens_of_another_upload_are_refused(driver: Driver) -> None:
    one, first, _ = await begun(driver, 1)
    two, second, _ = await begun(driver, 1)
    for tokens in ([*first, *second], second, ["x"], []):
        await refused(Invalid, driver.complete_upload("large", one, tokens))
    await driver.complete_upload("large", two, second)
    await refused(NotFound, driver.complete_upload("large", two, second))


async def test_what_cannot_be_cleaned_is_found_later(
    driver: Driver, bucket: Bucket, proxy: FaultProxy
) -> None:
    upload, tokens, expected = await begun(driver, 2)
    proxy.fail(says("backendError", 503), when=asks("DELETE"), times=None)
    info = await driver.complete_upload("large", upload, tokens)
    assert (await driver.read("large", if_match=info.etag)).data == expected
    proxy.heal()
    (found,) = await driver.uploads("")
    await driver.abort_upload(found.key, found.id)
    assert not left(bucket)


async def test_all_the_room_for_metadata_is_the_objects(driver: Driver) -> None:
    given = ObjectAttributes("text/x", {"a": "v" * (MAX_METADATA - 1)})
    upload, tokens, _ = await begun(driver, 2, given)
    await driver.complete_upload("large", upload, tokens)
    assert (await driver.head("large")).metadata == given.metadata


async def test_tags_take_of_the_room_for_metadata(driver: Driver) -> None:
    tags = {"ü b": "x" * 100}
    name = len("skykeep-tags") + len("%C3%BC+b=") + 100
    for more in (0, 1):
        metadata = {"a": "v" * (MAX_METADATA - name - 1 + more)}
        work = driver.write("made", b"", ObjectAttributes(None, metadata, tags))
        if more:
            await refused(Invalid, work)
        else:
            await work
            assert await driver.tags("made") == tags


async def test_kill_in_the_middle_of_an_upload(
    storage: CloudStorage, bucket: Bucket, cloud: Cloud
) -> None:
    await cloud.objects.put("large", b"old")
    command = [sys.executable, "-c", _KILLED, storage.address, bucket.name]
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT)
    assert await process.wait() == -signal.SIGKILL
    assert (await cloud.objects.get("large")).data == b"old"
    assert [item.key async for item in cloud.objects.list()] == ["large"]
    assert len(left(bucket)) == 3
    assert await cloud.objects.collect() == 0, "it may still be under way"
    assert await cloud.objects.collect(older_than=timedelta(0)) == 1
    assert not left(bucket)


_KILLED = f"""
import asyncio, os, signal, sys
from tests.providers.gcp.storage.opening import opened

async def main():
    driver = opened(sys.argv[1], sys.argv[2], objects_prefix="team/")
    upload = await driver.begin_upload("large")
    await driver.write_part("large", upload, 1, b"one")
    await driver.write_part("large", upload, 2, b"two")
    os.kill(os.getpid(), {int(signal.SIGKILL)})

asyncio.run(main())
"""


async def test_parts_say_whose_they_are(storage: CloudStorage, bucket: Bucket) -> None:
    driver = opened(storage.address, bucket.name)
    await driver.begin_upload("größe/a b")
    (made,) = bucket.objects.values()
    assert made.resource["metadata"] == {KEY: "gr%C3%B6%C3%9Fe/a%20b"}
    (found,) = await driver.uploads("größe")
    assert found.key == "größe/a b"
    await driver.close()
