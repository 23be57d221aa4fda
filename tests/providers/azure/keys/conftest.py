"""Vaults of the tests, and drivers and judges of their keys."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from azure.keyvault.keys import KeyClient

from skykeep import Cloud
from skykeep.providers.azure.keys.driver import KeyVaultKeys
from skykeep.settings.model import Environment, RetrySettings
from tests.peers.azure import KeyVault, KeyVaults
from tests.peers.certificates import Authority
from tests.peers.fakes.entra import Entra
from tests.peers.faults import FaultProxy
from tests.providers.azure.logins import SECRET, SERVICE
from tests.providers.azure.opening import opened_keys, settings


@pytest.fixture
def vault(key_vault: KeyVaults) -> KeyVault:
    return key_vault.new()


@pytest.fixture
def judge(vault: KeyVault) -> Iterator[KeyClient]:
    """The official client, which may do everything."""
    client = KeyClient(
        vault.address,
        vault.vaults.credential(),
        connection_verify=str(vault.vaults.ca),
        verify_challenge_resource=False,
    )
    with client:
        yield client


@pytest.fixture
def proxy(vault: KeyVault, authority: Authority) -> Iterator[FaultProxy]:
    with FaultProxy(vault.plain, tls=authority.issue().server()) as made:
        yield made


@pytest_asyncio.fixture
async def driver(
    vault: KeyVault, proxy: FaultProxy, authority: Authority
) -> AsyncIterator[KeyVaultKeys]:
    made = opened_keys(vault, address=proxy.address, ca=authority.ca)
    yield made
    await made.close()


@pytest_asyncio.fixture
async def cloud(
    key_vault: KeyVaults, proxy: FaultProxy, authority: Authority
) -> AsyncIterator[Cloud]:
    """All layers above the driver, without waits between tries."""
    environment = Environment(
        primary=settings(vault_url=proxy.address, verify_challenge=False),
        retry=RetrySettings(base_seconds=0.0, max_seconds=0.0),
        deadline_seconds=10.0,
    )
    with Entra(authority.issue().server(), key_vault.issuer) as entra:
        entra.register(secrets=[SECRET])
        environ = {
            **SERVICE,
            "AZURE_AUTHORITY_HOST": entra.address,
            "SSL_CERT_FILE": str(authority.ca),
        }
        async with Cloud(environment, environ=environ) as made:
            yield made
