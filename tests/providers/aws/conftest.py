"""A driver behind a proxy that can be told to fail."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from typing import Any

import pytest
import pytest_asyncio

from skykeep import Cloud
from skykeep.interfaces.secret_driver import SecretDriver
from skykeep.settings.model import CacheSettings, Environment, RetrySettings
from tests.peers.clients import aws_client
from tests.peers.faults import (
    FaultProxy,
)
from tests.peers.peer import Server
from tests.providers.aws.opening import ENVIRON, opened, settings


@pytest.fixture
def proxy(moto: Server) -> Iterator[FaultProxy]:
    with FaultProxy(moto.address) as made:
        yield made


@pytest.fixture
def prefix() -> str:
    return f"faults/{uuid.uuid4().hex[:12]}/"


@pytest.fixture
def judge(moto: Server) -> Iterator[Any]:
    with closing(aws_client("secretsmanager", moto.address)) as client:
        yield client


@pytest_asyncio.fixture
async def driver(proxy: FaultProxy, prefix: str) -> AsyncIterator[SecretDriver]:
    made = await opened(proxy.address, secret_prefix=prefix)
    yield made
    await made.close()


@pytest_asyncio.fixture
async def cloud(proxy: FaultProxy, prefix: str) -> AsyncIterator[Cloud]:
    """All layers above the driver, without waits between tries."""
    environment = Environment(
        primary=settings(endpoint=proxy.address, secret_prefix=prefix),
        cache=CacheSettings(ttl_seconds=0),
        retry=RetrySettings(base_seconds=0.0, max_seconds=0.0),
    )
    async with Cloud(environment, environ=ENVIRON) as made:
        yield made
