"""What a configuration may say of a vault, and where that is."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from skykeep.providers.azure.clouds import CLOUDS, cloud_of
from tests.providers.azure.opening import settings


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ({"vault_url": "https://till.vault.azure.net/"}, "https://till.vault.azure.net/"),
        ({"endpoint": "https://10.0.0.7:8443"}, "https://10.0.0.7:8443"),
        ({"vault": "till"}, "https://till.vault.azure.net"),
        ({"vault": "till", "cloud": "usgov"}, "https://till.vault.usgovcloudapi.net"),
        ({"vault": "till", "cloud": "china"}, "https://till.vault.azure.cn"),
    ],
)
def test_where_a_vault_is(given: dict[str, Any], address: str) -> None:
    assert settings(**given).address == address


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "one of vault_url, vault and endpoint"),
        ({"vault": "a12", "vault_url": "https://x"}, "one of"),
        ({"endpoint": "https://x", "vault_url": "https://x"}, "one of"),
        ({"vault": "x"}, "3 to 24"),
        ({"vault": "till.evil.example"}, "3 to 24"),
        ({"vault": "till/.."}, "3 to 24"),
        ({"vault_url": "https://x", "cloud": "china"}, "cloud goes with vault"),
        ({"vault": "till", "cloud": "german"}, "german"),
        ({"vault": "till", "secret_prefix": "a b"}, "secret_prefix"),
        ({"vault": "till", "settle_seconds": -1}, ">= 0"),
        ({"vault": "till", "vault_name": "x"}, "vault_name"),
    ],
)
def test_what_a_configuration_cannot_say(given: dict[str, Any], said: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=said):
        settings(**given)


def test_clouds() -> None:
    for cloud in CLOUDS.values():
        assert cloud_of(f"Till.{cloud.domain}".upper()) is cloud
        assert cloud.scope == f"https://{cloud.domain}/.default"
    for host in ("vault.azure.net", "tillvault.azure.net", "vault.azure.net.evil.example", ""):
        assert cloud_of(host) is None
