"""How a configuration says whose credentials an Azure target uses."""

from __future__ import annotations

import re
from typing import Final, Literal

import msgspec

from skykeep.settings.model import NonEmpty

Method = Literal[
    "default",
    "environment",
    "client_secret",
    "certificate",
    "workload_identity",
    "managed_identity",
    "cli",
    "azd",
    "powershell",
]

_AUTHORITY: Final = {"authority", "authority_ca", "allowed_tenants"}
_TOOL: Final = {"tenant", "allowed_tenants"}
KEYS: Final = {
    "default": {"tenant", "client_id", *_AUTHORITY},
    "environment": _AUTHORITY,
    "client_secret": {
        "tenant",
        "client_id",
        "client_secret_env",
        "client_secret_file",
        *_AUTHORITY,
    },
    "certificate": {
        "tenant",
        "client_id",
        "certificate_file",
        "certificate_password_env",
        "certificate_password_file",
        "send_certificate_chain",
        *_AUTHORITY,
    },
    "workload_identity": {"tenant", "client_id", "federated_token_file", *_AUTHORITY},
    "managed_identity": {"client_id", "resource_id", "object_id"},
    "cli": _TOOL,
    "azd": _TOOL,
    "powershell": _TOOL,
}
"""Which of the keys a method has."""

TENANT: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]*")
"""A tenant's id or one of its domains: it becomes a part of a path."""


class AuthSettings(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Whose credentials are used. Secrets are named, by file or variable, and never written
    here.

    Attributes:
        method: ``default`` asks in the order of Azure's own libraries: environment, workload
            identity, managed identity, az, Azure PowerShell, azd.
        tenant: of the application or user, its id or a domain; by default AZURE_TENANT_ID.
        client_id: of the application, or of a user-assigned managed identity; by default
            AZURE_CLIENT_ID, but not for managed_identity.
        client_secret_env: the variable that holds the client secret; by default
            AZURE_CLIENT_SECRET.
        client_secret_file: or its file.
        certificate_file: PEM or PKCS12 file with the certificate and its RSA key; by default
            AZURE_CLIENT_CERTIFICATE_PATH.
        certificate_password_env: the variable that holds that file's password; by default
            AZURE_CLIENT_CERTIFICATE_PASSWORD.
        certificate_password_file: or its file.
        send_certificate_chain: Entra trusts the certificate by its subject and issuer, and
            wants to see the whole chain.
        federated_token_file: file of the token that workload_identity is shown, read at each
            login; by default AZURE_FEDERATED_TOKEN_FILE.
        resource_id: the user-assigned managed identity by its resource id.
        object_id: or by its object id.
        authority: where logins go, ``https://login.microsoftonline.com``; by default
            AZURE_AUTHORITY_HOST, or that of the target's cloud.
        authority_ca: PEM file of the certificate authorities that are trusted there, instead
            of the system's.
        allowed_tenants: other tenants than tenant that a vault may send us to for a token;
            ``*`` is any.
    """

    method: Method = "default"
    tenant: NonEmpty | None = None
    client_id: NonEmpty | None = None
    client_secret_env: NonEmpty | None = None
    client_secret_file: NonEmpty | None = None
    certificate_file: NonEmpty | None = None
    certificate_password_env: NonEmpty | None = None
    certificate_password_file: NonEmpty | None = None
    send_certificate_chain: bool = False
    federated_token_file: NonEmpty | None = None
    resource_id: NonEmpty | None = None
    object_id: NonEmpty | None = None
    authority: NonEmpty | None = None
    authority_ca: NonEmpty | None = None
    allowed_tenants: tuple[NonEmpty, ...] = ()

    def __post_init__(self) -> None:
        for key in self.__struct_fields__:
            if key != "method" and getattr(self, key) and key not in KEYS[self.method]:
                raise ValueError(f"auth.{key} is not for the method '{self.method}'")
        for stem in ("client_secret", "certificate_password"):
            if getattr(self, f"{stem}_file") and getattr(self, f"{stem}_env"):
                raise ValueError(f"give auth.{stem}_file or auth.{stem}_env, not both")
        named = [key for key in ("client_id", "resource_id", "object_id") if getattr(self, key)]
        if self.method == "managed_identity" and len(named) > 1:
            raise ValueError(
                f"give auth.{named[0]} or auth.{named[1]}: one says which identity"
            )
        for tenant in (self.tenant, *self.allowed_tenants):
            if tenant not in {None, "*"} and not TENANT.fullmatch(tenant or ""):
                raise ValueError(f"'{tenant}' is neither the id of a tenant nor its domain")
        if self.tenant == "*":
            raise ValueError("auth.tenant is one tenant; auth.allowed_tenants may be '*'")
