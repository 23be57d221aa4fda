"""Where a bucket is asked for, and what settings are refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from google.cloud.storage._helpers import _DEFAULT_SCHEME, _DEFAULT_UNIVERSE_DOMAIN

from skykeep.errors import ConfigError
from skykeep.interfaces.provider import OpenContext
from skykeep.providers.gcp.storage.opening import DEFAULT, address_of, open_objects
from tests.peers.cloud_storage import FakeGcs
from tests.providers.gcp.opening import context, settings

KEY = "projects/p/locations/europe-west3/keyRings/r/cryptoKeys/k"


def where(environ: dict[str, str] | None = None, **keys: Any) -> tuple[str, bool]:
    return address_of(settings(bucket="books", **keys), environ or {})


def test_the_address_is_that_of_googles_client() -> None:
    assert f"{_DEFAULT_SCHEME}storage.{_DEFAULT_UNIVERSE_DOMAIN}" == DEFAULT
    assert where() == (DEFAULT, False)


@pytest.mark.parametrize(
    ("keys", "environ", "expected"),
    [
        ({"objects_endpoint": "https://a.test/"}, {}, "https://a.test"),
        ({"endpoint": "https://sm.test"}, {}, DEFAULT),
        ({"location": "europe-west3"}, {}, DEFAULT),
        (
            {},
            {"CLOUDSDK_API_ENDPOINT_OVERRIDES_STORAGE": "https://b.test/storage/v1/"},
            "https://b.test",
        ),
        (
            {"objects_endpoint": "https://a.test"},
            {"STORAGE_EMULATOR_HOST": "http://127.0.0.1:1"},
            "https://a.test",
        ),
    ],
)
def test_where_it_is(keys: dict[str, Any], environ: dict[str, str], expected: str) -> None:
    assert where(environ, **keys) == (expected, False)


@pytest.mark.parametrize("given", ["http://127.0.0.1:9", "127.0.0.1:9", "http://127.0.0.1:9/"])
def test_an_emulator_is_asked_without_credentials(given: str) -> None:
    assert where({"STORAGE_EMULATOR_HOST": given}) == ("http://127.0.0.1:9", True)


@pytest.mark.asyncio
async def test_an_emulator_needs_no_login(fake_gcs: FakeGcs, tmp_path: Path) -> None:
    bucket = fake_gcs.new_bucket()
    environ = {"STORAGE_EMULATOR_HOST": fake_gcs.address, "HOME": str(tmp_path)}
    driver = await open_objects(
        settings(bucket=bucket), OpenContext("primary (gcp)", environ, Path)
    )
    try:
        await driver.write("a", b"x")
        assert (await driver.read("a")).data == b"x"
    finally:
        await driver.close()


@pytest.mark.asyncio
async def test_a_target_without_a_bucket_keeps_no_objects() -> None:
    with pytest.raises(ConfigError, match="names no bucket"):
        await open_objects(settings(), context())


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ({"objects_prefix": "a/"}, "needs bucket"),
        ({"sse_key": KEY}, "needs bucket"),
        ({"objects_endpoint": "https://a.test"}, "needs bucket"),
        ({"bucket": "ab"}, "not the name of a bucket"),
        ({"bucket": "a" * 64}, "not the name of a bucket"),
        ({"bucket": f"{'a' * 63}.{'a' * 64}"}, "not the name of a bucket"),
        ({"bucket": ".".join(["a" * 55] * 4)}, "not the name of a bucket"),
        ({"bucket": "Upper"}, "not the name of a bucket"),
        ({"bucket": "a..b"}, "not the name of a bucket"),
        ({"bucket": "gs://abc"}, "not the name of a bucket"),
        ({"bucket": "abc/d"}, "not the name of a bucket"),
        ({"bucket": "abc", "objects_prefix": "/a"}, "objects_prefix cannot begin keys"),
        ({"bucket": "abc", "objects_prefix": "x./"}, "objects_prefix cannot begin keys"),
        ({"bucket": "abc", "sse_key": "k"}, "is not a key"),
    ],
)
def test_settings_that_are_refused(keys: dict[str, Any], says: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=says):
        settings(**keys)


def test_settings_that_are_taken() -> None:
    longest = ".".join(["a" * 54] * 4) + ".a"  # 221 characters
    for bucket in ("abc", "a_b-c", "a.b", "a" * 63, "1-2", longest):
        found = settings(bucket=bucket, objects_prefix="team/app-", sse_key=KEY)
        assert found.bucket == bucket
