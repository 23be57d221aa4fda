"""Microsoft Entra's token endpoint, asked directly: client secrets and federated tokens.

One POST each ("Microsoft identity platform and the OAuth 2.0 client credentials flow",
learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow): through our own
client it is bounded by the caller's deadline and takes no import of 200 ms (ADR 18, on Azure's
credentials). What has to be signed is in ``by_library.py``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

import msgspec

from skykeep.errors import ConfigError, Unauthenticated, Unavailable
from skykeep.interfaces.references import Reference
from skykeep.providers.azure.auth_settings import TENANT
from skykeep.providers.azure.credentials.entra_errors import error_of
from skykeep.providers.azure.credentials.tokens import Ask, Token, made
from skykeep.providers.wire import Wire

JWT_BEARER: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"  # RFC 7523, 2.2
FORM: Final = {"Content-Type": "application/x-www-form-urlencoded"}
CAPABILITY: Final = {"xms_cc": {"values": ["CP1"]}}
"""Says that we can answer a claims challenge: tokens live longer and end when access is
revoked ("How to use Continuous Access Evaluation enabled APIs", learn.microsoft.com)."""

_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


class Granted(msgspec.Struct):
    """The answer with a token."""

    access_token: str
    expires_in: float
    refresh_in: float | None = None


@dataclass(frozen=True, slots=True)
class Tenants:
    """In which tenants a token may be asked for.

    A vault names its own tenant when it is asked without a token. Credentials are shown to
    other tenants than their own only if the settings say so, as in Azure's own libraries
    (azure-identity 1.27 ``_internal/utils.py``, ``resolve_tenant``).
    """

    allowed: Sequence[str] = ()

    def resolve(self, home: str, wanted: str | None) -> str:
        """The tenant to ask in. Raises ``Unauthenticated``, ``ConfigError``."""
        if not TENANT.fullmatch(home):
            raise ConfigError(
                "the tenant is neither an id nor a domain", hint="check auth.tenant"
            )
        if wanted is None or wanted.casefold() == home.casefold():
            return home
        if not TENANT.fullmatch(wanted):
            raise Unauthenticated(
                "the vault names a tenant that is none", hint="check vault_url and the proxy"
            )
        if "*" in self.allowed or wanted.casefold() in {one.casefold() for one in self.allowed}:
            return wanted
        if not _GUID.fullmatch(home):
            return home  # a domain: it may be of the same tenant, and the vault will say
        raise Unauthenticated(
            f"the vault belongs to the tenant {wanted}, and the credentials to {home}",
            hint="set auth.tenant, or allow the other one: auth.allowed_tenants",
        )


class Authority:
    """The token endpoint of one cloud."""

    def __init__(self, url: str, make: Callable[[str], Wire]) -> None:
        self.url = url
        self._make = make
        self._wire: Wire | None = None

    async def token(
        self, tenant: str, fields: Mapping[str, str], source: str, hidden: str
    ) -> Token:
        """The token that a login gives. ``hidden``: the credential in it, not to be shown.

        Raises what ``entra_errors.TABLE`` says, ``Unavailable``, ``ConfigError``,
        ``MissingExtra``.
        """
        packed = urlencode(fields).encode()
        del fields
        if self._wire is None:
            self._wire = self._make(self.url)
        try:
            reply = await self._wire.send(
                "POST", f"/{tenant}/oauth2/v2.0/token", headers=FORM, body=packed
            )
        except Unavailable as error:
            del hidden  # reports of errors may show the variables of a frame
            error.message = f"no token from Microsoft Entra: {error.message}"
            error.sent = False  # of the call that the token is for, nothing was sent
            raise
        finally:
            del packed
        if reply.status != 200:
            failure = error_of(reply, source, (hidden,))
            del hidden, reply
            raise failure
        del hidden
        granted = granted_by(reply.body)
        if granted is None:
            raise Unavailable(
                f"Microsoft Entra's answer holds no token ({source})",
                sent=False,
                hint="look at auth.authority and at the proxy",
            )
        return made(granted.access_token, source, granted.expires_in, granted.refresh_in)

    async def close(self) -> None:
        """Close the connections."""
        if self._wire is not None:
            await self._wire.close()

    def after_fork(self) -> None:
        """In a forked child: forget the parent's connections."""
        if self._wire is not None:
            self._wire.after_fork()


class EntraLink:
    """A login of an application: what all kinds share."""

    name = ""

    def __init__(
        self, authority: Authority, tenants: Tenants, tenant: str, client_id: str
    ) -> None:
        self._authority = authority
        self._tenants = tenants
        self._tenant = tenant
        self._client_id = client_id

    async def _log_in(self, ask: Ask, proof: Mapping[str, str], source: str) -> Token:
        fields = {
            "client_id": self._client_id,
            "grant_type": "client_credentials",
            "scope": ask.scope,
            "claims": claims_for(ask.claims),
            **proof,
        }
        hidden = proof.get("client_secret") or proof.get("client_assertion", "")
        del proof
        try:
            tenant = self._tenants.resolve(self._tenant, ask.tenant)
            work = self._authority.token(tenant, fields, source, hidden)
        finally:
            del fields, hidden
        return await work

    async def close(self) -> None:
        """Close the connections."""
        await self._authority.close()

    def after_fork(self) -> None:
        """In a forked child: forget the parent's connections."""
        self._authority.after_fork()


class ClientSecret(EntraLink):
    """An application and its secret."""

    name = "client secret"

    def __init__(
        self,
        authority: Authority,
        tenants: Tenants,
        tenant: str,
        client_id: str,
        secret: Reference,
    ) -> None:
        super().__init__(authority, tenants, tenant, client_id)
        self._secret = secret
        self.source = f"client secret from {secret.place}"

    async def token(self, ask: Ask) -> Token:
        """Logs in with the secret of this moment."""
        return await self._log_in(ask, {"client_secret": self._secret.read()}, self.source)


class WorkloadIdentity(EntraLink):
    """A token of another issuer, that the application trusts by a federated credential."""

    name = "workload identity"

    def __init__(
        self,
        authority: Authority,
        tenants: Tenants,
        tenant: str,
        client_id: str,
        assertion: Reference,
    ) -> None:
        super().__init__(authority, tenants, tenant, client_id)
        self._assertion = assertion
        self.source = f"workload identity, token from {assertion.place}"

    async def token(self, ask: Ask) -> Token:
        """Logs in with the token of this moment: Kubernetes replaces it within its hour."""
        proof = {
            "client_assertion_type": JWT_BEARER,
            "client_assertion": self._assertion.read(),
        }
        return await self._log_in(ask, proof, self.source)


def claims_for(challenge: str | None) -> str:
    """The claims to ask for: what a challenge demands, and our capability."""
    asked: dict[str, Any] = {}
    if challenge:
        try:
            found = msgspec.json.decode(challenge)
        except msgspec.MsgspecError:
            found = None
        if isinstance(found, dict):
            asked = found
    inner = asked.get("access_token")
    merged = {**(inner if isinstance(inner, dict) else {}), **CAPABILITY}
    return msgspec.json.encode({**asked, "access_token": merged}).decode()


def granted_by(body: bytes) -> Granted | None:
    """The token in an answer; None if there is none."""
    try:
        granted = msgspec.json.decode(body, type=Granted, strict=False)
    except msgspec.MsgspecError:
        return None  # its exception may show a part of the body
    return granted if granted.access_token else None
