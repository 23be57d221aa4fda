"""What a vault was asked."""

from __future__ import annotations

from tests.peers.azure import KeyVault


def calls(vault: KeyVault) -> list[str]:
    """Method and place of each request that had a token."""
    return [
        f"{each['method']} {each['target'].partition('?')[0]}"
        for each in vault.requests()
        if each["token"]
    ]
