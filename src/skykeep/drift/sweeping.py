"""Looks, from time to time, for names in which an environment's targets have drifted apart.

What this host owes a target is no drift: it is brought there. What is left was written by
others, to one store alone, or was owed by a host that is gone.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from skykeep.drift.comparing import compare
from skykeep.drift.differences import Kind
from skykeep.drift.sides import Course
from skykeep.errors import SkykeepError
from skykeep.interfaces.secrets import Secrets
from skykeep.layers.stack import Swept

logger = logging.getLogger("skykeep")

SHOWN = 20
"""Names that are kept of each target, for whoever asks."""


@dataclass(frozen=True, slots=True)
class Compared:
    """A target, by its name, and how to compare the primary with it."""

    target: str
    secrets: Secrets
    course: Callable[[], Course]


class Sweeper:
    """Compares the primary with each other target, round after round.

    Args:
        primary: through the back entrance: nobody waits for it.
        others: likewise.
        owed: whether this host still owes the target a write of the name.
        every: seconds between rounds, give or take a tenth.
        sleep, dice, clock: tests turn them.
    """

    def __init__(
        self,
        primary: Secrets,
        others: Sequence[Compared],
        owed: Callable[[str, str], bool],
        every: float,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        dice: Callable[[], float] = random.random,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._primary = primary
        self._others = others
        self._owed = owed
        self._every = every
        self._sleep = sleep
        self._dice = dice
        self._clock = clock
        self._found: dict[str, Swept] = {}

    @property
    def found(self) -> Mapping[str, Swept]:
        """What the last round found, by the target's name."""
        return self._found

    async def serve(self) -> None:
        """Sweep until cancelled; the first round comes after a wait, too."""
        while True:
            await self._sleep(self._every * (0.9 + 0.2 * self._dice()))
            for other in self._others:
                try:
                    await self._sweep(other)
                except SkykeepError as error:
                    logger.debug("%s was not compared: %s", other.target, error)

    async def _sweep(self, other: Compared) -> None:
        names: list[str] = []
        count = 0
        found = compare(self._primary, other.secrets, "", other.course())
        async with aclosing(found):
            async for each in found:
                if each.kind in {Kind.SAME, Kind.UNKNOWN} or self._owed(
                    each.name, other.target
                ):
                    continue
                count += 1
                if len(names) < SHOWN:
                    names.append(each.name)
        before = self._found.get(other.target)
        self._found[other.target] = Swept(self._clock(), count, tuple(sorted(names)))
        if count and (before is None or before.names != tuple(sorted(names))):
            logger.warning(
                "%s and the primary differ in %d secret(s): %s; skykeep diff shows them",
                other.target,
                count,
                ", ".join(sorted(names)[:5]),
            )
