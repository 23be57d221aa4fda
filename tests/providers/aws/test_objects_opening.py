"""Where a bucket is, and what settings are refused."""

from __future__ import annotations

from typing import Any

import botocore.session
import msgspec
import pytest
from botocore.endpoint_provider import EndpointProvider

from skykeep.errors import ConfigError
from skykeep.providers.aws.s3.opening import bucket_address, open_objects
from skykeep.providers.aws.session import Session
from tests.providers.aws.opening import context, settings


async def where(environ: dict[str, str] | None = None, **keys: Any) -> str:
    return bucket_address(await Session.of(settings(**keys), context(environ or {})))


def _regions() -> list[str]:
    session = botocore.session.Session()
    return [
        region
        for partition in session.get_available_partitions()
        for region in session.get_available_regions("s3", partition)
    ]


@pytest.mark.asyncio
async def test_addresses_are_those_of_botocore() -> None:
    loader = botocore.session.Session().get_component("data_loader")
    rules = EndpointProvider(
        loader.load_service_model("s3", "endpoint-rule-set-1"), loader.load_data("partitions")
    )
    regions = _regions()
    assert len(regions) > 25
    for region in regions:
        for bucket in ("plain-bucket", "dotted.bucket"):
            theirs = rules.resolve_endpoint(
                Region=region,
                Bucket=bucket,
                UseFIPS=False,
                UseDualStack=False,
                UseGlobalEndpoint=False,
            )
            assert await where(region=region, bucket=bucket) == theirs.url


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("keys", "environ", "expected"),
    [
        ({"objects_endpoint": "https://minio:9000"}, {}, "https://minio:9000/books"),
        ({"objects_endpoint": "https://minio:9000/s3/"}, {}, "https://minio:9000/s3/books"),
        (
            {"objects_endpoint": "https://minio:9000", "path_style": False},
            {},
            "https://books.minio:9000",
        ),
        ({"path_style": True}, {}, "https://s3.us-east-1.amazonaws.com/books"),
        ({"endpoint": "https://sm.example"}, {}, "https://books.s3.us-east-1.amazonaws.com"),
        ({}, {"AWS_ENDPOINT_URL_S3": "http://127.0.0.1:1"}, "http://127.0.0.1:1/books"),
        ({}, {"AWS_ENDPOINT_URL": "http://127.0.0.1:2"}, "http://127.0.0.1:2/books"),
        (
            {},
            {"AWS_USE_FIPS_ENDPOINT": "true"},
            "https://books.s3-fips.us-east-1.amazonaws.com",
        ),
        (
            {},
            {"AWS_USE_DUALSTACK_ENDPOINT": "true"},
            "https://books.s3.dualstack.us-east-1.amazonaws.com",
        ),
    ],
)
async def test_where_a_bucket_is(
    keys: dict[str, Any], environ: dict[str, str], expected: str
) -> None:
    assert await where(environ, bucket="books", **keys) == expected


@pytest.mark.asyncio
async def test_a_target_without_a_bucket_keeps_no_objects() -> None:
    with pytest.raises(ConfigError, match="names no bucket"):
        await open_objects(settings(), context())


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ({"objects_prefix": "a/"}, "needs bucket"),
        ({"sse_key": "k"}, "needs bucket"),
        ({"bucket": "ab"}, "not the name of a bucket"),
        ({"bucket": "a" * 64}, "not the name of a bucket"),
        ({"bucket": "Upper"}, "not the name of a bucket"),
        ({"bucket": "a..b"}, "not the name of a bucket"),
        ({"bucket": "arn:aws:s3:us-east-1:1:accesspoint/x"}, "not the name of a bucket"),
        ({"bucket": "x--use1-az4--x-s3"}, "directory buckets"),
        ({"bucket": "abc", "objects_prefix": "/a"}, "objects_prefix cannot begin keys"),
        ({"bucket": "abc", "objects_prefix": "a//"}, "objects_prefix cannot begin keys"),
        ({"bucket": "abc", "object_checksum": "md5"}, "md5"),
    ],
)
def test_settings_that_are_refused(keys: dict[str, Any], says: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=says):
        settings(**keys)


def test_settings_that_are_taken() -> None:
    for bucket in ("abc", "a.b-c", "a" * 63, "1-2"):
        assert settings(bucket=bucket, objects_prefix="team/app-").bucket == bucket
