"""Defects of writes."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import replace
from typing import Any
from unittest import mock

from skykeep.errors import Conflict, SkykeepError, Unavailable
from skykeep.interfaces.call import Answer
from skykeep.interfaces.secret_command import SecretCommand
from skykeep.interfaces.secret_data import Written
from skykeep.journal.journal import Journal
from skykeep.layers.replicate import Replicate
from skykeep.layers.retry import Retry
from tests.simulation.planted.registry import both, fault, instead


@fault("a write is acknowledged though its home has not answered")
def _acknowledged_before_home() -> Any:
    return _acknowledging(Unavailable)


@fault("a write that its home refused is acknowledged", bound=100)
def _conflict_is_success() -> Any:
    return _acknowledging(Conflict)


def _acknowledging(on: type[SkykeepError]) -> Any:
    def make(write: Any) -> Any:
        async def ours(self: Any, call: Any, next: Any) -> Any:
            try:
                return await write(self, call, next)
            except on:
                return Answer(Written("0", True), self._primary.name)

        return ours

    return instead(Replicate, "__call__", make)


@fault("a write is not put into the journal")
def _no_journal() -> Any:
    async def begin(self: Any, entry: Any) -> Any:
        return entry

    async def change(self: Any, entry: Any, **changes: Any) -> Any:
        return entry

    return mock.patch.multiple(Journal, begin=begin, change=change)


@fault("a write in doubt is brought to the other targets")
def _doubt_replicated() -> Any:
    def know(init: Any) -> Any:
        def ours(
            self: Any, primary: Any, failover: Any, others: Any, journal: Any, **k: Any
        ) -> None:
            init(self, primary, failover, others, journal, **k)
            journal.everybody = [each.name for each in (primary, *others)]

        return ours

    def make(begin: Any) -> Any:
        async def ours(self: Any, entry: Any) -> Any:
            kept = await begin(self, entry)
            owed = tuple(name for name in self.everybody if name != entry.home)
            return await self.change(kept, doubt=False, owed=owed)

        return ours

    return both(instead(Replicate, "__init__", know), instead(Journal, "begin", make))


@fault("compare-and-set is left out of a write", bound=800, weather="late")
def _no_compare_and_set() -> Any:
    def make(apply: Any) -> Any:
        async def ours(self: Any, target: Any, held: Any = None) -> Any:
            if self.kind == "put":
                held = None
            return await apply(self, target, held)

        return ours

    return instead(SecretCommand, "apply", make)


@fault("the application's own condition is left out")
def _expects_left_out() -> Any:
    def make(apply: Any) -> Any:
        async def ours(self: Any, target: Any, held: Any = None) -> Any:
            return await apply(replace(self, expects=None), target, held)

        return ours

    return instead(SecretCommand, "apply", make)


@fault("a cancelled write is struck from the journal", bound=800)
def _cancelled_is_dropped() -> Any:
    return _dropping(asyncio.CancelledError)


@fault("a write in doubt is struck from the journal", weather="late")
def _doubt_is_dropped() -> Any:
    return _dropping(Unavailable)


def _dropping(on: type[BaseException]) -> Any:
    def make(write: Any) -> Any:
        async def ours(self: Any, call: Any, next: Any) -> Any:
            try:
                return await write(self, call, next)
            except on:
                for entry in self._journal.of(call.resource):
                    if entry.doubt:
                        self._journal._store.state.put(entry.id, None)
                raise

        return ours

    return instead(Replicate, "__call__", make)


@fault("the locks of names are not taken", bound=1500)
def _no_lock() -> Any:
    def hold(self: Any, name: str, seconds: float) -> AbstractAsyncContextManager[None]:
        return nullcontext()

    return mock.patch.object(Journal, "hold", hold)


@fault("a name has two homes: the primary is written while it is still owed", bound=4000)
def _two_homes() -> Any:
    return mock.patch.object(Journal, "home", lambda self, name, primary: primary)


@fault("an earlier try in doubt is forgotten when a later one never left", bound=1500)
def _doubt_is_forgotten() -> Any:
    def make(begin: Any) -> Any:
        async def ours(self: Any, routed: Any, next: Any) -> Any:
            try:
                return await begin(self, routed, next)
            except Unavailable as error:
                error.sent = error.sent and len(routed.call.trace) < 2
                raise

        return ours

    return instead(Retry, "__call__", make)
