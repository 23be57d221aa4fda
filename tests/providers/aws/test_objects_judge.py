"""boto3 reads what we wrote and we read what boto3 wrote, on SeaweedFS."""

from __future__ import annotations

import gzip
import hashlib
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from typing import Any

import pytest
import pytest_asyncio
from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError

from skykeep.conformance.cases import refused
from skykeep.conformance.objects_cases import body
from skykeep.errors import Conflict, Invalid, Unsupported
from skykeep.interfaces.object_driver import Condition, ObjectAttributes
from skykeep.providers.aws.s3 import copying
from skykeep.providers.aws.s3.bucket import MIN_PART
from skykeep.providers.aws.s3.writing import S3Objects
from tests.peers.s3 import S3
from tests.providers.aws.opening_s3 import opened

pytestmark = pytest.mark.asyncio

KEYS = ("a", "a b/c+d", "100%/#?&=", "größe/😀.txt", 'it\'s/"q"')


@pytest.fixture
def judge(seaweedfs_s3: S3) -> Iterator[Any]:
    with closing(seaweedfs_s3.client()) as client:
        yield client


@pytest.fixture
def bucket(seaweedfs_s3: S3) -> str:
    return seaweedfs_s3.shared_bucket()


@pytest.fixture
def prefix() -> str:
    return f"judge/{secrets.token_hex(8)}/"


@pytest_asyncio.fixture(params=["sha256", "crc32", "none"])
async def driver(
    request: pytest.FixtureRequest, seaweedfs_s3: S3, bucket: str, prefix: str
) -> AsyncIterator[S3Objects]:
    made = await opened(
        seaweedfs_s3, bucket, objects_prefix=prefix, object_checksum=request.param
    )
    yield made
    await made.close()


@pytest.mark.parametrize("key", KEYS)
async def test_boto3_reads_what_we_wrote(
    driver: S3Objects, judge: Any, bucket: str, prefix: str, key: str
) -> None:
    attributes = ObjectAttributes(
        "text/x-test", {"one": "1", "two": "a  b"}, {"team": "ml"}, "STANDARD_IA"
    )
    info = await driver.write(key, body(key), attributes)
    found = judge.get_object(Bucket=bucket, Key=prefix + key)
    assert found["Body"].read() == body(key)
    assert found["ContentType"] == "text/x-test"
    assert found["Metadata"] == {"one": "1", "two": "a  b"}
    assert found["ETag"] == info.etag
    assert found["StorageClass"] == "STANDARD_IA"
    tags = judge.get_object_tagging(Bucket=bucket, Key=prefix + key)["TagSet"]
    assert tags == [{"Key": "team", "Value": "ml"}]
    (listed,) = judge.list_objects_v2(Bucket=bucket, Prefix=prefix)["Contents"]
    assert listed["Key"] == prefix + key


@pytest.mark.parametrize("key", KEYS)
async def test_we_read_what_boto3_wrote(
    driver: S3Objects, judge: Any, bucket: str, prefix: str, key: str
) -> None:
    put = judge.put_object(
        Bucket=bucket,
        Key=prefix + key,
        Body=body(key),
        ContentType="text/x-test",
        Metadata={"one": "1"},
        Tagging="team=ml",
    )
    found = await driver.read(key)
    assert (found.data, found.info.etag) == (body(key), put["ETag"])
    assert (found.info.content_type, found.info.metadata) == ("text/x-test", {"one": "1"})
    assert await driver.tags(key) == {"team": "ml"}
    page = await driver.list("", cursor=None, limit=10)
    assert [item.key for item in page.items] == [key]
    assert (page.items[0].size, page.items[0].etag) == (len(body(key)), put["ETag"])


async def test_parts_of_ours_are_an_object_to_boto3(
    driver: S3Objects, judge: Any, bucket: str, prefix: str
) -> None:
    parts = [secrets.token_bytes(MIN_PART), secrets.token_bytes(77)]
    upload = await driver.begin_upload("large", ObjectAttributes("text/x-test", {"one": "1"}))
    (begun,) = judge.list_multipart_uploads(Bucket=bucket, Prefix=prefix)["Uploads"]
    assert (begun["Key"], begun["UploadId"]) == (f"{prefix}large", upload)
    tokens = [await driver.write_part("large", upload, n, p) for n, p in enumerate(parts, 1)]
    info = await driver.complete_upload("large", upload, tokens)
    found = judge.get_object(Bucket=bucket, Key=f"{prefix}large")
    assert found["Body"].read() == b"".join(parts)
    assert (found["ETag"], found["ContentLength"]) == (info.etag, info.size)
    assert (found["ContentType"], found["Metadata"]) == ("text/x-test", {"one": "1"})


async def test_parts_of_boto3_are_an_object_to_us(
    driver: S3Objects, judge: Any, bucket: str, prefix: str, tmp_path: Any
) -> None:
    data = secrets.token_bytes(2 * MIN_PART + 3)
    (tmp_path / "body").write_bytes(data)
    config = TransferConfig(multipart_threshold=MIN_PART, multipart_chunksize=MIN_PART)
    judge.upload_file(str(tmp_path / "body"), bucket, f"{prefix}large", Config=config)
    found = await driver.read("large")
    assert found.data == data
    assert found.info.etag.endswith('-3"')
    for name, value in found.info.checksums.items():
        assert name != "sha256" or value == hashlib.sha256(data).hexdigest()
    part = await driver.read("large", start=MIN_PART - 1, length=2, if_match=found.info.etag)
    assert part.data == data[MIN_PART - 1 : MIN_PART + 1]


async def test_a_compressed_object_is_given_as_it_is_kept(
    driver: S3Objects, judge: Any, bucket: str, prefix: str
) -> None:
    kept = gzip.compress(body(size=5000))
    judge.put_object(Bucket=bucket, Key=f"{prefix}packed", Body=kept, ContentEncoding="gzip")
    found = await driver.read("packed")
    assert (found.data, found.info.size) == (kept, len(kept))
    assert (await driver.read("packed", start=3, length=9)).data == kept[3:12]


async def test_conditions_hold_against_boto3(
    driver: S3Objects, judge: Any, bucket: str, prefix: str
) -> None:
    ours = await driver.write("made", body("ours"))
    with pytest.raises(ClientError, match="PreconditionFailed"):
        judge.put_object(Bucket=bucket, Key=f"{prefix}made", Body=b"x", IfNoneMatch="*")
    judge.put_object(Bucket=bucket, Key=f"{prefix}made", Body=b"theirs", IfMatch=ours.etag)
    await refused(Conflict, driver.write("made", body("late"), condition=Condition(ours.etag)))
    await refused(Conflict, driver.delete("made", if_match=ours.etag))
    assert (await driver.read("made")).data == b"theirs"


async def test_keys_that_are_not_portable_are_not_listed(
    driver: S3Objects, judge: Any, bucket: str, prefix: str
) -> None:
    # SeaweedFS takes 'a//b' for 'a/b'.
    for key in ("folder/", "tab\there", "ends.", "plain"):
        judge.put_object(Bucket=bucket, Key=prefix + key, Body=b"x")
    page = await driver.list("", cursor=None, limit=100)
    assert [item.key for item in page.items] == ["plain"]


async def test_objects_larger_than_one_copy_takes(
    driver: S3Objects, judge: Any, bucket: str, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying, "MAX_COPY", MIN_PART)
    monkeypatch.setattr(copying, "RANGE", MIN_PART)
    data = secrets.token_bytes(2 * MIN_PART + 9)
    attributes = ObjectAttributes("text/x-test", {"one": "1"}, {"team": "ml"})
    await driver.write("large", data, attributes)
    info = await driver.copy("large", "copied")
    found = await driver.read("copied")
    assert (found.data, found.info.etag) == (data, info.etag)
    assert (found.info.content_type, found.info.metadata) == ("text/x-test", {"one": "1"})
    assert await driver.tags("copied") == {"team": "ml"}
    await refused(Conflict, driver.copy("large", "copied", Condition(if_absent=True)))
    assert list(await driver.uploads("")) == []


async def test_what_sse_key_sends(seaweedfs_s3: S3, bucket: str, prefix: str) -> None:
    driver = await opened(seaweedfs_s3, bucket, objects_prefix=prefix, sse_key="alias/k")
    try:
        assert driver._encryption == {
            "x-amz-server-side-encryption": "aws:kms",
            "x-amz-server-side-encryption-aws-kms-key-id": "alias/k",
        }
        await refused(Unsupported, driver.presign("a", "PUT", 60))
        assert "X-Amz-Signature" in await driver.presign("a", "GET", 60)
    finally:
        await driver.close()


@pytest.mark.parametrize(
    "tags",
    [
        {f"t{n}": "" for n in range(11)},
        {"": "x"},
        {"n" * 129: "x"},
        {"n": "v" * 257},
        {"n": "a;b"},
    ],
)
async def test_tags_that_s3_does_not_take(driver: S3Objects, tags: dict[str, str]) -> None:
    await refused(Invalid, driver.write("made", body(), ObjectAttributes(tags=tags)))


async def test_tags_of_every_kind_that_s3_takes(driver: S3Objects) -> None:
    tags = {"n" * 128: "v" * 256, "a b+c-d=e.f_g:h/i@j": "ä ß", "empty": ""}
    await driver.write("made", body(), ObjectAttributes(tags=tags))
    assert await driver.tags("made") == tags
