"""Stores with a record of what they did, and the way from a process to them."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol, TypeVar

from skykeep.errors import SkykeepError, Throttled, Unavailable
from skykeep.interfaces.call import Role
from skykeep.interfaces.secret_driver import (
    CURRENT,
    Attributes,
    Page,
    Secret,
    SecretCapabilities,
    SecretDriver,
    SecretInfo,
    Version,
    Written,
)
from skykeep.interfaces.secret_value import SecretValue
from skykeep.providers.memory.secrets import EVERYTHING, MemorySecrets
from tests.simulation.fates import GIVES_UP, Fate, Weather
from tests.simulation.history import StoreSpec
from tests.simulation.loop import WORLD, Mortal, VirtualLoop
from tests.simulation.record import Applied, Asked, Record, Sent, asked_by

T = TypeVar("T")
WRITES = frozenset({"create", "update", "annotate", "move_stage", "delete", "restore", "purge"})


class Dead(BaseException):
    """A dead process wanted to do something. No handler of errors takes it for one."""


def capabilities(spec: StoreSpec) -> SecretCapabilities:
    """What the store can do."""
    return replace(
        EVERYTHING,
        compare_and_set=spec.compare_and_set,
        conditional_changes=spec.compare_and_set,
        soft_delete=spec.soft_delete,
        stamps=spec.stamps,
        stamp_with_value=spec.stamps,
    )


class Store:
    """One store: an in-memory one and what it did, in order."""

    def __init__(self, spec: StoreSpec, record: Record, loop: VirtualLoop) -> None:
        self.spec = spec
        self.kept = MemorySecrets(capabilities=capabilities(spec))
        self.applied: list[Applied] = []
        self._record = record
        self._loop = loop
        self._listed: list[tuple[float, tuple[SecretInfo, ...]]] = [(0.0, ())]

    def holds(self, name: str) -> str | None:
        """The value under the name; None is nothing, or a tombstone."""
        record = self.kept.store._records.get(name)
        if record is None or record.deleted_at is not None:
            return None
        return record.versions[record.stages[CURRENT]].value.reveal().decode()

    def do(
        self, operation: str, name: str, work: Callable[[], Coroutine[Any, Any, T]], by: Sent
    ) -> T:
        """Do it now. Raises what the in-memory driver raises."""
        if operation not in WRITES:
            return _at_once(work())
        before = self.holds(name)
        answer = _at_once(work())
        now = self._loop.time()
        applied = Applied(
            len(self._record.applied),
            now,
            self.spec.name,
            name,
            operation,
            before,
            self.holds(name),
            by.asked,
            by.process,
            by.at,
        )
        self.applied.append(applied)
        self._record.applied.append(applied)
        if self.spec.lists_behind and (before is None) is not (applied.after is None):
            page = _at_once(self.kept.list("", cursor=None, limit=1000))
            self._listed.append((now, tuple(page.items)))
        return answer

    async def listed(self, prefix: str, cursor: str | None, limit: int) -> Page:
        """A listing as it was some seconds ago: one page, for there are few names."""
        if not self.spec.lists_behind:
            return await self.kept.list(prefix, cursor=cursor, limit=limit)
        then = self._loop.time() - self.spec.lists_behind
        seen: tuple[SecretInfo, ...] = ()
        for at, items in self._listed:
            if at <= then:
                seen = items
        return Page(seen, None)


def _at_once(work: Coroutine[Any, Any, T]) -> T:
    """The outcome of a coroutine that waits for nothing."""
    try:
        work.send(None)
    except StopIteration as ended:
        outcome: T = ended.value
        return outcome
    raise AssertionError("an in-memory store waited for something")


class Sender(Mortal, Protocol):
    """A process, as its requests show it."""

    label: str
    number: int


@dataclass(frozen=True, slots=True)
class Network:
    """What lies between processes and stores.

    Attributes:
        impatient: where it is noted that somebody came again too early.
    """

    weather: Weather
    seed: int
    record: Record
    loop: VirtualLoop
    impatient: list[str]


class Way(SecretDriver):
    """From one process to one store. What was sent arrives, whatever becomes of the sender."""

    def __init__(self, network: Network, store: Store, process: Sender) -> None:
        self.capabilities = store.kept.capabilities
        self._network = network
        self._store = store
        self._process = process
        self._label = process.label
        self._record = network.record
        self._loop = network.loop
        self._asked_for: dict[Asked, float] = {}

    async def _ask(
        self, operation: str, name: str, work: Callable[[], Coroutine[Any, Any, T]]
    ) -> T:
        if not self._process.alive:
            raise Dead
        loop, store = self._loop, self._store.spec.name
        now = loop.time()
        asked = asked_by.get()
        if asked is not None and (asked.ended is not None or asked.ask.name != name):
            asked = None  # what its call began goes on without it: a replay, a refresh
        sent = Sent(now, self._label, store, operation, name, asked)
        self._record.sent.append(sent)
        looks = asked is not None and asked.writes and operation == "get"  # what became of it
        if asked is not None and not looks and now < self._asked_for.get(asked, 0.0) - 1e-3:
            self._network.impatient.append(
                f"{self._label} asks {store} for {name} at {now:.3f} s"
            )
        # Drawn for this request alone: what a shorter history leaves out changes no other's.
        drawn = f"{self._network.seed} {store} {self._process.number} {operation} {name} {now}"
        fate = self._network.weather.fate(
            self._store.spec, self._process.number, now, zlib.crc32(drawn.encode())
        )
        answer: asyncio.Future[T] = loop.create_future()
        reached = None if fate.there is None else now + fate.there
        if self._record.trace is not None:
            self._record.note(
                now,
                self._label,
                store,
                f"{operation} {name}",
                until=reached,
                kind="request",
            )
        if reached is not None:
            loop.call_at(reached, self._arrives, sent, fate, work, answer, context=WORLD)
        if fate.error is not None:
            error = _error(fate, store)
            if asked is not None and fate.retry_after is not None:
                self._asked_for[asked] = now + fate.told + fate.retry_after
            loop.call_at(now + fate.told, self._tells, answer, error, context=WORLD)
        if fate.back is None and fate.error is None:
            self._gives_up(answer, now)
        return await answer

    def _gives_up(self, answer: asyncio.Future[T], since: float) -> None:
        """Let the caller wait no longer than a driver does."""
        error = Unavailable("no answer from the store", timed_out=True)
        self._loop.call_at(since + GIVES_UP, self._tells, answer, error, context=WORLD)

    def _arrives(
        self,
        sent: Sent,
        fate: Fate,
        work: Callable[[], Coroutine[Any, Any, T]],
        answer: asyncio.Future[T],
    ) -> None:
        outcome: T | SkykeepError
        try:
            outcome = self._store.do(sent.operation, sent.name, work, sent)
        except SkykeepError as error:
            outcome = error
        if fate.error is not None:
            return
        now = self._loop.time()
        back = fate.back
        if back is not None and self._network.weather.cut(
            self._store.spec.name, self._process.number, now
        ):
            back = None
            self._gives_up(answer, sent.at)
        until = None if back is None else now + back
        if self._record.trace is not None:
            failed = isinstance(outcome, SkykeepError)
            text = type(outcome).__name__ if failed else _shown(outcome)
            kind: Literal["error", "answer"] = "error" if failed else "answer"
            self._record.note(now, sent.store, sent.process, text, until=until, kind=kind)
        if until is not None:
            self._loop.call_at(until, self._tells, answer, outcome, context=WORLD)

    @staticmethod
    def _tells(answer: asyncio.Future[T], outcome: T | SkykeepError) -> None:
        if answer.done():
            return
        if isinstance(outcome, SkykeepError):
            answer.set_exception(outcome)
        else:
            answer.set_result(outcome)

    # -- the driver

    async def get(
        self, name: str, *, version: str | None = None, stage: str | None = None
    ) -> Secret:
        kept = self._store.kept
        return await self._ask(
            "get", name, lambda: kept.get(name, version=version, stage=stage)
        )

    async def list(
        self, prefix: str, *, cursor: str | None, limit: int, deleted: bool = False
    ) -> Page:
        return await self._ask(
            "list", prefix, lambda: self._store.listed(prefix, cursor, limit)
        )

    async def describe(self, name: str) -> SecretInfo:
        return await self._ask("describe", name, lambda: self._store.kept.describe(name))

    async def versions(self, name: str) -> Sequence[Version]:
        return await self._ask("versions", name, lambda: self._store.kept.versions(name))

    async def create(self, name: str, value: SecretValue, attributes: Attributes) -> Written:
        kept = self._store.kept
        return await self._ask("create", name, lambda: kept.create(name, value, attributes))

    async def update(
        self,
        name: str,
        value: SecretValue,
        attributes: Attributes,
        *,
        stage: str = CURRENT,
        expects: str | None = None,
    ) -> Written:
        kept = self._store.kept
        return await self._ask(
            "update",
            name,
            lambda: kept.update(name, value, attributes, stage=stage, expects=expects),
        )

    async def annotate(
        self, name: str, attributes: Attributes, *, expects: str | None = None
    ) -> None:
        kept = self._store.kept
        await self._ask(
            "annotate", name, lambda: kept.annotate(name, attributes, expects=expects)
        )

    async def move_stage(
        self, name: str, stage: str, version: str | None, *, expects: str | None = None
    ) -> None:
        kept = self._store.kept
        await self._ask(
            "move_stage", name, lambda: kept.move_stage(name, stage, version, expects=expects)
        )

    async def delete(self, name: str, *, expects: str | None = None) -> None:
        kept = self._store.kept
        await self._ask("delete", name, lambda: kept.delete(name, expects=expects))

    async def restore(self, name: str) -> None:
        await self._ask("restore", name, lambda: self._store.kept.restore(name))

    async def purge(self, name: str) -> None:
        await self._ask("purge", name, lambda: self._store.kept.purge(name))


class SimTarget:
    """A target of one process: the way to a store."""

    provider = "simulated"
    region = None
    embedded = False

    def __init__(self, spec: StoreSpec, way: Way) -> None:
        self.name = spec.name
        self.role = Role(spec.role)
        self._way = way

    async def driver(self, capability: str) -> Any:
        """The way there."""
        return self._way


def _error(fate: Fate, store: str) -> SkykeepError:
    if fate.error == "refused":
        return Unavailable(f"{store} refuses connections", sent=False)
    if fate.error == "throttled":
        return Throttled(f"{store} is busy", retry_after=fate.retry_after)
    return Unavailable(f"{store}: {fate.error}")


def _shown(outcome: object) -> str:
    if isinstance(outcome, Secret):
        return f"{outcome.value.reveal().decode()}, version {outcome.version}"
    if isinstance(outcome, Written):
        return f"version {outcome.version}"
    return "ok"
