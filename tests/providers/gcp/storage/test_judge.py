"""Google's client reads what we wrote and we read what it wrote: on fake-gcs-server, and what
that departs from Cloud Storage in, on the fake of ours."""

from __future__ import annotations

import gzip
import secrets
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import pytest_asyncio
from google.api_core import exceptions

from skykeep.conformance.cases import refused
from skykeep.conformance.objects_cases import body
from skykeep.errors import Conflict
from skykeep.interfaces.object_driver import Condition, ObjectAttributes
from skykeep.providers.gcp.storage.driver import CloudStorage as Driver
from tests.peers.cloud_storage import FakeGcs, storage_client
from tests.peers.fakes.cloud_storage import TOKEN, CloudStorage
from tests.peers.fakes.cloud_storage_state import Bucket
from tests.providers.gcp.storage.opening import opened

pytestmark = pytest.mark.asyncio

KEYS = ("a", "a b/c+d", "100%/#?&=", "größe/😀.txt", 'it\'s/"q"')


@pytest.fixture(params=["fake_gcs", "ours"])
def server(
    request: pytest.FixtureRequest, storage: CloudStorage, bucket: Bucket
) -> Iterator[tuple[str, Any]]:
    """An address, and a bucket as Google's client has it."""
    if request.param == "ours":
        client = storage_client(storage.address, TOKEN)
        yield storage.address, client.bucket(bucket.name)
    else:
        peer: FakeGcs = request.getfixturevalue("fake_gcs")
        client = peer.client()
        yield peer.address, client.bucket(peer.new_bucket())
    client.close()


@pytest.fixture
def judge(server: tuple[str, Any]) -> Any:
    return server[1]


@pytest_asyncio.fixture
async def driver(server: tuple[str, Any]) -> AsyncIterator[Driver]:
    made = opened(server[0], server[1].name, objects_prefix="team/")
    yield made
    await made.close()


@pytest.mark.parametrize("key", KEYS)
async def test_what_we_wrote_is_what_it_reads(driver: Driver, judge: Any, key: str) -> None:
    given = ObjectAttributes(
        "text/x-test", {"one": "1", "two": ""}, {"team": "ä b"}, "NEARLINE"
    )
    info = await driver.write(key, body(key), given)
    blob = judge.get_blob(f"team/{key}")
    assert (blob.content_type, blob.storage_class) == ("text/x-test", "NEARLINE")
    assert blob.metadata == {"one": "1", "two": "", "skykeep-tags": "team=%C3%A4+b"}
    assert info.etag == f"{blob.generation}.{blob.metageneration}"
    assert blob.size == info.size
    # A download takes these from its headers, which fake-gcs-server does not send.
    assert blob.download_as_bytes() == body(key)
    assert [each.name for each in judge.list_blobs()] == [f"team/{key}"]
    await driver.delete(key)
    assert judge.get_blob(f"team/{key}") is None


@pytest.mark.parametrize("key", KEYS)
async def test_what_it_wrote_is_what_we_read(driver: Driver, judge: Any, key: str) -> None:
    blob = judge.blob(f"team/{key}")
    blob.metadata = {"One": "1"}
    blob.upload_from_string(body(key), content_type="text/x-test")
    found = await driver.read(key)
    assert found.data == body(key)
    assert (found.info.content_type, found.info.metadata) == ("text/x-test", {"one": "1"})
    assert found.info.etag == f"{blob.generation}.{blob.metageneration}"
    page = await driver.list("", cursor=None, limit=10)
    assert [(each.key, each.etag) for each in page.items] == [(key, found.info.etag)]
    assert await driver.tags(key) == {}


async def test_parts_of_ours_are_an_object_to_it(driver: Driver, judge: Any) -> None:
    parts = [secrets.token_bytes(100_000), secrets.token_bytes(77)]
    upload = await driver.begin_upload("large", ObjectAttributes("text/x-test", {"one": "1"}))
    tokens = [await driver.write_part("large", upload, n, p) for n, p in enumerate(parts, 1)]
    temporary = [each.name for each in judge.list_blobs()]
    assert len(temporary) == 3
    assert all(each.startswith("team/skykeep-uploads./large/") for each in temporary)
    info = await driver.complete_upload("large", upload, tokens)
    (blob,) = judge.list_blobs()
    assert blob.name == "team/large"
    assert info.etag == f"{blob.generation}.{blob.metageneration}"
    assert (blob.content_type, blob.metadata) == ("text/x-test", {"one": "1"})
    assert blob.download_as_bytes() == b"".join(parts)


async def test_a_composition_of_its_is_an_object_to_us(driver: Driver, judge: Any) -> None:
    sources = [judge.blob(f"team/{name}") for name in ("x", "y")]
    for source in sources:
        source.upload_from_string(body(source.name))
    blob = judge.blob("team/composed")
    blob.content_type = "text/x-test"
    blob.compose(sources)
    found = await driver.read("composed")
    assert found.data == body("team/x") + body("team/y")
    assert found.info.content_type == "text/x-test"


async def test_a_compressed_object_is_given_as_it_is_kept(driver: Driver, judge: Any) -> None:
    kept = gzip.compress(body(size=5000))
    blob = judge.blob("team/packed")
    blob.content_encoding = "gzip"
    blob.upload_from_string(kept)
    found = await driver.read("packed")
    assert (found.data, found.info.size) == (kept, len(kept))
    assert (await driver.read("packed", start=3, length=9)).data == kept[3:12]
    assert (await driver.head("packed")).size == len(kept)


async def test_a_copy_keeps_what_only_others_set(driver: Driver, judge: Any) -> None:
    kept = gzip.compress(body(size=500))
    blob = judge.blob("team/packed")
    blob.content_encoding = "gzip"
    blob.upload_from_string(kept, content_type="text/x-test")
    await driver.copy("packed", "copied")
    copied = judge.get_blob("team/copied")
    assert (copied.content_encoding, copied.content_type) == ("gzip", "text/x-test")
    assert (await driver.read("copied")).data == kept


async def test_conditions_hold_against_it(driver: Driver, judge: Any) -> None:
    ours = await driver.write("made", body("ours"))
    generation, _, _ = ours.etag.partition(".")
    blob = judge.blob("team/made")
    with pytest.raises(exceptions.PreconditionFailed):
        blob.upload_from_string(b"x", if_generation_match=0)
    blob.upload_from_string(b"theirs", if_generation_match=int(generation))
    late = Condition(ours.etag)
    await refused(Conflict, driver.write("made", body("late"), condition=late))
    await refused(Conflict, driver.write("made", b"", condition=Condition(if_absent=True)))
    assert (await driver.read("made")).data == b"theirs"


async def test_keys_that_are_not_portable_are_not_listed(driver: Driver, judge: Any) -> None:
    for name in ("folder/", "tab\there", "ends.", "a//b", "plain"):
        judge.blob(f"team/{name}").upload_from_string(b"x")
    judge.blob("teams").upload_from_string(b"x")
    page = await driver.list("", cursor=None, limit=100)
    assert [item.key for item in page.items] == ["plain"]
    page = await driver.list("", cursor=None, limit=100, delimiter=True)
    assert ([item.key for item in page.items], list(page.prefixes)) == (
        ["plain"],
        ["a", "folder"],
    )


async def test_a_large_upload_of_its(driver: Driver, fake_gcs: FakeGcs) -> None:
    data = secrets.token_bytes(9 * 256 * 1024 + 3)
    bucket = fake_gcs.client().bucket(fake_gcs.new_bucket())
    blob = bucket.blob("large", chunk_size=4 * 256 * 1024)  # resumable, in three chunks
    with blob.open("wb") as file:
        file.write(data)
    ours = opened(fake_gcs.address, bucket.name)
    found = await ours.read("large")
    assert (found.data, found.info.size) == (data, len(data))
    part = await ours.read("large", start=1000, length=7, if_match=found.info.etag)
    assert part.data == data[1000:1007]
    await ours.close()
