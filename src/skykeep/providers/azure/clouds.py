"""Azure's clouds: where the vaults and the blobs of each are, and who issues their tokens.

DNS suffixes: azure-security-docs ``general/about-keys-secrets-certificates.md``, "DNS suffixes
for object identifiers"; authorities: ``azure.identity.AzureAuthorityHosts`` 1.27; blobs and
management: "Azure service endpoints" of the developer guides for Azure Government and China.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

CloudName = Literal["public", "usgov", "china"]


@dataclass(frozen=True, slots=True)
class Cloud:
    """One of Azure's clouds.

    Attributes:
        domain: what the hosts of its vaults end with, after a dot.
        authority: the host that issues tokens.
        blobs: what the hosts of its storage accounts' blobs end with, after a dot.
        management: the host of its Resource Manager.
    """

    domain: str
    authority: str
    blobs: str
    management: str

    @property
    def scope(self) -> str:
        """What a token for its vaults is asked for."""
        return f"https://{self.domain}/.default"


CLOUDS: Final[dict[CloudName, Cloud]] = {
    "public": Cloud(
        "vault.azure.net",
        "login.microsoftonline.com",
        "blob.core.windows.net",
        "management.azure.com",
    ),
    "usgov": Cloud(
        "vault.usgovcloudapi.net",
        "login.microsoftonline.us",
        "blob.core.usgovcloudapi.net",
        "management.usgovcloudapi.net",
    ),
    "china": Cloud(
        "vault.azure.cn",
        "login.chinacloudapi.cn",
        "blob.core.chinacloudapi.cn",
        "management.chinacloudapi.cn",
    ),
}


def cloud_of(host: str) -> Cloud | None:
    """The cloud that a vault's host is in; None for a host of another domain."""
    for cloud in CLOUDS.values():
        if host.lower().endswith(f".{cloud.domain}"):
            return cloud
    return None
