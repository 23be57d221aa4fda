"""Reads: the next target when one cannot answer, or is slow.

The home of a name is asked first: the primary, or where an acknowledged write of this host
went that the primary still has to get. Then the failover targets in their order; those that
are owed a write of the name last. ``Unavailable`` and ``Throttled``, or what ``failover_on``
names, go on to the next one. What the home says else is the answer, also ``NotFound`` (unless a
write of the name is in doubt elsewhere) and ``Denied``; from another target only a value is:
what it does not have, or does not show, may well be there. Whether a target is behind is asked
before it is read: while it answers, it may be brought up to date.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

from skykeep.errors import Invalid, NotFound, SkykeepError, Throttled, Unavailable
from skykeep.interfaces.call import Answer, Call, RoutedCall, RoutedNext, Target
from skykeep.interfaces.tasks import Tasks
from skykeep.journal.journal import Journal
from skykeep.layers.agreement import Agreement
from skykeep.layers.circuit import State
from skykeep.layers.hedge import Hedge
from skykeep.layers.standing import Standings

T = TypeVar("T")
logger = logging.getLogger("skykeep")


@dataclass(frozen=True, slots=True)
class Choice:
    """A target that may be asked.

    Attributes:
        target: it.
        home: what it says is the answer.
        behind: seconds by which it may be behind; None if this host knows of nothing.
        at: when that was so, seconds of ``time.monotonic()``.
    """

    target: Target
    home: bool
    behind: float | None
    at: float


class Failover:
    """Answers reads from several targets. Backups are not among them.

    Args:
        targets: the primary and the failover targets.
        journal: what they are owed.
        standings: which of them are left alone, and how quick they are.
        hedge: asks a second time when an answer takes long; None never does.
        tasks: the Cloud's: a probe of a target that was left alone is nobody's read.
        away: errors of the home after which another target is asked.
    """

    def __init__(
        self,
        targets: Sequence[Target],
        journal: Journal,
        standings: Standings,
        hedge: Hedge | None,
        tasks: Tasks,
        *,
        away: tuple[type[SkykeepError], ...] = (Unavailable, Throttled),
    ) -> None:
        self._targets = targets
        self._journal = journal
        self._standings = standings
        self._hedge = hedge
        self._tasks = tasks
        self._away_if = away
        self._told = False
        self._agreement = Agreement()

    async def __call__(self, call: Call[T], next: RoutedNext[T], /) -> Answer[T]:
        """The first answer. Raises what the home raised if no other target answers."""
        refused: list[SkykeepError | Choice] = []
        asked: set[str] = set()
        while True:
            # Anew for each: while one target let us wait, others may have been written.
            choices = self.choices(call, asked)
            # Passed over as long as there are others: that takes no time, and no error is made
            # that nobody may see.
            while len(choices) > 1 and self._left_alone(choices[0], call, next):
                asked.add(choices[0].target.name)
                refused.append(choices.pop(0))
            if not choices:
                raise self._told_of(refused) if refused else _nobody(call)
            choice = choices.pop(0)
            asked.add(choice.target.name)
            try:
                if self._hedge is None:
                    answer = await next(RoutedCall(call, choice.target, last=not choices))
                else:
                    others = partial(self.choices, call, asked)
                    answer, choice = await self._hedge.ask(
                        call, choice, others, next, last=not choices
                    )
            except self._away_if as error:
                refused.append(error)
            except SkykeepError as error:
                if self._is_answer(choice, error):
                    raise
                refused.append(error)
            else:
                return self._marked(call, answer, choice)

    def _is_answer(self, choice: Choice, error: SkykeepError) -> bool:
        """Whether it is what the caller is told: of its home, which may have it, too."""
        return choice.home and (choice.behind is None or not isinstance(error, NotFound))

    def choices(self, call: Call[T], asked: Collection[str] = ()) -> list[Choice]:
        """Who may be asked, in order; not those of these names, who were asked already."""
        try:
            self._journal.look()
        except SkykeepError as error:
            # Nobody knows who is behind: the primary is asked, and no replica is believed.
            if not self._told:
                self._told = True
                logger.warning("no failover: this host's journal cannot be read: %s", error)
            alone = Choice(self._targets[0], True, None, time.monotonic())
            return [] if alone.target.name in asked else [alone]
        self._told = False
        now = time.monotonic()
        asked_for = [
            each for each in self._targets if call.only is None or each.name == call.only
        ]
        if not len(self._journal):  # as a rule: they are in their order, and up to date
            primary = self._targets[0]
            everybody = [Choice(each, each is primary, None, now) for each in asked_for]
        else:
            home = self._journal.home(call.resource, self._targets[0].name)
            everybody = [
                Choice(each, each.name == home, self._behind(call, each), now)
                for each in asked_for
            ]
            everybody.sort(key=lambda each: (not each.home, each.behind is not None))
        if not call.failover or call.strict:
            everybody = [each for each in everybody if each.home] or everybody[:1]
        if not asked:
            return everybody
        return [each for each in everybody if each.target.name not in asked]

    def _behind(self, call: Call[T], target: Target) -> float | None:
        if call.operation.endswith(".list"):
            return self._journal.behind_under(call.resource, target.name)
        return self._journal.behind(call.resource, target.name)

    def _marked(self, call: Call[T], answer: Answer[T], choice: Choice) -> Answer[T]:
        if choice.home:
            self._agreement.saw(call.resource, answer.value, answer.at)
        at_home = choice.target is self._targets[0] and choice.home
        if at_home and choice.behind is None:
            return answer
        # As old as the look at what it is owed: a try before this one took its time, too.
        at, behind = min(answer.at, choice.at), choice.behind
        if not choice.home:
            seen = self._agreement.behind(call.resource, answer.value, choice.target.name, at)
            if seen is not None:
                behind = seen if behind is None else max(behind, seen)
        if behind is not None:
            answer.stale, answer.behind = True, behind
        # It was made for this call, and is nobody else's. The primary itself is behind where a
        # write is in doubt at another target: somebody may have seen it there.
        answer.at, answer.degraded = at, not at_home
        return answer

    def _left_alone(self, choice: Choice, call: Call[T], next: RoutedNext[T]) -> bool:
        """Whether it has asked for patience, or its breaker is open. A probe that is due goes
        beside the caller, who does not wait for it."""
        standing = self._standings.of(choice.target)
        circuit = standing.breaker
        if circuit.state is State.CLOSED:
            return not standing.take_turn()
        if circuit.due:
            probe = RoutedCall(replace(call, trace=[]), choice.target, last=False)
            name = f"probe {choice.target.name}"
            self._tasks.start(_quietly(next(probe)), name=name)
        return True

    def _told_of(self, refused: Sequence[SkykeepError | Choice]) -> SkykeepError:
        errors = [self._away(each) if isinstance(each, Choice) else each for each in refused]
        if isinstance(errors[0], NotFound):
            # The home has nothing: no answer while another one, who may have it, is away.
            errors.sort(key=lambda each: isinstance(each, NotFound))
        return _told(errors)

    def _away(self, choice: Choice) -> SkykeepError:
        standing = self._standings.of(choice.target)
        if standing.breaker.state is State.CLOSED:
            return Throttled(
                f"{choice.target.name} has asked for patience", target=choice.target.name
            )
        return Unavailable(
            f"{choice.target.name} is left alone: it did not answer ({standing.last_error})",
            sent=False,
            left_alone=True,
            hint="it is tried from time to time",
            target=choice.target.name,
        )


async def _quietly(probe: Awaitable[object]) -> None:
    """A probe's outcome is told to the breaker, below."""
    with suppress(SkykeepError):
        await probe


def _nobody(call: Call[T]) -> Invalid:
    return Invalid(
        f"{call.only} is no target that is read in this environment",
        hint="a version or a cursor of another environment means nothing here",
    )


def _told(refused: Sequence[SkykeepError]) -> SkykeepError:
    """The first target's error, with what the others said."""
    first, *others = refused
    said = ", ".join(f"{error.target or '?'}: {type(error).__name__}" for error in others)
    if said and "the others said" not in first.hint:
        also = f"the others said {said}"
        first.hint = f"{first.hint}; {also}" if first.hint else also
    return first
