"""azure-storage-blob reads what we wrote and we read what it wrote, on Azurite."""

from __future__ import annotations

import gzip
import secrets
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from azure.core import MatchConditions
from azure.core.exceptions import ResourceExistsError, ResourceModifiedError
from azure.storage.blob import BlobBlock, ContainerClient, ContentSettings, StandardBlobTier

from skykeep.conformance.cases import refused
from skykeep.conformance.objects_cases import body
from skykeep.errors import Conflict, Corrupt, Invalid
from skykeep.interfaces.object_driver import Condition, ObjectAttributes
from skykeep.providers.azure.blob.container import MAX_METADATA, md5
from skykeep.providers.azure.blob.names import RECORDS
from skykeep.providers.azure.blob.writing import BlobObjects
from tests.peers.blob import Azurite
from tests.providers.azure.blob.opening_blob import opened

pytestmark = pytest.mark.asyncio

KEYS = ("a", "a b/c+d", "100%/#?&=", "größe/😀.txt", 'it\'s/"q"')


@pytest.fixture
def container(azurite: Azurite) -> str:
    return azurite.shared_container()


@pytest.fixture
def judge(azurite: Azurite, container: str) -> Iterator[ContainerClient]:
    with azurite.client(container) as client:
        yield client


@pytest.fixture
def prefix() -> str:
    return f"judge/{secrets.token_hex(8)}/"


@pytest_asyncio.fixture(params=["md5", "none"])
async def driver(
    request: pytest.FixtureRequest, azurite: Azurite, container: str, prefix: str
) -> AsyncIterator[BlobObjects]:
    made = await opened(
        azurite, container, objects_prefix=prefix, object_checksum=request.param
    )
    yield made
    await made.close()


@pytest.mark.parametrize("key", KEYS)
async def test_the_client_reads_what_we_wrote(
    driver: BlobObjects, judge: ContainerClient, prefix: str, key: str
) -> None:
    attributes = ObjectAttributes(
        "text/x-test", {"one": "1", "cost-center": "a  b"}, {"team": "ml"}, "Cool"
    )
    info = await driver.write(key, body(key), attributes)
    blob = judge.get_blob_client(prefix + key)
    assert blob.download_blob().readall() == body(key)
    found = blob.get_blob_properties()
    assert found.content_settings.content_type == "text/x-test"
    assert bytes(found.content_settings.content_md5 or b"") == md5(body(key))
    assert found.metadata == {"one": "1", "cost__dcenter": "a  b"}
    assert found.etag == info.etag
    assert found.blob_tier == "Cool"
    assert blob.get_blob_tags() == {"team": "ml"}
    assert [each.name for each in judge.list_blobs(name_starts_with=prefix)] == [prefix + key]


@pytest.mark.parametrize("key", KEYS)
async def test_we_read_what_the_client_wrote(
    driver: BlobObjects, judge: ContainerClient, prefix: str, key: str
) -> None:
    put = judge.upload_blob(
        prefix + key,
        body(key),
        content_settings=ContentSettings(content_type="text/x-test"),
        metadata={"One": "1", "cost__dcenter": "2"},
        tags={"team": "ml"},
        standard_blob_tier=StandardBlobTier.COLD,
    ).get_blob_properties()
    found = await driver.read(key)
    assert (found.data, found.info.etag) == (body(key), put.etag)
    assert found.info.content_type == "text/x-test"
    assert found.info.metadata == {"one": "1", "cost-center": "2"}
    assert (await driver.head(key)).storage_class == "Cold"
    assert await driver.tags(key) == {"team": "ml"}
    page = await driver.list("", cursor=None, limit=10)
    assert [item.key for item in page.items] == [key]
    assert (page.items[0].size, page.items[0].etag) == (len(body(key)), put.etag)


async def test_parts_of_ours_are_a_blob_to_the_client(
    driver: BlobObjects, judge: ContainerClient, prefix: str
) -> None:
    parts = [secrets.token_bytes(5000), secrets.token_bytes(77)]
    attributes = ObjectAttributes("text/x-test", {"one-two": "1"}, {"team": "ml"}, "Cool")
    upload = await driver.begin_upload("large", attributes)
    tokens = [await driver.write_part("large", upload, n, p) for n, p in enumerate(parts, 1)]
    blob = judge.get_blob_client(f"{prefix}large")
    _, waiting = blob.get_block_list("all")
    assert sorted(block.size or 0 for block in waiting) == [77, 5000]
    (record,) = judge.list_blobs(name_starts_with=prefix)
    assert record.name == f"{prefix}{RECORDS}{upload}"
    info = await driver.complete_upload("large", upload, tokens)
    assert blob.download_blob().readall() == b"".join(parts)
    found = blob.get_blob_properties()
    assert (found.etag, found.size) == (info.etag, info.size)
    assert found.content_settings.content_type == "text/x-test"
    assert found.metadata == {"one__dtwo": "1"}
    assert (found.blob_tier, blob.get_blob_tags()) == ("Cool", {"team": "ml"})
    assert [each.name for each in judge.list_blobs(name_starts_with=prefix)] == [
        f"{prefix}large"
    ]


async def test_blocks_of_the_client_are_an_object_to_us(
    driver: BlobObjects, judge: ContainerClient, prefix: str
) -> None:
    data = secrets.token_bytes(30_000)
    blob = judge.get_blob_client(f"{prefix}large")
    ids = [f"{n:06}" for n in range(3)]
    for number, id_ in enumerate(ids):
        blob.stage_block(id_, data[number * 10_000 : (number + 1) * 10_000])
    assert [item.key for item in (await driver.list("", cursor=None, limit=9)).items] == []
    blob.commit_block_list([BlobBlock(id_) for id_ in ids])
    found = await driver.read("large")
    assert found.data == data
    # Azurite tells a checksum of what was put together, Azure none.
    assert dict(found.info.checksums) in ({}, {"md5": md5(data).hex()})
    part = await driver.read("large", start=9_999, length=2, if_match=found.info.etag)
    assert part.data == data[9_999:10_001]


async def test_a_compressed_object_is_given_as_it_is_kept(
    driver: BlobObjects, judge: ContainerClient, prefix: str
) -> None:
    kept = gzip.compress(body(size=5000))
    judge.upload_blob(
        f"{prefix}packed", kept, content_settings=ContentSettings(content_encoding="gzip")
    )
    found = await driver.read("packed")
    assert (found.data, found.info.size) == (kept, len(kept))
    assert (await driver.read("packed", start=3, length=9)).data == kept[3:12]


async def test_conditions_hold_against_the_client(
    driver: BlobObjects, judge: ContainerClient, prefix: str
) -> None:
    ours = await driver.write("made", body("ours"))
    blob = judge.get_blob_client(f"{prefix}made")
    with pytest.raises(ResourceExistsError):
        blob.upload_blob(b"x")
    blob.upload_blob(
        b"theirs",
        overwrite=True,
        etag=ours.etag,
        match_condition=MatchConditions.IfNotModified,
    )
    await refused(Conflict, driver.write("made", body("late"), condition=Condition(ours.etag)))
    await refused(Conflict, driver.delete("made", if_match=ours.etag))
    assert (await driver.read("made")).data == b"theirs"
    with pytest.raises(ResourceModifiedError):
        blob.delete_blob(etag=ours.etag, match_condition=MatchConditions.IfNotModified)


async def test_a_blob_with_snapshots_is_deleted_with_them(
    driver: BlobObjects, judge: ContainerClient, prefix: str
) -> None:
    await driver.write("made", body())
    judge.get_blob_client(f"{prefix}made").create_snapshot()
    assert len((await driver.list("", cursor=None, limit=10)).items) == 1
    await driver.delete("made")
    left = judge.list_blobs(name_starts_with=prefix, include=["snapshots"])
    assert list(left) == []


async def test_a_lease_of_others_is_respected(
    driver: BlobObjects, judge: ContainerClient, prefix: str
) -> None:
    await driver.write("made", body())
    lease = judge.get_blob_client(f"{prefix}made").acquire_lease()
    error = await refused(Conflict, driver.write("made", body("new")))
    assert "lease" in str(error)
    await refused(Conflict, driver.delete("made"))
    assert (await driver.read("made")).data == body()
    lease.release()
    await driver.delete("made")


async def test_keys_that_are_not_portable_are_not_listed(
    driver: BlobObjects, judge: ContainerClient, prefix: str
) -> None:
    for key in ("a//b", "plain", " space", "tab\there"):
        judge.upload_blob(prefix + key, b"x")
    page = await driver.list("", cursor=None, limit=100)
    assert [item.key for item in page.items] == ["plain"]
    page = await driver.list("", cursor=None, limit=100, delimiter=True)
    assert [item.key for item in page.items] == ["plain"]


async def test_a_checksum_that_was_set_wrong(
    azurite: Azurite, container: str, judge: ContainerClient, prefix: str
) -> None:
    wrong = bytearray(md5(b"another"))
    blob = judge.upload_blob(f"{prefix}made", b"body")
    blob.set_http_headers(ContentSettings(content_md5=wrong))
    strict = await opened(azurite, container, objects_prefix=prefix)
    lenient = await opened(azurite, container, objects_prefix=prefix, object_checksum="none")
    try:
        await refused(Corrupt, strict.read("made"))
        # The whole of it, as a range.
        await refused(Corrupt, strict.read("made", length=100))
        assert (await strict.read("made", start=1, length=2)).data == b"od"
        assert (await lenient.read("made")).data == b"body"
    finally:
        await strict.close()
        await lenient.close()


@pytest.mark.parametrize("more", [0, 1])
async def test_names_that_grow_count_as_they_are_kept(driver: BlobObjects, more: int) -> None:
    # A hyphen is kept as three marks.
    names = {f"a-{n:02}": "" for n in range(50)}
    kept = sum(len(name) + 2 for name in names)
    names["rest"] = "v" * (MAX_METADATA - kept - len("rest") + more)
    attributes = ObjectAttributes(metadata=names)
    if more:
        await refused(Invalid, driver.write("made", body(), attributes))
        await refused(Invalid, driver.begin_upload("made", attributes))
    else:
        await driver.write("made", body(), attributes)
        assert (await driver.head("made")).metadata == names


@pytest.mark.parametrize(
    "tags",
    [
        {f"t{n}": "" for n in range(11)},
        {"": "x"},
        {"n" * 129: "x"},
        {"n": "v" * 257},
        {"n": "a@b"},
        {"ü": "x"},
    ],
)
async def test_tags_that_azure_does_not_take(driver: BlobObjects, tags: dict[str, str]) -> None:
    await refused(Invalid, driver.write("made", body(), ObjectAttributes(tags=tags)))
    await refused(Invalid, driver.begin_upload("made", ObjectAttributes(tags=tags)))


async def test_tags_of_every_kind_that_azure_takes(driver: BlobObjects) -> None:
    tags = {"n" * 128: "v" * 256, "a b+c-d=e.f_g:h/i": "x y&z".replace("&", "="), "empty": ""}
    tags |= {f"t{n}": "x" for n in range(7)}
    await driver.write("made", body(), ObjectAttributes(tags=tags))
    assert await driver.tags("made") == tags
