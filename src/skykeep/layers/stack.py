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
      several          or, of secrets with several targets: failover and hedge take reads,
                       replicate takes writes
    once per target
      residency        a guard: what the router let through by mistake
                       (not where every region is allowed)
      seal             above retry: a retried write carries the same bytes
                       (secrets, where they are encrypted here; bodies of objects are sealed
                       above all layers, so that their parts are ciphertext)
      retry            the same target again
    once per try
      breaker          inside retry: it counts tries, and lets one probe through
      try deadline     inside the breaker, to which a try that ran out of time is a failure
      (metering)       each try's own cost

Those in parentheses are not built yet; they go where they stand. What is in this process
has no breaker and no try deadline: there is nothing to wait for.

There are two entrances. ``front`` is the application's. ``back`` is for what the house does
later, when nobody waits: it begins below the router, with a target chosen.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

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
from skykeep.layers.breaker import Breaker
from skykeep.layers.cache import Cache
from skykeep.layers.deadline import Deadline
from skykeep.layers.primary import Primary, send
from skykeep.layers.residency import Place, Residency
from skykeep.layers.retry import Retry
from skykeep.layers.seal import Seal, Sealing
from skykeep.layers.single_flight import SingleFlight
from skykeep.layers.standing import Standings
from skykeep.layers.telemetry import NameTheCall, Telemetry
from skykeep.layers.try_deadline import TryDeadline
from skykeep.settings.failures import classes_of
from skykeep.settings.model import Environment

if TYPE_CHECKING:
    from skykeep.journal.replayer import Replayer
    from skykeep.layers.several import ReadsAndWrites, Several

T = TypeVar("T")

CACHE_TTL = 300.0
"""Seconds that reads of remote stores are kept if the configuration does not say."""


@dataclass(frozen=True, slots=True)
class Swept:
    """What a comparison of a target with the primary found.

    Attributes:
        at: when it ended, seconds of ``time.monotonic()``.
        count: names in which they differ, and of which no write is owed.
        names: the first of them, sorted.
    """

    at: float
    count: int
    names: tuple[str, ...]


class Sweeps(Protocol):
    """Compares targets in the background."""

    @property
    def found(self) -> Mapping[str, Swept]:
        """What the last round found, by the target's name."""

    async def serve(self) -> None:
        """Compare until cancelled."""


class Stack:
    """The layers of one environment, put together.

    Attributes:
        telemetry, cache, single_flight, residency: the layers of these names.
        back: the back entrance: below the router.
        below: below the guard, too: for questions that carry nothing of the application's.
        standings: what is known of the targets from the calls made to them.
        journal: of the writes that targets are owed; None with one target.
        replayer: brings them there; None likewise.
        sweeper: compares the targets, once it is given one; None does not.
    """

    def __init__(
        self,
        environment: Environment,
        primary: Target,
        tasks: Tasks,
        *,
        embedded: bool,
        sealing: Sealing | None = None,
        several: Several | None = None,
    ) -> None:
        """
        Args:
            environment: what the layers are set to.
            primary: the target of all calls, or the first of several.
            tasks: the Cloud's.
            embedded: the primary runs in this process and is as quick as a cache.
            sealing: makes the views that seal secrets; None leaves them as they are.
            several: the targets beside the primary; None if there are none.
        """
        ttl = environment.cache.ttl_seconds
        if ttl is None:
            ttl = 0.0 if embedded else CACHE_TTL
        retry = environment.retry
        self.telemetry = Telemetry()
        self.cache = Cache(ttl, environment.cache, tasks)
        self.single_flight = SingleFlight(tasks)
        self.standings = Standings(environment.breaker)
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
            alone=several is None,
        )
        self._primary = primary
        below: list[RoutedLayer] = [] if sealing is None else [Seal(sealing)]
        below.append(Retry(retry.attempts, retry.base_seconds, retry.max_seconds))
        if several is not None or not embedded:
            below += [Breaker(self.standings), TryDeadline(environment.attempt_seconds)]
        self.below = _compose_routed(below, send)
        guards: list[RoutedLayer] = [self.residency] if self.residency.rules.active else []
        self.back = _compose_routed(guards, self.below)
        self.journal = None if several is None else several.journal
        self.replayer: Replayer | None = None
        self.sweeper: Sweeps | None = None
        router: Router = Primary(primary)
        self._router: ReadsAndWrites | None = None
        if several is not None:
            router = self._router = self._several(environment, several, tasks)
        self._front: Next[object] = _compose(layers, router, self.back)

    def _several(
        self, environment: Environment, several: Several, tasks: Tasks
    ) -> ReadsAndWrites:
        # Imported here: most environments have one target.
        from skykeep.journal.replayer import Replayer
        from skykeep.layers.failover import Failover
        from skykeep.layers.hedge import Hedge
        from skykeep.layers.replicate import Replicate
        from skykeep.layers.several import ReadsAndWrites

        journal, primary = several.journal, self._primary
        hedge = None
        if environment.hedge.enabled:
            hedge = Hedge(self.standings, tasks, environment.hedge.budget)
        self.replayer = Replayer(
            journal,
            (primary, *several.others),
            self.back,
            several.unpack,
            environment.breaker.probe_seconds,
            allows=self._allows if self.residency.rules.active else None,
        )
        reads = Failover(
            (primary, *several.failover),
            journal,
            self.standings,
            hedge,
            tasks,
            away=classes_of(environment.failover_on),
        )
        writes = Replicate(
            primary,
            several.failover if environment.writes == "failover" else (),
            several.others,
            journal,
            pack=several.pack,
            unpack=several.unpack,
            digest=several.digest,
            replayer=self.replayer,
            seconds=environment.deadline_seconds,
        )
        return ReadsAndWrites(primary, reads, writes, self._serve, tasks)

    async def at_primary(self, call: Call[T]) -> Answer[T]:
        """A write of several targets that makes the primary its home; see ``Replicate``."""
        assert self._router is not None  # noqa: S101  (only where there is a journal)
        self.invalidate(call.resource)
        try:
            return await self._router.at_primary(call, self.back)  # type: ignore[arg-type]  # T is per call
        finally:
            self.invalidate(call.resource)

    async def _allows(self, target: Target, call: Call[Any]) -> bool:
        return await self.residency.allows(target, call, self.below)

    async def _serve(self) -> None:
        """What goes on beside the calls of several targets, until it is cancelled."""
        assert self.replayer is not None  # noqa: S101  (made before the router)
        sweeps = () if self.sweeper is None else (self.sweeper.serve(),)
        await asyncio.gather(self.replayer.serve(), *sweeps)

    async def __call__(self, call: Call[T], /) -> Answer[T]:
        """The front entrance: send an application's call through all layers."""
        return await self._front(call)  # type: ignore[return-value, arg-type]  # T is per call

    def invalidate(self, resource: str | None) -> None:
        """Forget what is cached of the resource, or (None) everything."""
        self.cache.invalidate(resource)

    async def place(self, capability: str) -> Place:
        """Where the primary keeps things of the capability. Raises what asking it raises."""
        return await self.residency.place(self._primary, capability, self.below)

    def after_fork(self) -> None:
        """In a forked child: what is under way belongs to the parent."""
        self.cache.forget()
        self.single_flight.forget()
        self.residency.forget()
        self.standings.forget()
        if self.journal is not None:
            self.journal.after_fork()
        if self._router is not None:
            self._router.after_fork()


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
