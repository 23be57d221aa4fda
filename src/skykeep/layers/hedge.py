"""A second copy of a slow read, before the first has failed; under a budget.

It is sent when the answer takes longer than 95 of 100 reads of that target do. To the same
target
if it is quick otherwise: one answer was lost or late. To the next one, if that is behind in
nothing, when the last reads there were slow, too: then it is the target. The first answer
counts; the other copy is cancelled, which is no failure to anybody's breaker.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, TypeVar

from skykeep.errors import SkykeepError, Throttled, Unavailable
from skykeep.interfaces.call import Answer, Call, RoutedCall, RoutedNext
from skykeep.interfaces.tasks import Tasks
from skykeep.layers.circuit import State
from skykeep.layers.standing import Standings

if TYPE_CHECKING:
    from skykeep.layers.failover import Choice

T = TypeVar("T")

SEEN: Final = 20
"""Reads after which 95 of 100 means anything."""

SAVED: Final = 5.0
"""Hedges that can be saved up: more would be a burst when a target begins to be slow."""


class Hedge:
    """Asks a choice, and again or another one if that takes long.

    Args:
        standings: how long reads take.
        tasks: the Cloud's.
        budget: hedges earned by each read.
    """

    def __init__(self, standings: Standings, tasks: Tasks, budget: float) -> None:
        self._standings = standings
        self._tasks = tasks
        self._budget = budget
        self._earned = 0.0

    async def ask(
        self,
        call: Call[T],
        choice: Choice,
        others: Callable[[], Sequence[Choice]],
        next: RoutedNext[T],
        *,
        last: bool,
    ) -> tuple[Answer[T], Choice]:
        """The first answer, and whose it is. Raises as the first copy does, or as its home.

        ``others`` are the choices beside this one, as they are when it is called; ``last`` says
        that there are none now.
        """
        self._earned = min(SAVED, self._earned + self._budget)
        standing = self._standings.of(choice.target)
        patience = standing.p95 if standing.reads.count >= SEEN else None

        async def copy(of: Choice) -> Answer[T]:
            return await next(RoutedCall(call, of.target, last=last))

        if patience is None or self._earned < 1.0:
            return await copy(choice), choice
        name = f"{call.operation} {call.resource}"
        copies = {self._tasks.start(copy(choice), name=name): choice}
        errors: dict[bool, SkykeepError] = {}
        try:
            done, _ = await asyncio.wait(copies, timeout=patience)
            # Asked again: others may have waited as long, and have spent what there was.
            if not done and self._earned >= 1.0 and not self._rests(choice):
                self._earned -= 1.0
                second = self._second(choice, others())
                copies[self._tasks.start(copy(second), name=f"{name} (hedge)")] = second
            waiting = set(copies)
            while waiting:
                done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                for each in done:
                    error = each.exception()
                    if error is None:
                        return each.result(), copies[each]
                    if not isinstance(error, SkykeepError):
                        raise error
                    if copies[each].home and not isinstance(error, (Unavailable, Throttled)):
                        raise error
                    errors.setdefault(copies[each] is choice, error)
            raise errors.get(True) or errors[False]
        finally:
            for each in copies:
                each.cancel()

    def _rests(self, choice: Choice) -> bool:
        """It has asked for patience, and is given it: that is why it takes so long."""
        return self._standings.of(choice.target).rests

    def _second(self, choice: Choice, others: Sequence[Choice]) -> Choice:
        if not others or others[0].behind is not None:
            return choice
        there = self._standings.of(others[0].target)
        slow = self._standings.of(choice.target).slow()
        return others[0] if slow and there.breaker.state is State.CLOSED else choice
