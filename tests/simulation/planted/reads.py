"""Defects of reads and of what is kept of them."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any
from unittest import mock

from skykeep.errors import NotFound
from skykeep.interfaces import secrets as portable
from skykeep.journal.journal import Journal
from skykeep.layers.cache import Cache
from skykeep.layers.failover import Failover
from skykeep.layers.kept import Kept
from skykeep.layers.single_flight import SingleFlight
from tests.simulation.planted.registry import both, fault, instead


@fault("an answer of a replica is not marked", bound=100)
def _unmarked_replica() -> Any:
    return mock.patch.object(Failover, "_marked", lambda self, call, answer, choice: answer)


@fault("NotFound of a replica is believed")
def _replica_not_found() -> Any:
    def believe(is_answer: Any) -> Any:
        def ours(self: Any, choice: Any, error: Any) -> bool:
            return isinstance(error, NotFound) or is_answer(self, choice, error)

        return ours

    return instead(Failover, "_is_answer", believe)


@fault("what a target is owed is looked at after it was read", bound=1500)
def _owed_after_read() -> Any:
    def choose(choices: Any) -> Any:
        return lambda *given: [replace(each, behind=None) for each in choices(*given)]

    def mark(marked: Any) -> Any:
        def ours(self: Any, call: Any, answer: Any, choice: Any) -> Any:
            self._journal.look()
            behind = self._journal.behind(call.resource, choice.target.name)
            return marked(self, call, answer, replace(choice, behind=behind))

        return ours

    return both(instead(Failover, "choices", choose), instead(Failover, "_marked", mark))


@fault("a target that is owed a write says that it is not behind", bound=400)
def _never_behind() -> Any:
    def make(behind: Any) -> Any:
        def ours(self: Any, name: str, target: str) -> float | None:
            return None if behind(self, name, target) is None else 0.0

        return ours

    return instead(Journal, "behind", make)


@fault("who takes nothing stale is given it")
def _strict_ignored() -> Any:
    def make(choices: Any) -> Any:
        return lambda self, call, *given: choices(self, replace(call, strict=False), *given)

    return both(
        instead(Failover, "choices", make),
        mock.patch.object(portable, "check_fresh", return_value=None),
    )


@fault("a flight that began before a write is joined after it", weather="overtaken")
def _joins_across_a_write() -> Any:
    return mock.patch.object(SingleFlight, "detach", return_value=None)


@fault("one who is cancelled ends the flight of the others", weather="slow")
def _cancelled_with_another() -> Any:
    def make(wait: Any) -> Any:
        async def ours(self: Any, flight: Any, *given: Any) -> Any:
            try:
                return await wait(self, flight, *given)
            except asyncio.CancelledError:
                flight.task.cancel()
                raise

        return ours

    return instead(SingleFlight, "_wait", make)


@fault("a read that a write has overtaken fills the cache", weather="overtaken")
def _fill_after_a_write() -> Any:
    return instead(
        Kept,
        "hand_in",
        lambda hand_in: lambda self, *given: hand_in(self, *given) or True,
    )


@fault("a write does not evict what is cached")
def _write_does_not_evict() -> Any:
    return mock.patch.object(Cache, "invalidate", return_value=None)


@fault("what is past its time is not marked", weather="dark")
def _stale_unmarked() -> Any:
    def make(take: Any) -> Any:
        def ours(self: Any, *given: Any) -> Any:
            answer = take(self, *given)
            return None if answer is None else replace(answer, stale=False)

        return ours

    return instead(Cache, "_take", make)


@fault("what is kept is said to be new", bound=800)
def _kept_as_new() -> Any:
    def make(take: Any) -> Any:
        def ours(self: Any, *given: Any) -> Any:
            answer = take(self, *given)
            return None if answer is None else replace(answer, at=self._clock())

        return ours

    return instead(Cache, "_take", make)


@fault("an answer names another source")
def _wrong_source() -> Any:
    def make(marked: Any) -> Any:
        def ours(self: Any, *given: Any) -> Any:
            return replace(marked(self, *given), source=self._targets[-1].name)

        return ours

    return instead(Failover, "_marked", make)


@fault("copies are read first")
def _copies_first() -> Any:
    return instead(
        Failover, "choices", lambda choices: lambda *given: list(reversed(choices(*given)))
    )
