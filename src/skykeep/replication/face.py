"""What an application asks of its several targets, beside reading and writing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from skykeep.errors import ConfigError
from skykeep.interfaces.call import Target
from skykeep.interfaces.names import check_name
from skykeep.interfaces.secrets import Secrets
from skykeep.journal.journal import Journal
from skykeep.journal.replayer import Replayed, Replayer
from skykeep.layers.stack import Stack
from skykeep.replication.conflicts import Conflict, conflicts, resolve
from skykeep.replication.health import Health, health
from skykeep.replication.naming import find, named
from skykeep.replication.waiting import Waiting, waiting
from skykeep.settings.model import Environment


class Replication:
    """The targets of one environment: ``cloud.replication``.

    Works for an environment of one target as well: nothing is ever owed there.
    """

    def __init__(
        self,
        environment: Environment,
        stack: Stack,
        targets: Sequence[Target],
        secrets: Callable[[], Secrets],
    ) -> None:
        self._environment = environment
        self._stack = stack
        self._targets = targets
        self._secrets = secrets

    async def health(self) -> Health:
        """How each target is, by one call each; what they are owed; what waits for a person.

        Raises nothing that a target says: that is in the answer.
        """
        environment = self._environment
        return await health(self._stack, self._targets, environment.name, environment.scope)

    def owed(self) -> Mapping[str, int]:
        """The writes that this host still has to bring, by the target's name; no call is made.

        Raises what opening the journal raises.
        """
        owed: dict[str, int] = {}
        if self._stack.journal is not None:
            self._stack.journal.look()
            for entry in self._stack.journal:
                for target in entry.owed:
                    owed[target] = owed.get(target, 0) + 1
        return owed

    def waiting(self) -> list[Waiting]:
        """The same by name, the oldest first; with writes in doubt. No call is made.

        Raises what opening the journal raises.
        """
        journal = self._stack.journal
        return [] if journal is None else waiting(journal, self._environment.scope)

    async def reconcile(self) -> Replayed:
        """Bring all targets what this host's journal owes them, in one round.

        Long-lived processes do so by themselves. Raises what opening the journal raises; what a
        target says is in the answer.
        """
        replayer = self._stack.replayer
        return Replayed() if replayer is None else await replayer.replay()

    async def settle(self, seconds: float) -> Mapping[str, int]:
        """Bring what is owed for at most so long; what is owed then, as :meth:`owed`.

        For programs that write and end. Targets that do not answer are asked once.
        """
        replayer = self._stack.replayer
        if replayer is not None and self.owed():
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._rounds(replayer, time.monotonic() + seconds)
        return self.owed()

    async def _rounds(self, replayer: Replayer, end: float) -> None:
        while time.monotonic() < end:
            done = await replayer.replay()
            if not done.owed or done.away or done.conflicts or not done.brought:
                return

    async def conflicts(self) -> list[Conflict]:
        """The names that two sides have written, and what each target holds. No values."""
        journal = self._stack.journal
        if journal is None:
            return []
        return await conflicts(self._stack, journal, self._targets, self._environment.scope)

    async def resolve(self, name: str, keep: str) -> None:
        """End a conflict by bringing what the target ``keep`` holds to all.

        Raises ``ConfigError`` (no such target), ``Invalid`` (no conflict), ``NotFound``
        (nothing there), and as ``Secrets.put``.
        """
        environment = self._environment
        kept = named(environment).index(find(environment, keep))
        journal: Journal | None = self._stack.journal
        if journal is None:
            raise ConfigError("an environment with one target has no conflicts")
        await resolve(
            self._stack,
            journal,
            primary=self._targets[0],
            target=self._targets[kept],
            resource=environment.scope + check_name(name),
            name=name,
        )
