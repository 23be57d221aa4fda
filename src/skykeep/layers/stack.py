"""The order of the layers, and why. Read this first.

From the application down to the driver::

    once per operation
      (audit)          before policy: a refusal is recorded too
      (policy)         before cache: or one principal reads another's entry
      (transfer)       above what follows, which then sees its parts
    once per call
      telemetry        above the cache: a cached answer is an event as well
      name the call    every error says its operation and resource
      cache            above the deadline: a kept answer needs no clock
      deadline         above single-flight: each waiter has its own time
      single-flight    below the deadline, above the router: one flight for all targets
                       (not for an embedded store: its reads are quicker than a flight)
    the router
      primary          the primary takes every call
                       (failover and replicate take its place with several targets)
    once per target
      residency        a guard: what the router let through by mistake
                       (not where every region is allowed)
      seal             above retry: a retried write carries the same bytes
                       (secrets, where they are encrypted here; bodies of objects are sealed
                       above all layers, so that their parts are ciphertext)
      retry            the same target again
    once per try
      (breaker)        inside retry: it counts tries
      (try deadline)   each try's own time
      (metering)       each try's own cost

Those in parentheses are not built yet; they go where they stand.
"""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import TypeVar

from skykeep.interfaces.call import (
    Answer,
    Call,
    Layer,
    Next,
    RoutedCall,
    RoutedLayer,
    RoutedNext,
    Router,
    Target,
)
from skykeep.interfaces.tasks import Tasks
from skykeep.layers.cache import Cache
from skykeep.layers.deadline import Deadline
from skykeep.layers.primary import Primary, send
from skykeep.layers.residency import Place, Residency
from skykeep.layers.retry import Retry
from skykeep.layers.seal import Seal, Sealing
from skykeep.layers.single_flight import SingleFlight
from skykeep.layers.telemetry import NameTheCall, Telemetry
from skykeep.settings.model import Environment

T = TypeVar("T")

CACHE_TTL = 300.0
"""Seconds that reads of remote stores are kept if the configuration does not say."""


class Stack:
    """The layers of one environment, put together: the entrance for applications."""

    def __init__(
        self,
        environment: Environment,
        primary: Target,
        tasks: Tasks,
        *,
        embedded: bool,
        sealing: Sealing | None = None,
    ) -> None:
        """
        Args:
            environment: what the layers are set to.
            primary: the target of all calls.
            tasks: the Cloud's.
            embedded: the primary runs in this process and is as quick as a cache.
            sealing: makes the views that seal secrets; None leaves them as they are.
        """
        ttl = environment.cache.ttl_seconds
        if ttl is None:
            ttl = 0.0 if embedded else CACHE_TTL
        retry = environment.retry
        self.telemetry = Telemetry()
        self.cache = Cache(ttl, environment.cache.max_entries)
        self.single_flight = SingleFlight(tasks)
        layers: list[Layer] = [
            self.telemetry,
            NameTheCall(),
            self.cache,
            Deadline(environment.deadline_seconds),
        ]
        if not embedded:  # where a read is quicker than the task that would share it
            layers.append(self.single_flight)
        self.residency = Residency(
            environment.residency,
            environment.scope,
            tasks,
            seconds=environment.deadline_seconds,
        )
        self._primary = primary
        seals: list[RoutedLayer] = [] if sealing is None else [Seal(sealing)]
        again = Retry(retry.attempts, retry.base_seconds, retry.max_seconds)
        self._below = _compose_routed([*seals, again], send)
        guards: list[RoutedLayer] = [self.residency] if self.residency.rules.active else []
        self._front: Next[object] = _compose(
            layers, Primary(primary), _compose_routed(guards, self._below)
        )

    async def __call__(self, call: Call[T], /) -> Answer[T]:
        """The front entrance: send an application's call through all layers."""
        return await self._front(call)  # type: ignore[return-value, arg-type]  # T is per call

    def invalidate(self, resource: str | None) -> None:
        """Forget what is cached of the resource, or (None) everything."""
        self.cache.invalidate(resource)

    async def place(self, capability: str) -> Place:
        """Where the primary keeps things of the capability. Raises what asking it raises."""
        return await self.residency.place(self._primary, capability, self._below)

    def after_fork(self) -> None:
        """In a forked child: what is under way belongs to the parent."""
        self.single_flight.forget()
        self.residency.forget()


def _compose(
    layers: Sequence[Layer], router: Router, below: RoutedNext[object]
) -> Next[object]:
    above: Next[object] = _router_step(router, below)
    for layer in reversed(layers):
        above = _step(layer, above)
    return above


def _compose_routed(
    layers: Sequence[RoutedLayer], below: RoutedNext[object]
) -> RoutedNext[object]:
    for layer in reversed(layers):
        below = _routed_step(layer, below)
    return below


# Plain functions that return the layer's own coroutine: no frame of ours per layer.


def _step(layer: Layer, next: Next[object]) -> Next[object]:
    def step(call: Call[object]) -> Awaitable[Answer[object]]:
        return layer(call, next)

    return step


def _router_step(router: Router, next: RoutedNext[object]) -> Next[object]:
    def step(call: Call[object]) -> Awaitable[Answer[object]]:
        return router(call, next)

    return step


def _routed_step(layer: RoutedLayer, next: RoutedNext[object]) -> RoutedNext[object]:
    def step(routed: RoutedCall[object]) -> Awaitable[Answer[object]]:
        return layer(routed, next)

    return step
