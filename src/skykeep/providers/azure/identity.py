"""Who a vault takes us for, what these credentials may do, and what they should be allowed.

Key Vault has no call that says what one may do. Azure's management has one, for another token,
another endpoint, and a right of its own that nobody has who has only what is needed here. So
each right is tried on a name that is not there: the vault decides on rights first, and answers
403, or 404 and has done nothing. Only a new secret cannot be tried without making one: it is
known from the right to change one, where an access policy has one permission for both.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from skykeep.errors import ConfigError, Denied, Throttled, Unauthenticated, Unavailable
from skykeep.interfaces.identity import Identity, IdentityDriver, Permission, Policy
from skykeep.interfaces.provider import OpenContext
from skykeep.providers.azure.credentials.tokens import claims_of
from skykeep.providers.azure.errors import MISSING, UNABLE, Failure, error_of
from skykeep.providers.azure.names import Names
from skykeep.providers.azure.policy import NEEDS, PREFIX, Scope, hint, role
from skykeep.providers.azure.session import Session, open_session
from skykeep.providers.azure.settings import AzureSettings

_VERSION: Final = "0" * 32
LIST: Final = ("GET", "/secrets?maxresults=1")
PROBES: Final[dict[str, tuple[str, str]]] = {
    "getSecret/action": ("GET", "/secrets/{name}"),
    "readMetadata/action": LIST,
    "update/action": ("PATCH", f"/secrets/{{name}}/{_VERSION}"),
    "delete": ("DELETE", "/secrets/{name}"),
    "recover/action": ("POST", "/deletedsecrets/{name}/recover"),
    "purge/action": ("DELETE", "/deletedsecrets/{name}"),
}
NEEDLESS: Final[dict[str, tuple[str, str]]] = {
    "Microsoft.KeyVault/vaults/secrets/backup/action": ("POST", "/secrets/{name}/backup"),
    "Microsoft.KeyVault/vaults/keys/read": ("GET", "/keys?maxresults=1"),
    "Microsoft.KeyVault/vaults/certificates/read": ("GET", "/certificates?maxresults=1"),
}
"""What is often allowed along with the rest: copies of secrets, and what is not secrets."""
BY_POLICY: Final = "ForbiddenByPolicy"
CLOSED: Final = frozenset({"ForbiddenByFirewall", "ForbiddenByConnection"})
"""The vault lets nobody in from here, whatever their rights."""


class AzureIdentity(IdentityDriver):
    """Answers for the credentials of one target."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._scope = Scope.of(session.settings)
        self._names = Names(session.settings.secret_prefix or "")
        self._principal = "OBJECT_ID"

    async def whoami(self) -> Identity:
        await self._tried(*LIST)  # who may not list is somebody, too
        claims = await self._claims()
        self._principal = str(claims.get("oid") or self._principal)
        ends = claims.get("exp")
        return Identity(
            principal_of(claims),
            self._session.credentials.source,
            str(claims["tid"]) if "tid" in claims else None,
            None,
            datetime.fromtimestamp(ends, UTC) if isinstance(ends, (int, float)) else None,
            renewable=True,
        )

    async def permissions(self) -> Sequence[Permission]:
        # Under the prefix: an assignment may have a condition on names.
        name = self._names.stored(f"skykeep-probe-{uuid.uuid4().hex}")
        place = f"vault {self._scope.vault}"
        found = {
            action: await self._tried(method, target.format(name=name))
            for action, (method, target) in (PROBES | NEEDLESS).items()
        }
        allowed = {action: _allowed(each) for action, each in found.items()}
        if any(isinstance(each, Failure) and each.code == BY_POLICY for each in found.values()):
            # An access policy has one permission for both.
            allowed["setSecret/action"] = allowed["update/action"]
        answer = [
            Permission(
                PREFIX + need.action,
                place,
                need.operations,
                allowed.get(need.action),
                "tried" if need.action in allowed else "not tried",
            )
            for need in NEEDS
        ]
        return answer + [
            Permission(action, place, (), True, "tried")
            for action in NEEDLESS
            if allowed[action]
        ]

    def policy(self, *, read_only: bool = False) -> Policy:
        return Policy(
            "Azure role definition JSON",
            role(self._scope, read_only=read_only),
            hint(self._scope, self._principal, read_only=read_only),
        )

    async def close(self) -> None:
        await self._session.close()

    def after_fork(self) -> None:
        self._session.after_fork()

    async def _tried(self, method: str, target: str) -> Failure | None:
        """How the vault refuses it; None if it does not. Raises ``Unauthenticated``, and what
        keeps everybody out, such as the vault's firewall."""
        body: dict[str, Any] | None = {"attributes": {}} if method == "PATCH" else None
        found = await self._session.ask(method, target, body, kind=msgspec.Raw)
        if not isinstance(found, Failure):
            return None
        if found.status in {403, 404} and found.code not in CLOSED:
            return found
        error = error_of(found, "", "")
        if isinstance(error, (Denied, Throttled, Unavailable, Unauthenticated, ConfigError)):
            raise error
        return found

    async def _claims(self) -> Mapping[str, Any]:
        """What the token of the last call says of itself."""
        grant = self._session.grant
        if grant is None:  # the call before this one has set it
            raise Unavailable("the vault has not said whose tokens it takes")
        return claims_of(await self._session.credentials.token(grant.scope, grant.tenant))


def _allowed(found: Failure | None) -> bool | None:
    """Whether an outcome says that it is allowed; None if it does not say."""
    if found is None or found.code == MISSING:
        return True
    return False if found.status == 403 and found.code in UNABLE else None


def principal_of(claims: Mapping[str, Any]) -> str:
    """Whose token it is: a user, a managed identity, an application ("Access token claims
    reference", learn.microsoft.com)."""
    oid = f"object {claims.get('oid', 'unknown')}"
    user = claims.get("upn") or claims.get("unique_name") or claims.get("preferred_username")
    if user:
        return f"user {user} ({oid})"
    if claims.get("xms_mirid"):
        return f"managed identity {str(claims['xms_mirid']).rpartition('/')[2]} ({oid})"
    client = claims.get("appid") or claims.get("azp")
    return f"application {client} ({oid})" if client else oid


async def open_identity(settings: AzureSettings, context: OpenContext) -> AzureIdentity:
    """The identity of a configured target. Raises ``ConfigError``, ``MissingExtra``."""
    return AzureIdentity(await open_session(settings, context))
