"""Identical reads that overlap share one call.

No caller leads: the flight is a task of the ``Cloud``, so that a caller who is cancelled
or runs out of time disturbs no other. It is cancelled when its last waiter leaves. A read
that begins after a write never joins a flight that began before the write ended.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, TypeVar

from skykeep.errors import Unavailable
from skykeep.interfaces.call import Answer, Call, Effect, Next
from skykeep.interfaces.tasks import Tasks

T = TypeVar("T")
Key = tuple[str, str, tuple[str | None, ...], str | None]


@dataclass(slots=True)
class _Flight:
    key: Key
    task: asyncio.Task[Answer[Any]]
    waiters: int = 0


class SingleFlight:
    """Shares calls in flight. ``fresh`` calls and calls without a cache key fly alone."""

    def __init__(self, tasks: Tasks) -> None:
        self._tasks = tasks
        self._flights: dict[str, dict[Key, _Flight]] = {}  # by resource

    async def __call__(self, call: Call[T], next: Next[T], /) -> Answer[T]:
        """Answer from the flight under way, or start one."""
        if call.effect is Effect.WRITE:
            self.detach(call.resource)
            try:
                return await next(call)
            finally:
                self.detach(call.resource)
        if call.cache_key is None or call.fresh:
            return await next(call)
        key = (call.operation, call.resource, call.cache_key, call.audience)
        flight = self._flights.get(call.resource, {}).get(key)
        if flight is None:
            flight = self._start(key, call, next)
        return await self._wait(flight)

    def _start(self, key: Key, call: Call[T], next: Next[T]) -> _Flight:
        async def fly() -> Answer[T]:
            return await next(call)

        task = self._tasks.start(fly(), name=f"{call.operation} {call.resource}")
        flight = _Flight(key, task)
        self._flights.setdefault(call.resource, {})[key] = flight
        task.add_done_callback(lambda _: self._remove(flight))
        return flight

    async def _wait(self, flight: _Flight) -> Answer[Any]:
        flight.waiters += 1
        try:
            return await asyncio.shield(flight.task)
        except asyncio.CancelledError:
            me = asyncio.current_task()
            if me is not None and me.cancelling():
                raise
            # The flight was ended, not this caller: the Cloud is closing.
            raise Unavailable("the cloud was closed while this call was under way") from None
        finally:
            flight.waiters -= 1
            if not flight.waiters and not flight.task.done():
                self._remove(flight)  # first: nobody may join a flight that is ending
                flight.task.cancel()

    def _remove(self, flight: _Flight) -> None:
        resource = flight.key[1]
        flights = self._flights.get(resource)
        if flights is not None and flights.get(flight.key) is flight:
            del flights[flight.key]
            if not flights:
                del self._flights[resource]

    def detach(self, resource: str) -> None:
        """Later reads of the resource start flights of their own."""
        self._flights.pop(resource, None)

    def forget(self) -> None:
        """After a fork: the flights belong to the parent."""
        self._flights = {}
