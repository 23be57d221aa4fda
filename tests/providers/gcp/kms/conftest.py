"""Cloud KMS of the tests, and drivers and judges of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import pytest_asyncio

from skykeep import Cloud
from skykeep.providers.gcp.kms.driver import CloudKms as Driver
from skykeep.settings.model import Environment, RetrySettings
from tests.peers.faults import FaultProxy
from tests.peers.google import CloudKms
from tests.peers.google_client import kms_client
from tests.providers.gcp.opening import Tokens, opened_keys, settings


@pytest.fixture
def fake(cloud_kms: CloudKms) -> Iterator[CloudKms]:
    """The fake, where all is well again afterwards."""
    yield cloud_kms
    cloud_kms.settle()


@pytest.fixture
def ring(fake: CloudKms) -> str:
    return fake.ring()


@pytest.fixture
def judge(fake: CloudKms) -> Iterator[Any]:
    with kms_client(fake) as client:
        yield client


@pytest.fixture
def proxy(fake: CloudKms) -> Iterator[FaultProxy]:
    with FaultProxy(fake.keys) as made:
        yield made


@pytest_asyncio.fixture
async def driver(proxy: FaultProxy, ring: str) -> AsyncIterator[Driver]:
    made = opened_keys(proxy.address, ring)
    yield made
    await made.close()


@pytest_asyncio.fixture
async def cloud(
    proxy: FaultProxy, ring: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Cloud]:
    async def tokens(*given: object) -> Tokens:
        return Tokens()

    monkeypatch.setattr("skykeep.providers.gcp.credentials.open_credentials", tokens)
    environment = Environment(
        primary=settings(keys_endpoint=proxy.address, key_ring=ring),
        retry=RetrySettings(base_seconds=0.0, max_seconds=0.0),
        deadline_seconds=5.0,
    )
    async with Cloud(environment, environ={}) as made:
        yield made
