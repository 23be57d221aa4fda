"""The shipping layers, put together for a simulated process: the one place that knows how."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from skykeep.interfaces.secret_command import SecretCommand, unpack
from skykeep.interfaces.tasks import Tasks
from skykeep.journal.journal import Journal
from skykeep.layers.several import Several
from skykeep.layers.stack import Stack
from skykeep.settings.model import (
    BreakerSettings,
    CacheSettings,
    Environment,
    HedgeSettings,
    RetrySettings,
    TargetSettings,
)
from tests.simulation.history import Settings

if TYPE_CHECKING:
    from skykeep.interfaces.call import Target
    from skykeep.interfaces.journal_store import JournalStore


class Wired:
    """What a process has of ours: the stack, the journal as it sees it, the replayer."""

    def __init__(
        self, settings: Settings, targets: Sequence[Target], store: JournalStore, tasks: Tasks
    ) -> None:
        self.journal = Journal(store, ticks=time.monotonic, boot="the only one")
        several = Several(
            failover=[target for target in targets[1:] if target.role.value == "failover"],
            backups=[target for target in targets[1:] if target.role.value == "backup"],
            journal=self.journal,
            pack=_packed,
            unpack=_unpacked,
            digest=_digest,
        )
        self.stack = Stack(
            environment(settings), targets[0], tasks, embedded=False, several=several
        )

    def owed(self) -> int:
        """Writes that somebody still has to bring somewhere; not those that wait for a person,
        and what is in doubt until that person has decided."""
        waiting = self.conflicts()
        return sum(
            any(target not in entry.stuck for target in entry.owed)
            if entry.name in waiting
            else True
            for entry in self.journal
        )

    def conflicts(self) -> set[str]:
        """The names of which a person has to decide."""
        self.journal.look()
        return {entry.name for entry in self.journal if entry.stuck}


async def _packed(command: SecretCommand) -> bytes:
    return command.pack()


async def _unpacked(data: bytes) -> SecretCommand:
    return unpack(data)


async def _digest(command: SecretCommand) -> bytes | None:
    value = command.value
    return None if value is None else hashlib.blake2b(value.reveal(), digest_size=16).digest()


def environment(settings: Settings) -> Environment:
    """What the layers are set to."""
    return Environment(
        name="simulated",
        primary=TargetSettings(backend="memory"),
        cache=CacheSettings(
            ttl_seconds=settings.cache_ttl,
            refresh_ahead_seconds=settings.refresh_ahead,
            stale_while_revalidate_seconds=settings.while_revalidate,
            max_stale_seconds=settings.max_stale,
        ),
        retry=RetrySettings(attempts=settings.attempts),
        deadline_seconds=settings.deadline,
        writes=settings.writes,
        breaker=BreakerSettings(failures=settings.breaker_failures),
        hedge=HedgeSettings(enabled=settings.hedge),
    )
