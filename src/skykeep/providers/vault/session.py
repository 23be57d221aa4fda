"""Calls to one server: its address, the namespace, the token with each call."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final, TypeVar
from urllib.parse import quote

import msgspec

from skykeep.errors import SkykeepError
from skykeep.interfaces.provider import OpenContext
from skykeep.providers.vault.environment import ADDRESS, NAMESPACE, with_variables
from skykeep.providers.vault.errors import FOREIGN, error_of, sentences, token_is_known
from skykeep.providers.vault.keeper import TokenKeeper
from skykeep.providers.vault.logins import login_of
from skykeep.providers.vault.settings import VaultSettings
from skykeep.providers.vault.tokens import JSON, Login, Token
from skykeep.providers.wire import Reply, Wire, WireOptions

T = TypeVar("T")

DEFAULT_ADDRESS: Final = "https://127.0.0.1:8200"  # what the vault command takes
MERGE_PATCH: Final = "application/merge-patch+json"
"""The only patch that the server takes (openbao ``api-docs/secret/kv/kv-v2.mdx``, "Patch
metadata")."""


class Session:
    """An authenticated conversation with one server. Belongs to one event loop.

    A call whose token the server does not know is sent once more, with another token. No
    redirect is followed: the token goes to the configured address and nowhere else.
    """

    def __init__(self, wire: Wire, login: Login, namespace: str) -> None:
        self.wire = wire
        self.namespace = namespace.strip("/")
        self.keeper = TokenKeeper(login, self._send)
        self._ahead = timedelta()

    @property
    def login(self) -> Login:
        """How tokens are got."""
        return self.keeper.login

    async def call(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        kind: type[T],
    ) -> T:
        """The answer; ``path`` is what follows ``/v1/``, encoded. ``kind`` is its shape, None's
        type if nobody looks at it.

        Raises what ``errors.TABLE`` says, ``Unauthenticated`` for a token that is not good,
        ``Unavailable`` for an answer of another shape.
        """
        try:
            reply = await self.reply(method, path, body)
        finally:
            del body  # reports of errors may show the variables of a frame
        if reply.status >= 300:
            raise error_of(reply, method, path)
        return decoded(reply, kind)

    async def find(self, method: str, path: str, *, kind: type[T]) -> T | None:
        """The answer, or None if Vault says 404 and nothing more, as for an empty list."""
        reply = await self.reply(method, path)
        if reply.status == 404:
            said = sentences(reply)
            if said is not None and not said:
                return None
        if reply.status >= 300:
            raise error_of(reply, method, path)
        return decoded(reply, kind)

    async def reply(
        self, method: str, path: str, body: Mapping[str, Any] | None = None
    ) -> Reply:
        """The reply itself, of any status but that of an unknown token."""
        packed = b"" if body is None else msgspec.json.encode(body)
        del body
        try:
            return await self._authenticated(method, path, packed)
        finally:
            del packed

    async def token(self) -> Token:
        """The token in use."""
        return await self.keeper.token()

    def now(self) -> datetime:
        """The server's time by its last answer, at most a second ahead: it gives whole ones."""
        return datetime.now(UTC) + self._ahead

    async def _authenticated(self, method: str, path: str, packed: bytes) -> Reply:
        token = await self.keeper.token()
        headers = {"X-Vault-Token": token.value}
        if packed:
            headers["Content-Type"] = MERGE_PATCH if method == "PATCH" else JSON
        try:
            reply = await self._send(method, path, headers, packed)
            if reply.status != 403 or await self.keeper.good(token, token_is_known(reply)):
                return reply
            headers["X-Vault-Token"] = (await self.keeper.another(token)).value
            return await self._send(method, path, headers, packed)
        finally:
            del packed, headers

    async def _send(
        self, method: str, path: str, headers: Mapping[str, str], packed: bytes
    ) -> Reply:
        sent = {"X-Vault-Request": "true", **headers}  # agents demand it against forgery
        if self.namespace:
            sent["X-Vault-Namespace"] = self.namespace
        del headers
        try:
            reply = await self.wire.send(method, f"/v1/{path}", headers=sent, body=packed)
        finally:
            del sent, packed
        self._set_clock(reply.headers.get("Date", ""))
        return reply

    def _set_clock(self, date: str) -> None:
        try:
            there = parsedate_to_datetime(date)
        except ValueError:
            return  # no date, or none that can be read
        if there.tzinfo is not None:
            self._ahead = there + timedelta(seconds=1) - datetime.now(UTC)

    async def close(self) -> None:
        """End a token that a login of ours got; close the connections."""
        try:
            await self.keeper.close()
        finally:
            await self.wire.close()

    def after_fork(self) -> None:
        """The token stays, connections do not."""
        self.keeper.after_fork()
        self.wire.after_fork()


def decoded(reply: Reply, kind: type[T]) -> T:
    """The body in its shape. Raises ``Unavailable`` if it has another one."""
    if kind is type(None):
        return None
    try:
        return msgspec.json.decode(reply.body, type=kind)
    except msgspec.MsgspecError:
        pass  # its exception may show a part of the body
    raise _strange(reply)


def _strange(reply: Reply) -> SkykeepError:
    return FOREIGN.kind(FOREIGN.message.format(status=reply.status), hint=FOREIGN.hint)


def open_session(settings: VaultSettings, context: OpenContext) -> Session:
    """A session that is not logged in yet. Raises ``ConfigError``, ``MissingExtra``."""
    environ = context.environ
    settings = with_variables(settings, environ, context.target)
    address = settings.address or settings.endpoint or environ.get(ADDRESS) or DEFAULT_ADDRESS
    wire = Wire(
        address,
        options=WireOptions.of(settings),
        environ=environ,
        extra="vault",
        name=context.target,
    )
    namespace = settings.namespace or environ.get(NAMESPACE) or ""
    return Session(wire, login_of(settings, environ), quote(namespace, safe="/-._~"))
