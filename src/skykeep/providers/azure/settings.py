"""What a configuration may say of an Azure target."""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import urlsplit

from msgspec import Meta

from skykeep.errors import Invalid
from skykeep.providers.azure.auth_settings import AuthSettings
from skykeep.providers.azure.clouds import CLOUDS, Cloud, CloudName, cloud_of
from skykeep.providers.azure.names import check_prefix
from skykeep.providers.azure.storage_settings import StorageSettings
from skykeep.settings.model import NonEmpty

# "The vault name should be string of 3 to 24 characters and can contain only numbers (0-9),
# letters (a-z, A-Z), and hyphens" (azure-security-docs, ``common-error-codes.md``).
_VAULT = re.compile(r"[A-Za-z][A-Za-z0-9-]{1,22}[A-Za-z0-9]")


class AzureSettings(StorageSettings, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Secrets and keys in one Azure Key Vault; objects in one container of Azure Blob Storage.

    Attributes:
        vault_url: the vault's address, ``https://NAME.vault.azure.net/``; the same as endpoint.
        vault: the vault's name, instead of its address.
        cloud: where the vault of that name, or the storage account, is: public, usgov or
            china.
        tenant: the tenant that the vault trusts, id or domain; by default that of the
            credentials, and else what the vault says.
        verify_challenge: whether a vault may only ask for tokens of its own domain. Turn it off
            for an address of your own before a vault (a private link, Azure Stack Hub, tests):
            tokens then go wherever vault_url points.
        settle_seconds: how long a delete, restore or purge waits for Azure to be through with
            what it has accepted. Keep it below deadline_seconds.
        keys_prefix: put before the name of every key in the vault and taken off again.
        auth: how to get tokens.
    """

    vault_url: NonEmpty | None = None
    vault: NonEmpty | None = None
    cloud: CloudName = "public"
    tenant: NonEmpty | None = None
    verify_challenge: bool = True
    settle_seconds: Annotated[float, Meta(ge=0)] = 5.0
    keys_prefix: str | None = None
    auth: AuthSettings = AuthSettings()

    def __post_init__(self) -> None:
        given = [key for key in ("vault_url", "vault", "endpoint") if getattr(self, key)]
        if len(given) > 1 or (not given and self.container is None):
            raise ValueError(
                "give one of vault_url, vault and endpoint: the vault's address or its name"
            )
        self.check_objects()
        if self.vault and not _VAULT.fullmatch(self.vault):
            raise ValueError(
                "vault is the name of a vault: 3 to 24 letters, digits and '-', a letter first"
            )
        if self.cloud != "public" and not self.vault and not self.container:
            raise ValueError("cloud goes with vault; an address says itself where it is")
        try:
            check_prefix(self.secret_prefix or "")
            check_prefix(self.keys_prefix or "", "keys_prefix")
        except Invalid as error:
            raise ValueError(error.message) from None

    @property
    def keeps_secrets(self) -> bool:
        """Whether a vault is named."""
        return bool(self.vault_url or self.vault or self.endpoint)

    @property
    def home(self) -> Cloud:
        """The cloud that the target is in: that of the vault's address, if it shows one."""
        named = cloud_of(urlsplit(self.address).hostname or "") if self.keeps_secrets else None
        return named or CLOUDS[self.cloud]

    @property
    def address(self) -> str:
        """Where the vault is."""
        name = f"https://{self.vault}.{CLOUDS[self.cloud].domain}"
        return self.vault_url or self.endpoint or name
