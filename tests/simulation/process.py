"""A process of ours, from its start to its death: layers, journal, and those who call it."""

from __future__ import annotations

import asyncio
from contextvars import Context
from typing import TYPE_CHECKING, Any

from skykeep.errors import (
    NotFound,
    SkykeepError,
    Throttled,
    Unavailable,
)
from skykeep.interfaces.secrets import Secrets
from skykeep.interfaces.tasks import Tasks
from skykeep.journal.bounds import Bounds
from skykeep.journal.memory import MemoryJournal
from tests.simulation.history import RECENT, Ask
from tests.simulation.loop import process_of
from tests.simulation.record import Asked, asked_by
from tests.simulation.stores import SimTarget, Way
from tests.simulation.wiring import Wired

if TYPE_CHECKING:
    from tests.simulation.world import World


class Process:
    """One life of it. After its death nothing of it runs any more: the loop sees to that.

    Attributes:
        label: ``p0`` or ``p1``, in each of its lives.
        life: a number of its own.
        tasks_made: all that were started in it; they are kept, so that none ends by chance of
            the collector.
    """

    def __init__(self, world: World, number: int) -> None:
        self.alive = True
        self.steps_left: int | None = None
        self.number = number
        world.lives += 1
        self.life = world.lives
        self.label = f"p{number}"
        self.tasks_made: list[asyncio.Task[Any]] = []
        self.seen: dict[str, tuple[str, str]] = {}
        self._world = world
        self._context = Context()
        self._context.run(process_of.set, self)
        self._context.run(self._build)

    def _build(self) -> None:
        world = self._world
        self.tasks = Tasks()
        self.journal = MemoryJournal(
            world.journal,
            bounds=Bounds(entries=world.history.settings.journal_entries),
            alive=lambda: self.alive,
        )
        self.targets = [
            SimTarget(store.spec, Way(world.network, store, self))
            for store in world.stores.values()
        ]
        self.wired = Wired(world.history.settings, self.targets, self.journal, self.tasks)
        self.secrets = Secrets(self.wired.stack, self.targets[0])

    # -- its death

    def die(self) -> None:
        """``kill -9``."""
        if not self.alive:
            return
        self.alive = False
        self.steps_left = None
        self.journal.crash()
        self._world.died(self)

    def bury(self) -> None:
        """Let go of what it had under way. What wants to be done at that is not done."""
        for task in self.tasks_made:
            if not task.done():
                task._log_destroy_pending = False  # type: ignore[attr-defined]  # it is dead
                coroutine = task.get_coro()
                try:
                    coroutine.close()
                except BaseException:  # noqa: BLE001, S110  (the dead cannot complain)
                    pass

    async def close(self) -> None:
        """End it as programs end."""
        await self.run(self._close())

    async def _close(self) -> None:
        await self.tasks.close()
        await self.journal.close()

    async def run(self, work: Any) -> Any:
        """Do something in it, and wait for that."""
        return await asyncio.get_running_loop().create_task(work, context=self._context.copy())

    # -- its callers

    def ask(self, ask: Ask) -> Asked:
        """Make the application's call. How it went is in the record."""
        world = self._world
        asked = Asked(ask, self.label, self.life, world.loop.time())
        world.record.asked.append(asked)
        context = self._context.copy()
        context.run(asked_by.set, asked)
        task = world.loop.create_task(
            self._client(asked), name=f"client {ask}", context=context
        )
        world.clients.append((self, task))
        return asked

    async def _client(self, asked: Asked) -> None:
        ask, world = asked.ask, self._world
        world.note(self, f"{ask.kind} {ask.name}", "request", inwards=True)
        try:
            async with asyncio.timeout(ask.patience):
                await self._call(asked)
            asked.outcome = "done"
        except NotFound as error:
            asked.error, asked.message = "NotFound", str(error)
            asked.outcome = "refused" if asked.writes else "done"
        except SkykeepError as error:
            asked.error, asked.message = type(error).__name__, str(error)
            asked.outcome = self._outcome(asked, error)
        except TimeoutError:
            asked.error = "cancelled"
            asked.outcome = "doubt" if asked.writes else "error"
        asked.ended = world.loop.time()
        answer = asked.error or (asked.told if asked.reads else None) or "done"
        if asked.provenance is not None and (
            asked.provenance.degraded or asked.provenance.stale
        ):
            answer += f" from {asked.provenance.source}, degraded"
        world.note(self, answer, "error" if asked.error else "answer", inwards=False)

    @staticmethod
    def _outcome(asked: Asked, error: SkykeepError) -> Any:
        if not asked.writes:
            return "error"
        if isinstance(error, Unavailable):
            return "doubt" if error.sent else "refused"
        return "doubt" if isinstance(error, Throttled) else "refused"

    async def _call(self, asked: Asked) -> None:
        ask, secrets = asked.ask, self.secrets
        name, value = ask.name, ask.value
        if ask.kind in {"get", "fresh", "strict", "recent"}:
            secret = await secrets.get(
                name,
                fresh=ask.kind == "fresh",
                fail_if_stale=ask.kind == "strict",
                max_stale=RECENT if ask.kind == "recent" else None,
            )
            asked.told = secret.value.reveal().decode()
            asked.provenance = secret.provenance
            self.seen[name] = (secret.version, asked.told)
        elif ask.kind == "describe":
            info = await secrets.describe(name)
            asked.told = "" if info.deleted_at is None else None
            asked.provenance = info.provenance
        elif ask.kind == "list":
            asked.listed = tuple([info.name async for info in secrets.list()])
        elif ask.kind == "put":
            written = await secrets.put(name, value, on_tombstone="purge")
            asked.changed = written.changed
        elif ask.kind == "create":
            await secrets.create(name, value)
        elif ask.kind == "update":
            await secrets.update(name, value)
        elif ask.kind == "expects":
            version, asked.expected = self.seen.get(name, (None, None))
            await secrets.update(name, value, expects=version)
        elif ask.kind == "delete":
            await secrets.delete(name)
        elif ask.kind == "purge":
            await secrets.purge(name)
        else:
            await secrets.restore(name)
