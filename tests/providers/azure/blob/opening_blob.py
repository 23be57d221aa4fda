"""Drivers of Blob Storage on a server that runs here, for tests."""

from __future__ import annotations

from typing import Any

from skykeep.providers.azure.blob.access import Entra
from skykeep.providers.azure.blob.opening import open_objects
from skykeep.providers.azure.blob.writing import BlobObjects
from tests.peers.blob import ACCOUNT, KEY, Azurite
from tests.peers.fakes.resource_manager import GROUP, SUBSCRIPTION, ResourceManager
from tests.providers.azure.opening import context, settings

ENVIRON = {"STORAGE_KEY": KEY}


class Tokens:
    """Entra's tokens for Azurite. ``asked`` are scope, tenant and claims of each."""

    source = "a test"

    def __init__(self, azurite: Azurite) -> None:
        self._azurite = azurite
        self.asked: list[tuple[str, str | None, str | None]] = []
        self.given: list[str] = []
        self.refused: list[str] = []

    async def token(self, scope: str, tenant: str | None, claims: str | None = None) -> str:
        self.asked.append((scope, tenant, claims))
        audience = scope.removesuffix("/.default")
        return self.given[0] if self.given else self._azurite.token(audience)

    async def another(
        self, scope: str, refused: str, tenant: str | None, claims: str | None = None
    ) -> str:
        self.refused.append(refused)
        self.given = self.given[1:]
        return await self.token(scope, tenant, claims)

    async def close(self) -> None:
        """Holds nothing."""

    def after_fork(self) -> None:
        """Nothing is shared."""


async def opened(server: Azurite, container: str, **keys: Any) -> BlobObjects:
    """A driver by the account's key that talks to the server, or to what stands at ``address``
    before it."""
    address = keys.pop("address", server.address)
    environ = keys.pop("environ", ENVIRON)
    given = {
        "storage_account": ACCOUNT,
        "container": container,
        "objects_endpoint": address,
        **keys,
    }
    if not any(key.startswith(("account_key", "sas_", "connection_")) for key in keys):
        given["account_key_env"] = "STORAGE_KEY"
    if server.ca is not None:
        given["tls"] = {"ca": str(server.ca)}
    return await open_objects(settings(**given), context(environ))


async def managed(
    server: Azurite, container: str, manager: ResourceManager, **keys: Any
) -> BlobObjects:
    """The same, with its account's management."""
    driver = await opened(
        server,
        container,
        subscription=SUBSCRIPTION,
        resource_group=GROUP,
        management_endpoint=manager.address,
        **keys,
    )
    assert driver._management is not None
    driver._management._tokens = Tokens(server)
    return driver


async def by_tokens(
    server: Azurite, container: str, tokens: Tokens, **keys: Any
) -> BlobObjects:
    """The same by Entra's tokens."""
    driver = await opened(server, container, **keys)
    driver._container.access = Entra(tokens, None)
    return driver
