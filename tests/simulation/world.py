"""One history, from its first event to quiet, and what is found then."""

from __future__ import annotations

import asyncio
import gc
import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import Context, copy_context
from dataclasses import dataclass
from random import Random
from typing import Any

from tests.simulation.clocks import Wall, virtual
from tests.simulation.fates import LATE, Weather
from tests.simulation.history import Ask, ClockStep, Event, Foreign, History, Kill
from tests.simulation.journal import WatchedState
from tests.simulation.loop import WORLD, Livelock, Stuck, VirtualLoop, process_of
from tests.simulation.process import Process
from tests.simulation.record import Asked, Record, Removed, Sent
from tests.simulation.stores import Network, Store

PROCESSES = 2
PROBES = 7.0
"""Seconds: more than lie between two probes of a target that was left alone."""

QUIET = 240.0
"""Seconds after healing in which all that is owed has to be brought."""


@dataclass(slots=True)
class Violation:
    """What must not be, and was."""

    invariant: str
    what: str


class World:
    """Everything of one history."""

    def __init__(self, history: History, *, traced: bool = False) -> None:
        self.history = history
        self.loop = VirtualLoop(Random(f"ties {history.seed}"))
        self.loop.set_task_factory(_remembered)
        self.wall = Wall()
        self.record = Record(trace=[] if traced else None)
        self.weather = Weather(history)
        self.impatient: list[str] = []
        self.network = Network(
            self.weather, history.seed, self.record, self.loop, self.impatient
        )
        self.stores = {
            spec.name: Store(spec, self.record, self.loop) for spec in history.stores
        }
        self.journal = WatchedState(self._removed, self._kept if traced else None)
        self.processes: list[Process] = []
        self.dead: list[Process] = []
        self.clients: list[tuple[Process, asyncio.Task[None]]] = []
        self.violations: list[Violation] = []
        self.conflicts: set[str] = set()
        self.owed_at_end = 0
        self.removed: list[Removed] = []
        self.afterwards: list[Asked] = []
        self.survivors: set[int] = set()
        self.healed_at = 0.0
        self.lives = 0
        self._down: dict[int, float] = {}

    def violated(self, invariant: str, what: str) -> None:
        """Put a finding down."""
        self.violations.append(Violation(invariant, what))

    # -- running it

    def run(self) -> None:
        """All of it. What is found is in ``violations``."""
        collecting = gc.isenabled()
        gc.disable()  # or what it finds runs at moments that no seed draws
        try:
            with virtual(self.loop, self.wall, self.history.seed), self._overheard():
                try:
                    self.loop.run_until_complete(self._main())
                except (Stuck, Livelock) as error:
                    self.violated("ends", str(error))
                with warnings.catch_warnings():
                    # Of coroutines that a dead process had made and not yet begun.
                    warnings.simplefilter("ignore", RuntimeWarning)
                    for process in (*self.dead, *self.processes):
                        process.alive = False
                        process.bury()
            self.loop._ready.clear()
            self.loop._scheduled.clear()
            self.loop.close()
        finally:
            if collecting:
                gc.enable()
        for complaint in self.loop.complaints:
            self.violated("nothing goes unseen", complaint)

    @contextmanager
    def _overheard(self) -> Iterator[None]:
        """What the layers log is part of a trace, and otherwise of nothing: outages are what a
        history is made of."""
        logger = logging.getLogger("skykeep")
        before = (logger.level, logger.propagate)
        handler = _Overhears(self)
        logger.setLevel(logging.CRITICAL if self.record.trace is None else logging.WARNING)
        logger.propagate = False
        logger.addHandler(handler)
        try:
            yield
        finally:
            logger.removeHandler(handler)
            logger.setLevel(before[0])
            logger.propagate = before[1]

    async def _main(self) -> None:
        self.processes = [Process(self, number) for number in range(PROCESSES)]
        ends = self.weather.ends
        for event in self.history.events:
            self.loop.call_at(event.at, self._happens, event, context=WORLD)
            ends = max(ends, event.at)
        await asyncio.sleep(ends)
        # What was delayed has arrived, calls have ended, those who are to die have died.
        await asyncio.sleep(LATE + self.history.settings.deadline + 1.0)
        for process in tuple(self.processes):
            process.steps_left = None
            if not process.alive:
                self._restart(process.number)
        self.healed_at = self.loop.time()
        await self._quiet()
        await self._afterwards()
        await self._ended()

    async def _quiet(self) -> None:
        for process in self.processes:  # what replays is begun by the first call
            process.ask(Ask(self.loop.time(), process.number, "get", "awake"))
        waited = 0.0
        while self.processes[0].wired.owed() and waited < QUIET:
            waited += 5.0
            await asyncio.sleep(5.0)
        self.owed_at_end = self.processes[0].wired.owed()
        self.conflicts = set(self.processes[0].wired.conflicts())

    async def _afterwards(self) -> None:
        """One read sends the probe, if there is to be one; the next finds all in order."""
        names = sorted({event.name for event in self.history.events if isinstance(event, Ask)})
        for _ in range(2):
            await asyncio.sleep(PROBES)
            self.afterwards = [
                process.ask(Ask(self.loop.time(), process.number, "fresh", name))
                for process in self.processes
                for name in names
                if name
            ]
        await asyncio.sleep(self.history.settings.deadline + 1.0)
        self.survivors = {process.life for process in self.processes}

    def _removed(self, name: str, asked: Asked | None, others: int) -> None:
        held = {store: each.holds(name) for store, each in self.stores.items()}
        self.removed.append(Removed(self.loop.time(), name, asked, others, held))

    def _kept(self, text: str) -> None:
        process, now = process_of.get(), self.loop.time()
        if isinstance(process, Process):
            self.record.note(now, process.label, "journal", text, until=now, kind="note")

    async def _ended(self) -> None:
        waiting = [task for process, task in self.clients if process.alive and not task.done()]
        if waiting:
            self.violated("calls end", f"{len(waiting)} still wait: {waiting[0].get_name()}")
        for process in self.processes:
            await process.close()
        await asyncio.sleep(0)
        for process in self.processes:
            for task in process.tasks_made:
                if not task.done():
                    self.violated("nothing leaks", f"a task is left: {task.get_name()}")
        for process in (*self.dead, *self.processes):
            for task in process.tasks_made:
                if task.done() and task._log_traceback and process.alive:
                    self.violated(
                        "nothing goes unseen", f"{task.get_name()}: {task.exception()!r}"
                    )

    # -- what happens

    def _happens(self, event: Event) -> None:
        if isinstance(event, Ask):
            process = self.processes[event.process]
            if process.alive:
                process.ask(event)
        elif isinstance(event, Kill):
            process = self.processes[event.process]
            if process.alive:
                process.steps_left = event.steps
                self._down[event.process] = event.down
        elif isinstance(event, ClockStep):
            self.wall.ahead += event.seconds
        elif isinstance(event, Foreign):
            self._foreign(event)

    def _foreign(self, event: Foreign) -> None:
        from skykeep.interfaces.secret_driver import Attributes
        from skykeep.interfaces.secret_value import SecretValue

        store = self.stores[event.store]
        kept, name = store.kept, event.name
        sent = Sent(self.loop.time(), "another host", event.store, "", name, None)
        if not event.value:
            if store.holds(name) is not None:
                store.do("delete", name, lambda: kept.delete(name), sent)
            return
        value = SecretValue(event.value)
        if store.holds(name) is not None:
            store.do("update", name, lambda: kept.update(name, value, Attributes()), sent)
            return
        if name in kept.store._records:  # a tombstone
            store.do("purge", name, lambda: kept.purge(name), sent)
        store.do("create", name, lambda: kept.create(name, value, Attributes()), sent)

    def died(self, process: Process) -> None:
        """A process did; it is started again, later."""
        self.dead.append(process)
        self.note(process, "killed", "error", inwards=None)
        after = self._down.get(process.number, 1.0)
        self.loop.call_at(
            self.loop.time() + after, self._restart, process.number, context=WORLD
        )

    def _restart(self, number: int) -> None:
        before = self.processes[number]
        if not before.alive:
            self.processes[number] = Process(self, number)
            self.note(self.processes[number], "started again", "note", inwards=None)

    def note(self, process: Process, text: str, kind: Any, *, inwards: bool | None) -> None:
        """Between an application and its process, or (None) at that alone."""
        if self.record.trace is None:
            return
        now, label = self.loop.time(), process.label
        source, target = ("application", label) if inwards else (label, "application")
        if inwards is None:
            source = target = label
        self.record.note(now, source, target, text, until=now, kind=kind)


class _Overhears(logging.Handler):
    def __init__(self, world: World) -> None:
        super().__init__()
        self._world = world

    def emit(self, record: logging.LogRecord) -> None:
        process = process_of.get()
        if isinstance(process, Process):
            self._world.note(process, record.getMessage(), "note", inwards=None)


def _remembered(loop: asyncio.AbstractEventLoop, coro: Any, **given: Any) -> asyncio.Task[Any]:
    context: Context = given.get("context") or copy_context()
    process = context.get(process_of)
    if process is None and isinstance(loop, VirtualLoop) and loop.running is not None:
        # Begun in a context of its own, for it is nobody's call: but this process's.
        process = loop.running
        context.run(process_of.set, process)
    task: asyncio.Task[Any] = asyncio.Task(coro, loop=loop, **{**given, "context": context})
    if isinstance(process, Process):
        process.tasks_made.append(task)
    return task


def run(history: History, *, traced: bool = False) -> World:
    """A history, run and judged."""
    from tests.simulation.judge import judge

    world = World(history, traced=traced)
    world.run()
    world.violations.extend(judge(world))
    return world


def invariants_of(violations: Sequence[Violation]) -> frozenset[str]:
    """Which were violated."""
    return frozenset(each.invariant for each in violations)
