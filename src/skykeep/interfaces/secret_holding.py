"""A secret that a process holds: the newest that was seen, and read afresh when refused."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final

from skykeep.errors import SkykeepError
from skykeep.interfaces.names import shown
from skykeep.interfaces.secret_changes import Source, Survey
from skykeep.interfaces.secret_driver import Secret
from skykeep.interfaces.secret_value import SecretValue
from skykeep.interfaces.secret_watching import Watch
from skykeep.interfaces.tasks import Tasks

logger = logging.getLogger("skykeep")

REFUSED_EVERY: Final = 5.0
"""Seconds between two reads that refusals cause, if nothing else is asked for."""


class HeldSecret:
    """What ``Secrets.hold`` gives: a secret that follows its rotations.

    It is looked at every so often until ``close``, or until the cloud is closed. While the
    store does not answer, and after the secret was deleted, the value stays the last that was
    seen: both are logged. So it does in a forked child, where nobody looks: hold it there anew.
    """

    def __init__(
        self,
        secret: Secret,
        source: Source,
        tasks: Tasks,
        *,
        every: float,
        refused_every: float = REFUSED_EVERY,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        jitter: Callable[[], float] = random.random,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """
        Args:
            secret: what is held at first; it may be a replica's answer.
            source: how it is asked for.
            tasks: the cloud's.
            every: seconds from one look to the next; raises ``Invalid`` unless above 0.
            refused_every: ``refused`` reads the store at most once in so many seconds.
            sleep, jitter, clock: tests have their own.
        """
        self._secret = secret
        self._source = source
        self._every = refused_every
        self._clock = clock
        self._begun = self._taken = 0  # reads are numbered: a late answer undoes no newer one
        self._refusals = asyncio.Lock()
        self._asked_at: float | None = None
        self._changed = False
        where = secret.provenance
        survey = Survey(replace(source, get=self._read), [secret.name])
        if where is None or not (where.stale or where.degraded):
            # What only a replica has was not deleted at home.
            survey.seed(secret)
        self._watch = Watch(
            survey, shown(secret.name), every, sleep=sleep, jitter=jitter, clock=clock
        )
        self._watch.begin_later()
        self._task = tasks.start(self._follow(), name=f"hold {secret.name}")

    @property
    def secret(self) -> Secret:
        """The newest that was seen."""
        return self._secret

    @property
    def value(self) -> SecretValue:
        """Its value."""
        return self._secret.value

    async def refused(self, used: Secret | SecretValue | None = None) -> bool:
        """Read it afresh, for it was refused where it was used. True if there is another.

        ``used`` is what was refused: if another value is held by now, nothing is read. All who
        are refused at once share one read, and ``refused_every`` seconds pass before the next:
        within them the answer is that of the last one. A wrong password is no storm of reads.
        Raises what reading raises; what was held stays.
        """
        old = used.value if isinstance(used, Secret) else used
        if old is not None and self.value != old:
            return True
        async with self._refusals:
            now = self._clock()
            if self._asked_at is None or now - self._asked_at >= self._every:
                self._asked_at, self._changed = now, False
                before = self.value
                self._source.forget(self._secret.name)
                await self._read(self._secret.name)
                self._changed = self.value != before
        return self._changed if old is None else self.value != old

    def close(self) -> None:
        """Look no more; what is held stays. May be called twice."""
        self._task.cancel()

    async def _read(self, name: str) -> Secret:
        self._begun = number = self._begun + 1
        secret = await self._source.get(name)
        if number > self._taken:
            self._taken, self._secret = number, secret
        return secret

    async def _follow(self) -> None:
        what = shown(self._secret.name)
        try:
            async with self._watch:
                async for change in self._watch:
                    if change.kind == "deleted":
                        logger.warning("the secret %s was deleted; its value is held on", what)
        except SkykeepError as error:
            logger.error(
                "the secret %s is not followed any more: %s: %s",
                what,
                type(error).__name__,
                error.message,
            )
