"""The official client, as the judge of what we write."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from azure.keyvault.secrets import SecretClient

from tests.peers.azure import KeyVault


@contextmanager
def judge_of(vault: KeyVault) -> Iterator[SecretClient]:
    """A client of the vault that may do everything."""
    client = SecretClient(
        vault.address,
        vault.vaults.credential(),
        connection_verify=str(vault.vaults.ca),
        verify_challenge_resource=False,
    )
    with client:
        yield client
