"""An environment of several targets on stores in memory, whose faults a test plants."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec

from skykeep.errors import NotFound, Unavailable
from skykeep.interfaces.call import Role
from skykeep.interfaces.secret_command import SecretCommand, unpack
from skykeep.interfaces.secret_driver import Attributes, SecretCapabilities
from skykeep.interfaces.secret_value import SecretValue
from skykeep.interfaces.secrets import Secrets
from skykeep.interfaces.tasks import Tasks
from skykeep.journal.bounds import Bounds
from skykeep.journal.journal import Journal
from skykeep.journal.memory import MemoryJournal, MemoryState
from skykeep.journal.replayer import Replayed
from skykeep.layers.several import Several
from skykeep.layers.stack import Stack
from skykeep.providers.memory.secrets import EVERYTHING, MemorySecrets
from skykeep.replication.digests import NAME as DIGEST_KEY
from skykeep.replication.digests import ValueDigests
from skykeep.settings.model import (
    BreakerSettings,
    CacheSettings,
    Environment,
    RetrySettings,
    TargetSettings,
)

NAME = "db/password"


@dataclass
class Store:
    """A target and the store behind it."""

    name: str
    role: Role
    capabilities: SecretCapabilities = EVERYTHING
    provider: str = "memory"
    region: str | None = None
    embedded: bool = False
    secrets: MemorySecrets = field(init=False)

    def __post_init__(self) -> None:
        self.secrets = MemorySecrets(capabilities=self.capabilities)

    async def driver(self, capability: str) -> Any:
        assert capability == "secrets"
        return self.secrets

    def away(self, error: type[Exception] = Unavailable) -> None:
        """It answers nothing any more."""
        self.secrets.fail_next(error, times=10**9)

    def back(self) -> None:
        """It answers again."""
        self.secrets.clear_faults()

    @property
    def beside(self) -> MemorySecrets:
        """Another driver over the same store: without faults, and not counted."""
        return MemorySecrets(capabilities=self.capabilities, store=self.secrets.store)

    async def holds(self, name: str = NAME) -> str | None:
        """The value there, as text; None if there is none."""
        try:
            return (await self.beside.get(name)).value.text()
        except NotFound:
            return None

    async def others_write(self, value: str, name: str = NAME) -> None:
        """Somebody writes to this store alone, without us."""
        if await self.holds(name) is None:
            await self.beside.create(name, SecretValue(value), Attributes())
        else:
            await self.beside.update(name, SecretValue(value), Attributes())


async def packed(command: SecretCommand) -> bytes:
    """As without encryption."""
    return command.pack()


async def unpacked(data: bytes) -> SecretCommand:
    """As without encryption."""
    return unpack(data)


async def no_digest(command: SecretCommand) -> bytes | None:
    """As where the key of digests cannot be had."""
    return None


async def until(so: Callable[[], bool]) -> None:
    """Let others run until it is so."""
    while not so():  # noqa: ASYNC110  (nobody tells us; a test has a limit)
        await asyncio.sleep(0.001)


@dataclass
class Fleet:
    """One process on a host: its stack over the stores."""

    primary: Store
    failover: list[Store]
    backups: list[Store]
    state: MemoryState
    tasks: Tasks
    stack: Stack
    secrets: Secrets
    journal: Journal

    @property
    def stores(self) -> list[Store]:
        """All of them, the primary first."""
        return [self.primary, *self.failover, *self.backups]

    async def replay(self) -> Replayed:
        """One round."""
        assert self.stack.replayer is not None
        return await self.stack.replayer.replay()

    async def held(self, name: str = NAME) -> list[str | None]:
        """What each store holds."""
        return [await store.holds(name) for store in self.stores]


@asynccontextmanager
async def fleet(
    *,
    failover: int = 1,
    backups: int = 0,
    state: MemoryState | None = None,
    stores: list[Store] | None = None,
    bounds: Bounds | None = None,
    capabilities: dict[str, SecretCapabilities] | None = None,
    background: bool = False,
    digests: bool = False,
    **settings: Any,
) -> AsyncIterator[Fleet]:
    """A fleet; nothing of it is open at the end. No cache, no retries, no breaker unless set;
    what is owed is brought by the test, unless it asks for the ``background``. With
    ``digests`` what is written is stamped."""
    can = capabilities or {}
    if stores is None:
        names = [("primary", Role.PRIMARY)]
        names += [(f"failover-{n}", Role.FAILOVER) for n in range(failover)]
        names += [(f"backup-{n}", Role.BACKUP) for n in range(backups)]
        stores = [Store(name, role, can.get(name, EVERYTHING)) for name, role in names]
    settings.setdefault("cache", CacheSettings(ttl_seconds=0))
    settings.setdefault("retry", RetrySettings(attempts=1))
    settings.setdefault("breaker", BreakerSettings(failures=0, probe_seconds=3600))
    environment = msgspec.structs.replace(
        Environment(primary=TargetSettings(backend="memory")), **settings
    )
    tasks = Tasks()
    state = MemoryState() if state is None else state
    journal = Journal(MemoryJournal(state, bounds=bounds))
    primary = stores[0]
    copies = [each for each in stores if each.role is Role.FAILOVER]
    kept = [each for each in stores if each.role is Role.BACKUP]
    digest = ValueDigests(lambda: secrets, DIGEST_KEY) if digests else no_digest
    several = Several(copies, kept, journal, packed, unpacked, digest)
    stack = Stack(environment, primary, tasks, embedded=False, several=several)
    if not background and stack._router is not None:
        stack._router._serving = True
    others = [each.name for each in (*copies, *kept)]
    secrets = Secrets(stack, primary, tasks=tasks, others=others)
    try:
        yield Fleet(primary, copies, kept, state, tasks, stack, secrets, journal)
    finally:
        await tasks.close()
        await asyncio.sleep(0)
        assert not len(tasks)
