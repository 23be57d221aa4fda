"""Drivers of Azure Key Vault on a vault that runs here, for tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from skykeep.interfaces.provider import OpenContext
from skykeep.providers.azure.keys.driver import KeyVaultKeys
from skykeep.providers.azure.session import Session
from skykeep.providers.azure.settings import AzureSettings
from skykeep.providers.azure.writing import KeyVaultSecrets
from skykeep.providers.wire import Wire, WireOptions
from tests.peers.azure import KeyVault, KeyVaults
from tests.peers.fakes.key_vault_settings import OWNER, TENANT


class Tokens:
    """Tokens by the tests' issuer. ``asked`` are scope, tenant and claims of each; ``given``
    is given before any other, for tokens that are not good."""

    def __init__(self, vaults: KeyVaults, oid: str = OWNER, *given: str) -> None:
        self._vaults = vaults
        self._oid = oid
        self._given = list(given)
        self.source = "a test"
        self.asked: list[tuple[str, str | None, str | None]] = []
        self.refused = 0
        self.closed = False

    def give(self, *given: str) -> None:
        """Give these next, for tokens that have ended or are revoked since."""
        self._given = list(given)

    async def token(self, scope: str, tenant: str | None, claims: str | None = None) -> str:
        self.asked.append((scope, tenant, claims))
        return self._given[0] if self._given else self._new(tenant)

    async def another(
        self, scope: str, refused: str, tenant: str | None, claims: str | None = None
    ) -> str:
        self.asked.append((scope, tenant, claims))
        self.refused += 1
        self._given = self._given[1:]
        return self._given[0] if self._given else self._new(tenant)

    async def close(self) -> None:
        self.closed = True

    def after_fork(self) -> None:
        """Nothing is shared."""

    def _new(self, tenant: str | None) -> str:
        return self._vaults.token(self._oid, tenant=tenant or TENANT)


def settings(**keys: Any) -> AzureSettings:
    """Settings, checked as those of a file are."""
    return msgspec.convert({"backend": "azure", **keys}, AzureSettings)


def context(environ: dict[str, str] | None = None) -> OpenContext:
    """What a target is opened with."""
    return OpenContext("primary (azure)", environ or {}, Path)


def session(
    vault: KeyVault,
    *,
    address: str | None = None,
    ca: Path | None = None,
    tokens: Tokens | None = None,
    environ: dict[str, str] | None = None,
    **keys: Any,
) -> Session:
    """A conversation with the vault, or with what stands at ``address`` before it."""
    given = settings(
        **{
            "vault_url": address or vault.address,
            "tls": {"ca": str(ca or vault.vaults.ca)},
            "verify_challenge": False,  # 127.0.0.1 lies in no cloud
            **keys,
        }
    )
    wire = Wire(
        given.address,
        options=WireOptions.of(given),
        environ=environ or {},
        extra="azure",
        name="primary (azure)",
    )
    return Session(wire, tokens or Tokens(vault.vaults), given)


def opened(vault: KeyVault, **keys: Any) -> KeyVaultSecrets:
    """A driver over the vault; keys as for :func:`session`."""
    return KeyVaultSecrets(session(vault, **keys))


def opened_keys(vault: KeyVault, **keys: Any) -> KeyVaultKeys:
    """A driver of the vault's keys; keys as for :func:`session`."""
    given = session(vault, **keys)
    return KeyVaultKeys(given, given.settings)
