"""One call to one service of AWS: credentials, signature, JSON or query, errors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

import msgspec

from skykeep.errors import SkykeepError, Unavailable
from skykeep.providers.aws.clock import ServiceClock
from skykeep.providers.aws.credentials import Credentials, Keys
from skykeep.providers.aws.endpoints import Service
from skykeep.providers.aws.errors import (
    ENDED,
    NOT_CURRENT,
    Failure,
    read_failure,
    translate,
)
from skykeep.providers.aws.signing import Request, Signer
from skykeep.providers.wire import Reply, Wire

NOTHING: Mapping[str, Any] = {}
Secretly = Callable[[], Mapping[str, str]]
"""Gives the fields of a request that hold a value; no frame keeps them."""


class Answer(dict[str, Any]):
    """The fields of an answer. Shows their names only: one of them may be a value."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"Answer({', '.join(self)})"


class Client:
    """Calls one service in one region. Sends a request once, but for two reasons to sign anew:
    the keys have ended and there are others, or this host's clock is wrong. In both the service
    has refused the request, so nothing is done twice.
    """

    def __init__(
        self,
        service: Service,
        region: str,
        wire: Wire,
        credentials: Credentials,
    ) -> None:
        self.service = service
        self.region = region
        self.credentials = credentials
        self._wire = wire
        self.clock = ServiceClock()
        origin = wire.origin
        self._signer = Signer(service.id, region, origin.host_header, f"{origin.base_path}/")

    async def call(
        self,
        action: str,
        fields: Mapping[str, Any] = NOTHING,
        *,
        subject: str = "",
        secretly: Secretly | None = None,
    ) -> Answer:
        """Send the action and give its answer.

        Args:
            action: as AWS names it.
            fields: of the request, without any value.
            subject: what it is about, for errors.
            secretly: gives the fields that hold the value.

        Raises what ``errors.TABLE`` says; ``Unavailable`` for no whole answer.
        """
        reply, failure = await self.ask(action, fields, secretly)
        if failure is not None:
            raise translate(failure, title=self.service.title, subject=subject, action=action)
        return self.answer(reply, action)

    def answer(self, reply: Reply, action: str) -> Answer:
        """The fields of an answer of 200. Raises ``Unavailable`` for what is no JSON."""
        answer = _decoded(reply.body)
        if answer is None:
            raise Unavailable(
                f"{self.service.title}: the answer to {action} is not JSON",
                hint="look at the endpoint and at the proxy",
                request_id=reply.headers.get("x-amzn-requestid", ""),
            )
        return answer

    async def ask(
        self, action: str, fields: Mapping[str, Any], secretly: Secretly | None = None
    ) -> tuple[Reply, Failure | None]:
        """Send the action; the answer, and what it says if it says no."""
        keys = await self.credentials.keys()
        renewed = corrected = False
        while True:
            request = self._request(action, fields, secretly, keys)
            reply = await self._wire.send(
                "POST", "/", headers=request.headers, body=request.body
            )
            if reply.status == 200:
                return reply, None
            failure = read_failure(reply)
            if failure.code in NOT_CURRENT and not corrected and self.clock.corrected(reply):
                corrected = True
                continue
            if failure.code in ENDED and not renewed:
                renewed = True
                others = await self.credentials.renewed(keys)
                if others is not None:
                    keys = others
                    continue
            return reply, failure

    async def ask_in_vain(self, action: str, fields: Mapping[str, Any]) -> None:
        """Send what may as well fail: nothing depends on it."""
        try:
            await self.ask(action, fields)
        except SkykeepError:
            pass

    async def close(self) -> None:
        """Close the connections."""
        await self._wire.close()

    def after_fork(self) -> None:
        """In a forked child: nothing of the parent's is used again."""
        self._wire.after_fork()
        self.credentials.after_fork()

    def _request(
        self, action: str, fields: Mapping[str, Any], secretly: Secretly | None, keys: Keys
    ) -> Request:
        """The signed request. Raises nothing: its frame holds the value."""
        whole = {**fields, **secretly()} if secretly is not None else fields
        service = self.service
        if service.target:
            headers = {
                "content-type": "application/x-amz-json-1.1",
                "x-amz-target": f"{service.target}.{action}",
            }
            body = msgspec.json.encode(whole)
        else:
            headers = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}
            query = {"Action": action, "Version": service.version, **whole}
            body = urlencode(query).encode()
        return self._signer.sign(headers, body, keys, self.clock.stamp())


def _decoded(body: bytes) -> Answer | None:
    try:
        return Answer(msgspec.json.decode(body, type=dict[str, Any]))
    except (msgspec.DecodeError, RecursionError):
        return None
