"""A driver behind a proxy that can be told to fail, and Google's own client beside it."""

from __future__ import annotations

import json
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from skykeep import Cloud
from skykeep.providers.gcp.writing import SecretManager as Driver
from skykeep.settings.model import CacheSettings, Environment, RetrySettings
from tests.peers.faults import FaultProxy
from tests.peers.google import PROJECT, SecretManager
from tests.peers.google_client import google_client
from tests.providers.gcp.google_home import Grants, Home, home, machine
from tests.providers.gcp.opening import opened, settings


@pytest.fixture
def fake(secret_manager: SecretManager) -> Iterator[SecretManager]:
    """The fake, where all is well again afterwards."""
    yield secret_manager
    secret_manager.settle()


@pytest.fixture
def judge(secret_manager: SecretManager) -> Iterator[Any]:
    with google_client(secret_manager) as client:
        yield client


@pytest.fixture
def parent() -> str:
    return f"projects/{PROJECT}"


@pytest.fixture
def prefix() -> str:
    return f"t-{uuid.uuid4().hex[:12]}/"


@pytest.fixture
def place(parent: str, prefix: str) -> str:
    """What the resource names of a driver's secrets begin with."""
    return f"{parent}/secrets/{prefix.removesuffix('/')}__"


@pytest.fixture
def count(judge: Any, place: str) -> Callable[[str], int]:
    """How many versions of a secret the judge sees."""
    return lambda name: len(list(judge.list_secret_versions(parent=f"{place}{name}")))


@pytest.fixture
def proxy(secret_manager: SecretManager) -> Iterator[FaultProxy]:
    with FaultProxy(secret_manager.address) as made:
        yield made


@pytest_asyncio.fixture
async def driver(proxy: FaultProxy, prefix: str) -> AsyncIterator[Driver]:
    made = opened(proxy.address, secret_prefix=prefix)
    yield made
    await made.close()


@pytest_asyncio.fixture
async def other(proxy: FaultProxy, prefix: str) -> AsyncIterator[Driver]:
    """Another process's driver of the same secrets."""
    made = opened(proxy.address, secret_prefix=prefix)
    yield made
    await made.close()


@pytest.fixture
def environ(
    secret_manager: SecretManager, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    """Variables that name the key of a service account that the fake trusts."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    email, kid = f"tests@{PROJECT}.iam.gserviceaccount.com", uuid.uuid4().hex
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    secret_manager.trust(email, kid, public.decode(), "*")
    content = {
        "type": "service_account",
        "project_id": PROJECT,
        "private_key_id": kid,
        "private_key": key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ).decode(),
        "client_email": email,
        "client_id": "1",
        "token_uri": "https://oauth2.googleapis.com/token",
    }
    file = tmp_path_factory.mktemp("gcp") / "key.json"
    file.write_text(json.dumps(content), encoding="utf-8")
    return {"GOOGLE_APPLICATION_CREDENTIALS": str(file)}


@pytest_asyncio.fixture
async def cloud(
    proxy: FaultProxy, prefix: str, environ: dict[str, str]
) -> AsyncIterator[Cloud]:
    """All layers above the driver, without waits between tries."""
    environment = Environment(
        primary=settings(endpoint=proxy.address, secret_prefix=prefix),
        cache=CacheSettings(ttl_seconds=0),
        retry=RetrySettings(base_seconds=0.0, max_seconds=0.0),
    )
    async with Cloud(environment, environ=environ) as made:
        yield made


@pytest.fixture
def here(tmp_path: Path, secret_manager: SecretManager) -> Iterator[Home]:
    """Whoever gets a token may do everything, until a test says otherwise."""
    with home(tmp_path) as made:

        def told(token: str, principal: str, expires: float) -> None:
            secret_manager.accept("*", token=token, principal=principal, expires=expires)

        made.tokens.registry.told = told
        yield made
    secret_manager.settle()


@pytest.fixture
def rights(here: Home, secret_manager: SecretManager) -> Iterator[Callable[..., Home]]:
    """A machine whose service account has these grants, and these permissions on the project
    as a whole."""
    with ExitStack() as stack:

        def made(grants: Grants, on_project: set[str] | None = None) -> Home:
            def told(token: str, principal: str, expires: float) -> None:
                secret_manager.accept(
                    token=token, principal=principal, expires=expires, grants=grants
                )

            here.tokens.registry.told = told
            server = stack.enter_context(machine(here))
            principal = f"serviceAccount:{server.account}"
            here.tokens.permissions[principal] = on_project or set()
            return here

        yield made
