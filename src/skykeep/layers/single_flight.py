"""Identical reads that overlap share one call.

No caller leads: the flight is a task of the ``Cloud``, so that a caller who is cancelled
or runs out of time disturbs no other. It is cancelled when its last waiter leaves. A read
that begins after a write never joins a flight that began before the write ended. Reads that
would not take the same answers do not share one.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any, TypeVar

from skykeep.errors import Unavailable
from skykeep.interfaces.call import Answer, Call, Effect, Next
from skykeep.interfaces.tasks import Tasks

T = TypeVar("T")
Key = tuple[str, str, tuple[str | None, ...], str | None, bool, float | None]


@dataclass(slots=True)
class _Flight:
    key: Key
    task: asyncio.Task[None] | None = None
    waiters: list[asyncio.Future[Answer[Any]]] = field(default_factory=list)


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
        key = (
            call.operation,
            call.resource,
            call.cache_key,
            call.audience,
            call.strict,
            call.max_stale,
        )
        flight = self._flights.get(call.resource, {}).get(key)
        if flight is None:
            flight = self._start(key, call, next)
        return await self._wait(flight)

    def _start(self, key: Key, call: Call[T], next: Next[T]) -> _Flight:
        flight = _Flight(key)

        async def fly() -> None:
            # Waiters are answered from in here: a done callback would cost each call one
            # more turn of the loop.
            try:
                answer = await next(call)
            except Exception as error:  # noqa: BLE001  (it goes to whoever waits)
                self._remove(flight)
                for waiter in flight.waiters:
                    if not waiter.done():
                        waiter.set_exception(error)
            else:
                self._remove(flight)
                for waiter in flight.waiters:
                    if not waiter.done():
                        waiter.set_result(answer)

        def ended(_: object) -> None:
            self._remove(flight)
            for waiter in flight.waiters:
                if not waiter.done():
                    waiter.set_exception(
                        Unavailable("the cloud was closed while this call was under way")
                    )

        self._flights.setdefault(call.resource, {})[key] = flight
        flight.task = self._tasks.start(fly(), name=f"{call.operation} {call.resource}")
        flight.task.add_done_callback(ended)
        return flight

    async def _wait(self, flight: _Flight) -> Answer[Any]:
        waiter: asyncio.Future[Answer[Any]] = asyncio.get_running_loop().create_future()
        flight.waiters.append(waiter)
        try:
            return await waiter
        except asyncio.CancelledError:
            if all(other.done() for other in flight.waiters) and flight.task is not None:
                self._remove(flight)  # first: nobody may join a flight that is ending
                flight.task.cancel()
            if waiter.done() and not waiter.cancelled():
                waiter.exception()  # looked at: it came together with the cancellation
            raise

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
