"""The token of a session: got once, renewed ahead of its end, got anew when it is refused."""

from __future__ import annotations

import asyncio
import copy
import os
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final

import msgspec

from skykeep.errors import SkykeepError, Unauthenticated, Unavailable
from skykeep.providers.vault.answers import Lookup
from skykeep.providers.vault.errors import token_is_known
from skykeep.providers.vault.tokens import Login, Send, Token, granted

RENEW_AT: Final = 1 / 3
"""A token is renewed when less than this part of its lease is left."""
PATIENCE: Final = 30.0
"""Seconds after a renewal has failed until it is tried again, while the token is good."""
ASK_AFTER: Final = 60.0
"""Seconds of use after which a token that was given is asked for its end: a command is over
by then and has not paid for the call."""
FAREWELL: Final = 1.0
"""Seconds that the revocation of a token may take when its session is closed."""


class TokenKeeper:
    """Belongs to one event loop. However many calls want a token, one of them gets it.

    A login that is refused is refused for all that wait for it: a hundred wrong passwords
    would lock the user out. One that is cancelled is taken over by the next.
    """

    def __init__(self, login: Login, send: Send) -> None:
        self.login = login
        self._send = send
        self._token: Token | None = None
        self._owner = 0  # the process that logged in
        self._under_way: asyncio.Future[SkykeepError | None] | None = None
        self._not_before = 0.0

    async def token(self) -> Token:
        """The token in use: got first if need be, renewed if it ends soon."""
        token = self._token
        if token is not None and not self._due(token):
            return token
        return await self._one_flight(self._renewal)

    async def another(self, refused: Token) -> Token:
        """One in place of a token that the server does not know. Raises ``Unauthenticated``
        if there is no other."""

        async def anew() -> None:
            if self._token is not None and self._token.value != refused.value:
                return
            self._token = None
            await self._log_in()

        token = await self._one_flight(anew)
        if token.value == refused.value:  # the flight may have been a renewal of that token
            token = await self._one_flight(anew)
        if token.value == refused.value:
            self._token = None
            raise Unauthenticated(
                f"Vault does not know the token from {refused.source}: it has expired, "
                "was revoked, or is of another server or namespace",
                hint="log in again; 'skykeep doctor' says which server is asked",
            )
        return token

    async def good(self, token: Token, denial: bool | None) -> bool:
        """Whether a token that was refused is one at all: a policy may refuse it as well.

        ``denial``: what the refusal itself said of that.
        """
        if denial is not None:
            return denial
        reply = await self._send(
            "GET", "auth/token/lookup-self", {"X-Vault-Token": token.value}, b""
        )
        return reply.status != 403 or token_is_known(reply) is True

    async def close(self) -> None:
        """Revoke a token that a login of ours got, in this process: it would be a lease on
        the server for weeks. Nothing is raised if that fails."""
        token, self._token = self._token, None
        if token is None or not token.ours or self._owner != os.getpid():
            return
        try:
            async with asyncio.timeout(FAREWELL):
                await self._send(
                    "POST", "auth/token/revoke-self", {"X-Vault-Token": token.value}, b""
                )
        except (SkykeepError, TimeoutError):
            pass  # it ends by its lease

    def after_fork(self) -> None:
        """In a forked child: the token is good here too; who was getting one is not here."""
        self._under_way = None

    def _due(self, token: Token) -> bool:
        now = time.monotonic()
        left = token.left()
        if left is None:
            return not token.asked and now - token.at > ASK_AFTER
        if left <= 0:
            return True
        return left < (token.lease or 0.0) * RENEW_AT and now >= self._not_before

    async def _one_flight(self, work: Callable[[], Awaitable[None]]) -> Token:
        while True:
            flight = self._under_way
            if flight is None:
                await self._lead(work)
            else:
                failure = await asyncio.shield(flight)
                if failure is not None:
                    raise copy.copy(failure)
            if self._token is not None:
                return self._token

    async def _lead(self, work: Callable[[], Awaitable[None]]) -> None:
        flight: asyncio.Future[SkykeepError | None] = asyncio.get_running_loop().create_future()
        self._under_way = flight
        outcome: SkykeepError | None = None
        try:
            await work()
        except SkykeepError as error:
            outcome = copy.copy(error)  # without the frames that made it
            raise
        finally:
            if self._under_way is flight:
                self._under_way = None
            flight.set_result(outcome)

    async def _log_in(self) -> None:
        self._token = await self.login.token(self._send)
        self._owner = os.getpid()

    async def _renewal(self) -> None:
        token = self._token
        if token is None:
            await self._log_in()
        elif self._due(token):  # else somebody was quicker
            if token.lease is None:
                await self._ask(token)
            elif not await self._prolonged(token):
                await self._replaced(token)

    async def _ask(self, token: Token) -> None:
        """Learn when a token that was given ends, if it may ask that."""
        try:
            reply = await self._send(
                "GET", "auth/token/lookup-self", {"X-Vault-Token": token.value}, b""
            )
            about = msgspec.json.decode(reply.body, type=Lookup).data
        except (Unavailable, msgspec.MsgspecError):
            about = None  # a call of the application will tell what is wrong
        if about is None:
            self._token = replace(token, asked=True)
        else:
            self._token = replace(
                token,
                lease=about.ttl or None,
                renewable=about.renewable,
                asked=True,
                at=time.monotonic(),
            )

    async def _prolonged(self, token: Token) -> bool:
        left = token.left() or 0.0
        if not token.renewable or left <= 0:
            return False
        try:
            reply = await self._send(
                "POST", "auth/token/renew-self", {"X-Vault-Token": token.value}, b""
            )
            renewed = granted(reply, token.source, token.value)
        except Unauthenticated:
            return False
        except SkykeepError:
            self._not_before = time.monotonic() + PATIENCE
            return True  # it is good for a while yet
        # Near the end of its longest life a token is given less and less.
        if (renewed.lease or 0.0) <= left:
            return False
        self._token = replace(renewed, ours=token.ours)
        return True

    async def _replaced(self, token: Token) -> None:
        try:
            await self._log_in()
        except SkykeepError:
            if (token.left() or 0.0) <= 0:
                raise
            self._not_before = time.monotonic() + PATIENCE
