"""The tokens of a target: got once, renewed ahead of their end, got anew when refused."""

from __future__ import annotations

import asyncio
import copy
import time
from dataclasses import dataclass, field, replace
from typing import Final

from skykeep.errors import SkykeepError, Unauthenticated, Unavailable
from skykeep.providers.azure.credentials.tokens import Ask, Link, Token

LAST: Final = 30.0
"""Seconds before its end from which on no call begins with a token."""
PATIENCE: Final = 30.0
"""Seconds after a renewal beside calls has failed until it is tried again (azure-identity 1.27
``_constants.py``, ``DEFAULT_TOKEN_REFRESH_RETRY_DELAY``)."""
LONGEST: Final = 60.0
"""Seconds that a search may take in all, whoever waits for it: three tools of ten seconds, and
the rest. A caller's own deadline is shorter, and ends its waiting, not the search."""

Key = tuple[str, str]


class Credentials:
    """May be used by many tasks, and from any event loop.

    However many calls want a token, one of them is got. A refusal is one for all that wait
    for it: a hundred wrong secrets would lock an account out.
    """

    def __init__(self, link: Link, target: str = "", tenant: str | None = None) -> None:
        """``tenant``: the one that the target's settings name for the vault."""
        self._link = link
        self._target = target
        self._tenant = tenant
        self._kept: dict[Key, Token] = {}
        self._flights: dict[tuple[str, str, str, bool], asyncio.Task[Token]] = {}
        self._not_before: dict[Key, float] = {}

    @property
    def source(self) -> str:
        """Where tokens come from, in words that say where to look."""
        return self._link.source

    async def token(self, scope: str, tenant: str | None, claims: str | None = None) -> str:
        """A token for a scope, ``https://vault.azure.net/.default``.

        Args:
            scope: as Entra names it.
            tenant: the one that the vault's challenge names; None if it was not asked yet.
            claims: what a claims challenge demands, JSON; a kept token will then not do.

        Raises ``Unauthenticated``, ``Denied``, ``Throttled``, ``Unavailable``,
        ``ConfigError``, ``MissingExtra``.
        """
        if claims:
            return (await self._got(Ask(scope, tenant or self._tenant, claims))).value
        return (await self.current(scope, tenant)).value

    async def current(self, scope: str, tenant: str | None) -> Token:
        """The token itself, with its source and end. Raises as ``token``."""
        ask = Ask(scope, tenant or self._tenant)
        token = self._fitting(ask)
        now = time.monotonic()
        if token is None or now >= token.ends - LAST:
            return await self._got(ask)
        key = _key(ask)
        if now >= token.renew and now >= self._not_before.get(key, 0.0):
            self._begin(ask)
        return token

    async def another(
        self, scope: str, refused: str, tenant: str | None, claims: str | None = None
    ) -> str:
        """A token in place of one that the vault refused. Raises ``Unauthenticated`` if there
        is no other, and as ``token``."""
        ask = Ask(scope, tenant or self._tenant, claims)
        no = _Refused(refused)
        del refused  # reports of errors may show the variables of a frame
        token = self._fitting(ask)
        if token is None or token.value == no.value:
            self._forget(scope, no)
            token = await self._got(replace(ask, anew=True))
        if token.value != no.value:
            return token.value
        raise Unauthenticated(
            f"Azure does not accept the token from {token.source}, and there is no other",
            hint="is it of the right tenant (auth.tenant), and is this host's clock right?",
            target=self._target,
        )

    async def close(self) -> None:
        """Give up what is under way; close the connections."""
        flights, self._flights = list(self._flights.values()), {}
        here = asyncio.get_running_loop()
        mine = [flight for flight in flights if flight.get_loop() is here]
        for flight in mine:
            flight.cancel()
        if mine:
            await asyncio.wait(mine)
        self._kept.clear()
        await self._link.close()

    def after_fork(self) -> None:
        """In a forked child: tokens are good here too; who was getting one is not here."""
        self._flights = {}
        self._link.after_fork()

    def _fitting(self, ask: Ask) -> Token | None:
        token = self._kept.get(_key(ask))
        if token is not None:
            return token
        for (scope, _), other in self._kept.items():
            if scope == ask.scope and _fits(other, ask.tenant):
                return other
        return None

    def _forget(self, scope: str, refused: _Refused) -> None:
        gone = [
            key
            for key, token in self._kept.items()
            if key[0] == scope and token.value == refused.value
        ]
        for key in gone:
            del self._kept[key]

    async def _got(self, ask: Ask) -> Token:
        failure: SkykeepError
        try:
            return await asyncio.shield(self._begin(ask))
        except SkykeepError as error:
            failure = copy.copy(error)  # each has its own, without the frames that made it
        raise failure.located(target=self._target)

    def _begin(self, ask: Ask) -> asyncio.Task[Token]:
        key = (*_key(ask), ask.claims or "", ask.anew)
        flight = self._flights.get(key)
        here = asyncio.get_running_loop()
        if flight is not None and flight.get_loop() is here and not flight.done():
            return flight
        flight = here.create_task(self._fetched(ask), name="skykeep azure token")
        self._flights[key] = flight

        def landed(task: asyncio.Task[Token]) -> None:
            if self._flights.get(key) is task:
                del self._flights[key]
            if not task.cancelled():
                task.exception()  # marks it as looked at: perhaps nobody waits any more

        flight.add_done_callback(landed)
        return flight

    async def _fetched(self, ask: Ask) -> Token:
        key = _key(ask)
        failure: SkykeepError
        try:
            async with asyncio.timeout(LONGEST):
                token = await self._link.token(ask)
        except SkykeepError as error:
            failure = error
        except TimeoutError:
            failure = Unavailable(
                f"no token from {self.source} in {LONGEST:.0f} seconds", sent=False
            )
        else:
            self._kept[key] = token
            self._not_before.pop(key, None)
            return token
        self._not_before[key] = time.monotonic() + PATIENCE
        raise failure


@dataclass(frozen=True, slots=True)
class _Refused:
    """A token that was refused; not shown."""

    value: str = field(repr=False)


def _key(ask: Ask) -> Key:
    return ask.scope, (ask.tenant or "").casefold()


def _fits(token: Token, tenant: str | None) -> bool:
    """Whether a token that was asked for another tenant, or for none, is one for this one."""
    if tenant is None or token.tenant is None:
        return True
    return token.tenant.casefold() == tenant.casefold()
