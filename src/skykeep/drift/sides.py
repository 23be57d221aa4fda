"""One of the two stores: asked at its pace, and again when it asks for patience."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from skykeep.errors import (
    ConfigError,
    MissingExtra,
    Quota,
    SkykeepError,
    Throttled,
    Unauthenticated,
    Unavailable,
)
from skykeep.interfaces.provider import Kind
from skykeep.interfaces.secret_driver import Secret, SecretInfo
from skykeep.interfaces.secrets import Secrets

T = TypeVar("T")

AT_ONCE = 64
"""Secrets under way at once, by default."""

TRIES = 8
LONGEST = 30.0
"""Seconds that a throttled call waits at most, unless the store asks for more."""

IN_A_ROW = 16
"""So many calls without an answer, and none with one between them: the store is away."""

_OF_ALL = (ConfigError, MissingExtra, Quota, Throttled, Unauthenticated)
"""What one secret fails of, the others would fail of as well."""


class Pace(Protocol):
    """How quickly a store may be asked; ``skykeep.layers.pace.Paces`` is one."""

    async def take(self, kind: Kind, /) -> None:
        """Wait until one more call of the kind may be made."""


class Patience:
    """Calls that are throttled are made again; all others of the store wait meanwhile.

    A throttled call was not executed, so that any may be made again. The retry layer has
    tried already, for as long as a caller waits; here there is time.
    """

    def __init__(
        self,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._sleep = sleep
        self._clock = clock
        self._jitter = jitter
        self._not_before = 0.0

    async def __call__(self, work: Callable[[], Awaitable[T]]) -> T:
        """What the work answers. Raises ``Throttled`` after ``TRIES`` tries."""
        number = 0
        while True:
            while (rest := self._not_before - self._clock()) > 0:
                # Not all at the same moment, or the store is met by them all.
                await self._sleep(rest * (1 + self._jitter() / 2))
            try:
                return await work()
            except Throttled as error:
                number += 1
                if number == TRIES:
                    raise
                wait = max(error.retry_after or 0.0, min(LONGEST, 0.5 * 2.0**number))
                self._not_before = max(self._not_before, self._clock() + wait)


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """How two stores are gone through.

    Attributes:
        one_environment: both are targets of one environment, so that their stamps are made with
            one key: where stamps tell whether values are the same, values are not read.
        at_once: secrets under way at once.
        pace_a, pace_b: how quickly each may be asked; None is as quickly as it answers.
        patience_a, patience_b: how throttled calls wait.
    """

    one_environment: bool = False
    at_once: int = AT_ONCE
    pace_a: Pace | None = None
    pace_b: Pace | None = None
    patience_a: Patience = field(default_factory=Patience)
    patience_b: Patience = field(default_factory=Patience)


class Side:
    """A store, by its portable face."""

    def __init__(self, secrets: Secrets, pace: Pace | None, patience: Patience) -> None:
        self.secrets = secrets
        self._pace = pace
        self._patience = patience

    async def ask(self, kind: Kind, work: Callable[[], Awaitable[T]]) -> T:
        """One call of ``secrets``. Raises what it raises."""

        async def paced() -> T:
            if self._pace is not None:
                await self._pace.take(kind)
            return await work()

        return await self._patience(paced)

    async def get(self, name: str) -> Secret:
        """The current value, from the store itself. Raises as ``Secrets.get``."""
        return await self.ask(
            "read", lambda: self.secrets.get(name, fresh=True, fail_if_stale=True)
        )

    async def describe(self, name: str) -> SecretInfo:
        """Raises as ``Secrets.describe``."""
        return await self.ask("describe", lambda: self.secrets.describe(name))

    async def list(self, prefix: str) -> AsyncGenerator[SecretInfo, None]:
        """Raises as ``Secrets.list``."""
        listing = self.secrets.list(prefix)
        while (page := await self.ask("list", listing.next_page)) is not None:
            for info in page:
                yield info
            if listing.cursor is None:
                return


def sides(a: Secrets, b: Secrets, course: Course) -> tuple[Side, Side]:
    """Both of them."""
    return (
        Side(a, course.pace_a, course.patience_a),
        Side(b, course.pace_b, course.patience_b),
    )


class Fuse:
    """Tells a store that is away from one secret that cannot be had."""

    def __init__(self) -> None:
        self.blown: SkykeepError | None = None
        self._in_a_row = 0

    def failed(self, error: SkykeepError) -> None:
        """One could not be had; ``blown`` is set if the others cannot be, either."""
        if isinstance(error, Unavailable):
            self._in_a_row += 1
        if isinstance(error, _OF_ALL) or self._in_a_row >= IN_A_ROW:
            self.blown = self.blown or error

    def worked(self) -> None:
        """One was had."""
        self._in_a_row = 0
