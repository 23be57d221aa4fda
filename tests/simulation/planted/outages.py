"""Defects that show in an outage, and after it."""

from __future__ import annotations

import asyncio
from typing import Any
from unittest import mock

from skykeep.errors import Throttled, Unavailable
from skykeep.interfaces.tasks import Tasks
from skykeep.layers.breaker import Breaker
from skykeep.layers.circuit import Circuit
from skykeep.layers.deadline import Deadline
from skykeep.layers.retry import Retry
from skykeep.layers.try_deadline import TryDeadline
from tests.simulation.planted.registry import both, fault, instead


@fault("the retry budget is off", bound=100, weather="outage")
def _no_budget() -> Any:
    def make(worth: Any) -> Any:
        def ours(self: Any, *given: Any) -> bool:
            self._budget = 100
            return bool(worth(self, *given))

        return ours

    return instead(Retry, "_worth", make)


@fault("a store that asks for patience is asked again at once")
def _impatient() -> Any:
    def make(retry: Any) -> Any:
        async def ours(self: Any, routed: Any, next: Any) -> Any:
            async def deaf(routed: Any) -> Any:
                try:
                    return await next(routed)
                except Throttled as error:
                    error.retry_after = None
                    raise

            return await retry(self, routed, deaf)

        return ours

    return instead(Retry, "__call__", make)


@fault("the breaker never closes", bound=100)
def _never_closes() -> Any:
    return mock.patch.object(Circuit, "answered", return_value=None)


@fault("a probe that was cancelled is not given back", bound=1500)
def _probe_is_lost() -> Any:
    return mock.patch.object(Circuit, "give_back", return_value=None)


@fault("the loser of a hedge is a failure of its target", weather="slow")
def _loser_is_failure() -> Any:
    def make(breaker: Any) -> Any:
        async def ours(self: Any, routed: Any, next: Any) -> Any:
            try:
                return await breaker(self, routed, next)
            except asyncio.CancelledError:
                standing = self._standings.of(routed.target, "secrets")
                standing.failed(Unavailable("it lost"))
                raise

        return ours

    return instead(Breaker, "__call__", make)


@fault("a call has no deadline")
def _no_deadline() -> Any:
    async def ours(self: Any, what: Any, next: Any) -> Any:
        return await next(what)

    return both(
        mock.patch.object(Deadline, "__call__", ours),
        mock.patch.object(TryDeadline, "__call__", ours),
    )


@fault("what runs in the background outlives its Cloud", bound=20)
def _left_behind() -> Any:
    async def close(self: Any) -> None:
        return None

    return mock.patch.object(Tasks, "close", close)
