"""Calls to one vault: its address, the API's version, the token with each call."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, Protocol, TypeVar

import msgspec

from skykeep.errors import ConfigError, SkykeepError, Unavailable
from skykeep.interfaces.provider import OpenContext
from skykeep.providers.azure.challenge import Grant, challenge_of, check_domain
from skykeep.providers.azure.clouds import cloud_of
from skykeep.providers.azure.credentials import open_credentials
from skykeep.providers.azure.errors import FOREIGN, Failure, error_of, failure_of
from skykeep.providers.azure.settings import AzureSettings
from skykeep.providers.wire import Reply, Wire, WireOptions

T = TypeVar("T")

# What azure-keyvault-secrets 4.12 speaks (``_shared/client_base.py``, ``DEFAULT_VERSION``).
API_VERSION: Final = "2026-04-01"

WAIT: Final = 0.1
LONGEST_WAIT: Final = 2.0
"""Seconds between looks at what the service does behind its answer; its own clients look each
2 s (``_shared/_polling.py``)."""


class TokenSource(Protocol):
    """Where tokens come from; ``credentials.Credentials`` is one."""

    @property
    def source(self) -> str:
        """In words that say where to look."""

    async def token(self, scope: str, tenant: str | None, claims: str | None = None) -> str:
        """A token for the scope, kept and renewed. ``tenant`` None is the credentials' own."""
        ...

    async def another(
        self, scope: str, refused: str, tenant: str | None, claims: str | None = None
    ) -> str:
        """One that is not the refused one. Raises ``Unauthenticated``."""
        ...

    async def close(self) -> None:
        """Let go of what it holds."""

    def after_fork(self) -> None:
        """In a forked child: drop what must not be shared."""


_JSON: Final = "application/json"
_EMPTY: Final = Grant("")


class Session:
    """An authenticated conversation with one vault. Belongs to one event loop.

    The vault says in a challenge whose tokens it wants. At an address of Azure's own that is
    known beforehand, but for the tenant, and the first request has a token of the credentials'
    tenant, or of the one configured. Elsewhere the first request goes out without token and
    body, to be challenged. Neither goes to a host before it is known to belong there.
    """

    def __init__(self, wire: Wire, credentials: TokenSource, settings: AzureSettings) -> None:
        self.wire = wire
        self.credentials = credentials
        self.settings = settings
        cloud = cloud_of(wire.origin.host)
        self._ours = cloud is not None
        self._grant: Grant | None = None
        if cloud is not None:
            self._grant = Grant(cloud.scope, settings.tenant)

    @property
    def grant(self) -> Grant | None:
        """What tokens are asked for; None until the vault has said it."""
        return self._grant

    async def ask(
        self, method: str, target: str, body: Mapping[str, Any] | None = None, *, kind: type[T]
    ) -> T | Failure:
        """The answer in its shape, or the refusal. ``target`` is path and query, encoded,
        without the API's version.

        Raises ``Unauthenticated`` and what the wire raises; ``Unavailable`` for an answer of
        another shape."""
        packed = b"" if body is None else msgspec.json.encode(body)
        del body
        try:
            reply = await self._authenticated(method, _versioned(target), packed)
        finally:
            del packed  # reports of errors may show the variables of a frame
        if reply.status >= 300:
            return failure_of(reply)
        return decoded(reply, kind)

    async def call(
        self,
        method: str,
        target: str,
        body: Mapping[str, Any] | None = None,
        *,
        kind: type[T],
        name: str,
        needs: str,
    ) -> T:
        """As :meth:`ask`; raises what a refusal means. See ``errors.error_of``."""
        try:
            answer = await self.ask(method, target, body, kind=kind)
        finally:
            del body
        if isinstance(answer, Failure):
            raise error_of(answer, name, needs)
        return answer

    def patience(self) -> float:
        """When an operation that begins now stops waiting, seconds of the loop's clock."""
        return asyncio.get_running_loop().time() + self.settings.settle_seconds

    async def until(self, done: Callable[[], Awaitable[bool]], end: float) -> bool:
        """Whether it is so before ``end``; looks once at least."""
        loop = asyncio.get_running_loop()
        wait = WAIT
        while True:
            if await done():
                return True
            left = end - loop.time()
            if left <= 0:
                return False
            await asyncio.sleep(min(wait, left))
            wait = min(2 * wait, LONGEST_WAIT)

    async def reply(self, method: str, target: str) -> Reply:
        """The reply of any status; for questions that are answered by the status itself."""
        return await self._authenticated(method, _versioned(target), b"")

    async def _authenticated(self, method: str, target: str, packed: bytes) -> Reply:
        claims: str | None = None
        token: str | None = None
        refused: str | None = None
        grant = self._grant
        try:
            if grant is None:
                # Nothing of ours is in it, so that nothing can come of it but a challenge.
                reply = await self._send(method, target, None, b"")
                if reply.status != 401:
                    if reply.status < 300:
                        raise foreign(reply)
                    return reply
                grant, claims = self._met(reply, _EMPTY)
            token = await self.credentials.token(grant.scope, grant.tenant, claims)
            reply = await self._send(method, target, token, packed)
            # Twice: the vault's own challenge may be followed by one about claims.
            for _ in range(2):
                if reply.status != 401:
                    break
                refused = token
                grant, claims = self._met(reply, grant)
                if claims is None:
                    token = await self.credentials.token(grant.scope, grant.tenant)
                if token == refused:
                    token = await self.credentials.another(
                        grant.scope, refused, grant.tenant, claims
                    )
                reply = await self._send(method, target, token, packed)
            return reply
        finally:
            del packed, token, refused  # reports of errors may show the variables of a frame

    def _met(self, reply: Reply, grant: Grant) -> tuple[Grant, str | None]:
        """What to ask for now, and with which claims. Raises ``Unauthenticated``."""
        challenge = challenge_of(reply.headers.get("WWW-Authenticate", ""))
        if challenge is not None and challenge.grant is not None:
            if self.settings.verify_challenge:
                check_domain(challenge.grant, self.wire.origin.host)
            self._grant = challenge.grant
            return challenge.grant, challenge.claims
        if not grant.scope:
            raise foreign(reply)
        # About claims alone; or no word of why a token is not good any more.
        return grant, None if challenge is None else challenge.claims

    async def _send(self, method: str, target: str, token: str | None, packed: bytes) -> Reply:
        headers = {"Accept": _JSON}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        del token
        if packed:
            headers["Content-Type"] = _JSON
        failure: SkykeepError
        try:
            return await self.wire.send(method, target, headers=headers, body=packed)
        except Unavailable as error:
            failure = error
        finally:
            del headers, packed
        raise self._explained(failure)

    def _explained(self, failure: SkykeepError) -> SkykeepError:
        """A vault that does not exist has no address: its host's name is the vault's."""
        if self._ours and failure.message.startswith("no address is found for "):
            failure.hint = (
                "a vault that does not exist has no address: check its name in vault_url, "
                "and the DNS"
            )
        return failure

    async def close(self) -> None:
        """Close the connections."""
        try:
            await self.credentials.close()
        finally:
            await self.wire.close()

    def after_fork(self) -> None:
        """Tokens stay, connections do not."""
        self.credentials.after_fork()
        self.wire.after_fork()


def decoded(reply: Reply, kind: type[T]) -> T:
    """The body in its shape. Raises ``Unavailable`` if it has another one."""
    if kind is type(None):
        return None
    try:
        return msgspec.json.decode(reply.body, type=kind)
    except msgspec.MsgspecError:
        pass  # its exception may show a part of the body
    raise foreign(reply)


def foreign(reply: Reply) -> SkykeepError:
    """The error for an answer that is not Key Vault's."""
    return FOREIGN.kind(FOREIGN.says.format(status=reply.status), hint=FOREIGN.hint)


def _versioned(target: str) -> str:
    return f"{target}{'&' if '?' in target else '?'}api-version={API_VERSION}"


async def open_session(settings: AzureSettings, context: OpenContext) -> Session:
    """A session that has no token yet. Raises ``ConfigError``, ``MissingExtra``."""
    if not settings.keeps_secrets:
        raise ConfigError(
            "this Azure target keeps no secrets: it names no vault",
            hint="set vault_url, or vault to the name of one",
        )
    wire = Wire(
        settings.address,
        options=WireOptions.of(settings),
        environ=context.environ,
        extra="azure",
        name=context.target,
    )
    try:
        credentials = await open_credentials(settings, context)
    except BaseException:
        await wire.close()
        raise
    return Session(wire, credentials, settings)
