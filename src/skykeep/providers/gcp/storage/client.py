"""One call to Cloud Storage: the token with it, what a refusal is answered with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Protocol, TypeVar

import msgspec

from skykeep.errors import SkykeepError, Unavailable
from skykeep.providers.gcp.clock import ServiceClock
from skykeep.providers.gcp.errors import Failure
from skykeep.providers.gcp.session import Credentials as Tokens
from skykeep.providers.gcp.storage.errors import TITLE, read_refusal
from skykeep.providers.wire import Reply, Wire

T = TypeVar("T")

JSON: Final = "application/json"
_NONE: Mapping[str, str] = {}


class Credentials(Tokens, Protocol):
    """What ``gcp/credentials`` gives, as far as it is used here."""

    async def signer(self) -> str:
        """The e-mail of the service account that ``sign`` signs for."""

    async def sign(self, data: bytes) -> bytes:
        """Its signature."""


class Client:
    """Calls of one endpoint.

    A call whose token is refused is sent once more, with another token: the service has not
    done it. No redirect is followed: the token goes to the configured address alone.

    Args:
        wire: to the endpoint.
        credentials: whose token is sent; None for an emulator, which wants none.
    """

    def __init__(self, wire: Wire, credentials: Credentials | None) -> None:
        self.wire = wire
        self.credentials = credentials
        self.clock = ServiceClock()

    async def ask(
        self,
        method: str,
        target: str,
        *,
        headers: Mapping[str, str] = _NONE,
        body: bytes = b"",
    ) -> tuple[Reply, Failure | None]:
        """Send it; the answer, and what it says if it says no.

        Raises ``Unavailable`` for no whole answer, and what finding credentials raises.
        """
        try:
            reply = await self._authenticated(method, target, headers, body)
        finally:
            del body  # reports of errors may show the variables of a frame
        return reply, None if reply.status < 300 else read_refusal(reply)

    async def close(self) -> None:
        """Close all connections."""
        try:
            if self.credentials is not None:
                await self.credentials.close()
        finally:
            await self.wire.close()

    def after_fork(self) -> None:
        """In a forked child: tokens stay, connections do not."""
        if self.credentials is not None:
            self.credentials.after_fork()
        self.wire.after_fork()

    async def _authenticated(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes
    ) -> Reply:
        try:
            if self.credentials is None:
                return await self.wire.send(method, target, headers=headers, body=body)
            token = await self.credentials.token()
            reply = await self._send(method, target, headers, body, token)
            if reply.status != 401:
                return reply
            token = await self.credentials.another(token, self.clock.now())
            return await self._send(method, target, headers, body, token)
        finally:
            token = ""
            del body

    async def _send(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes, token: str
    ) -> Reply:
        assert self.credentials is not None  # noqa: S101 - asked by the only caller
        sent = {**headers, "Authorization": f"Bearer {token}"}
        if self.credentials.quota_project:
            sent["X-Goog-User-Project"] = self.credentials.quota_project
        try:
            reply = await self.wire.send(method, target, headers=sent, body=body)
        finally:
            del sent, body, token
        self.clock.see(reply)
        return reply


def decoded(reply: Reply, kind: type[T]) -> T:
    """The body in its shape. Raises ``Unavailable`` if it has another one."""
    try:
        return msgspec.json.decode(reply.body, type=kind)
    except msgspec.MsgspecError:
        pass  # its exception may show a part of the body
    raise strange("is not as its answers are")


def strange(why: str) -> SkykeepError:
    """The error for an answer that is not Cloud Storage's."""
    return Unavailable(
        f"{TITLE}: the answer {why}", hint="look at objects_endpoint and at the proxy"
    )
