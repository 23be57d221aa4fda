"""The router of an environment with several targets: reads fail over, writes are replicated."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from contextvars import Context
from dataclasses import dataclass
from typing import Any, TypeVar

from skykeep.interfaces.call import Answer, Call, Effect, RoutedCall, RoutedNext, Target
from skykeep.interfaces.tasks import Tasks
from skykeep.journal.journal import Journal
from skykeep.layers.failover import Failover
from skykeep.layers.home_write import Pack, Unpack
from skykeep.layers.replicate import DigestOf, Replicate

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Several:
    """What an environment has beside its primary.

    Attributes:
        failover: targets that are read when the primary cannot answer, in their order.
        backups: targets that get every write and are read when they are asked for by name.
        journal: what they are owed, as this host knows.
        pack, unpack: a command's bytes in the journal, and back.
        digest: of a command's value, as it stands in stamps; None leaves the stamp out.
    """

    failover: Sequence[Target]
    backups: Sequence[Target]
    journal: Journal
    pack: Pack
    unpack: Unpack
    digest: DigestOf

    @property
    def others(self) -> Sequence[Target]:
        """All but the primary."""
        return (*self.failover, *self.backups)


class ReadsAndWrites:
    """Reads go to ``Failover``, writes to ``Replicate``; what is no secret to the primary."""

    def __init__(
        self,
        primary: Target,
        reads: Failover,
        writes: Replicate,
        serve: Callable[[], Coroutine[Any, Any, None]],
        tasks: Tasks,
    ) -> None:
        self._primary = primary
        self._reads = reads
        self._writes = writes
        self._serve = serve
        self._tasks = tasks
        self._serving = False

    async def __call__(self, call: Call[T], next: RoutedNext[T], /) -> Answer[T]:
        """Answer from the targets that the call concerns."""
        if not call.operation.startswith("secrets."):
            return await next(RoutedCall(call, self._primary))
        if not self._serving:
            self._serving = True
            # In a context of its own: on nobody's behalf, whoever came first.
            Context().run(self._tasks.start, self._serve(), name="replay the journal")
        if call.effect is Effect.WRITE:
            return await self._writes(call, next)
        return await self._reads(call, next)

    async def at_primary(self, call: Call[T], next: RoutedNext[T]) -> Answer[T]:
        """See ``Replicate.at_primary``."""
        return await self._writes.at_primary(call, next)

    def after_fork(self) -> None:
        """In a forked child: who replays for the parent does not do it here."""
        self._serving = False
