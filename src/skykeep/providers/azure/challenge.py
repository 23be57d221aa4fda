"""What a vault says to a request without a token that it accepts: its challenge.

``WWW-Authenticate: Bearer authorization="https://login…/TENANT", resource="https://vault…"``
(or ``scope=``, or ``authorization_uri=``; of Blob Storage ``resource_id=``), and for continuous
access evaluation ``claims="…"`` in base64 (``azure.keyvault.secrets._shared.http_challenge``
4.12; recorded answers of the service in azure-sdk-for-js). A vault may ask for tokens of its
own domain only: else whoever answers at the address could ask for those of another service
(``_validate_challenge_resource`` there).
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from skykeep.errors import Unauthenticated

_PART = re.compile(r'([a-z_]+)\s*=\s*(?:"([^"]*)"|([^\s,"]+))', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token is asked for.

    Attributes:
        scope: ``https://vault.azure.net/.default``.
        tenant: whose tokens the vault accepts; None for the credentials' own.
    """

    scope: str
    tenant: str | None = None


@dataclass(frozen=True, slots=True)
class Challenge:
    """A challenge; ``grant`` is None if it has claims only.

    Attributes:
        claims: what the token has to say besides, JSON; None for a plain challenge.
    """

    grant: Grant | None
    claims: str | None = None


def challenge_of(header: str) -> Challenge | None:
    """The challenge in the header; None if there is none that can be met."""
    kind, _, text = header.strip().partition(" ")
    if kind.lower() != "bearer":
        return None
    parts = {
        found[1].lower(): found[2] if found[2] is not None else found[3]
        for found in _PART.finditer(text)
    }
    claims = _decoded(parts["claims"]) if "claims" in parts else None
    scope = parts.get("scope") or _scope(parts.get("resource") or parts.get("resource_id", ""))
    authority = parts.get("authorization_uri") or parts.get("authorization") or ""
    if scope and authority:
        return Challenge(Grant(scope, _tenant(authority)), claims)
    return Challenge(None, claims) if claims is not None else None


def check_domain(grant: Grant, host: str) -> None:
    """Raise ``Unauthenticated`` if the vault at ``host`` asks for tokens of another domain."""
    domain = urlsplit(grant.scope).hostname or ""
    if domain and host.lower().endswith(f".{domain}"):
        return
    raise Unauthenticated(
        f"{host} asks for a token for '{domain or 'nobody'}', to which it does not belong: "
        "it gets none",
        hint="is vault_url right? For an address of your own before a vault, and for it alone, "
        "set verify_challenge: false",
    )


def _scope(resource: str) -> str:
    return f"{resource.rstrip('/')}/.default" if resource else ""


def _tenant(authority: str) -> str | None:
    tenant = urlsplit(authority).path.strip("/").split("/")[0]
    # AD FS has no tenants (azure-sdk-for-python issue 28648).
    return tenant if tenant and tenant.lower() != "adfs" else None


def _decoded(text: str) -> str | None:
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
    except (binascii.Error, ValueError):
        return None
