"""The fake of Cloud Storage, and drivers behind a proxy that can be told to fail."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from skykeep import Cloud
from skykeep.providers.gcp.storage.driver import CloudStorage as Driver
from skykeep.settings.model import CacheSettings, Environment, RetrySettings
from tests.peers.fakes.cloud_storage import CloudStorage
from tests.peers.fakes.cloud_storage_state import Bucket
from tests.peers.faults import FaultProxy
from tests.providers.gcp.google_home import ACCOUNT, Home, home, key
from tests.providers.gcp.opening import settings
from tests.providers.gcp.storage.opening import opened


@pytest.fixture(scope="module")
def running() -> Iterator[CloudStorage]:
    with CloudStorage() as fake:
        fake.keys[ACCOUNT] = key().public_key()
        yield fake


@pytest.fixture
def storage(running: CloudStorage) -> CloudStorage:
    """Cloud Storage, where all is well; module by module one server, test by test a bucket."""
    running.rewrite_calls, running.rewrites = 1, 0
    running.asked.clear()
    return running


@pytest.fixture
def bucket(storage: CloudStorage) -> Bucket:
    return storage.new_bucket(f"tests-{secrets.token_hex(8)}")


@pytest.fixture
def proxy(storage: CloudStorage) -> Iterator[FaultProxy]:
    with FaultProxy(storage.address) as made:
        yield made


@pytest_asyncio.fixture
async def driver(proxy: FaultProxy, bucket: Bucket) -> AsyncIterator[Driver]:
    made = opened(proxy.address, bucket.name, objects_prefix="team/")
    yield made
    await made.close()


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Home]:
    with home(tmp_path) as made:
        yield made


@pytest_asyncio.fixture
async def cloud(proxy: FaultProxy, bucket: Bucket, here: Home) -> AsyncIterator[Cloud]:
    """All layers above the driver, without waits between tries."""
    here.name(here.service_account())
    environment = Environment(
        primary=settings(
            objects_endpoint=proxy.address, bucket=bucket.name, objects_prefix="team/"
        ),
        cache=CacheSettings(ttl_seconds=0),
        retry=RetrySettings(base_seconds=0.0, max_seconds=0.0),
    )
    async with Cloud(environment, environ=here.environ) as made:
        yield made
