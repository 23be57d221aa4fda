"""A fake of Microsoft Entra, and credentials that log in to it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from skykeep.providers.azure.credentials import managed
from tests.peers.certificates import Authority
from tests.peers.fakes.azure_hosts import Imds
from tests.peers.fakes.entra import Entra
from tests.peers.tokens import Issuer
from tests.providers.azure.logins import SECRET, Logins


@pytest.fixture(scope="session")
def azure_issuer() -> Issuer:
    """Signs what the fakes give; no vault trusts it."""
    return Issuer()


@pytest.fixture
def entra(authority: Authority, azure_issuer: Issuer) -> Iterator[Entra]:
    with Entra(authority.issue().server(), azure_issuer) as fake:
        fake.register(secrets=[SECRET], expired=["canary-expired"])
        yield fake


@pytest_asyncio.fixture
async def logins(
    entra: Entra, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Logins]:
    # Where IMDS is by default is no address of a test.
    monkeypatch.setattr(managed, "IMDS", "http://127.0.0.1:1")
    made = Logins(entra, authority)
    yield made
    await made.close()


@pytest.fixture
def imds(entra: Entra) -> Iterator[Imds]:
    with Imds(entra.token) as fake:
        yield fake
