"""A journal without a disk: the same promises, for tests and the simulator.

What a disk and the kernel keep for all processes of a host is a :class:`MemoryState`; a process
is a :class:`MemoryJournal` on it. All of them live in one event loop.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from skykeep.errors import Unavailable
from skykeep.journal.bounds import Bounds
from skykeep.journal.lock_errors import held_too_long


class _Lock:
    """The lock of a name: who has it, and who waits, in the order in which they came."""

    def __init__(self) -> None:
        self.holder: _Claim | None = None
        self.waiting: deque[_Claim] = deque()


class _Claim:
    """One ``hold``: of which process, and what it waits for."""

    def __init__(self, journal: MemoryJournal) -> None:
        self.journal = journal
        self.turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()


class MemoryState:
    """What the processes of one host share.

    Attributes:
        number: of the commits so far.
        last: the highest id that was given.
        entries: id -> payload, in order; None is a removed one.
    """

    def __init__(self) -> None:
        self.number = 0
        self.last = 0
        self.entries: dict[int, bytes | None] = {}
        self.changed: dict[int, int] = {}
        self.locks: dict[str, _Lock] = {}

    def put(self, id: int, payload: bytes | None) -> None:
        """One commit."""
        self.number += 1
        self.last = max(self.last, id)
        self.entries[id] = payload
        self.changed[id] = self.number

    def kept(self) -> list[bytes]:
        """The payloads that are not removed, in the order of their ids."""
        return [payload for payload in self.entries.values() if payload is not None]

    def release(self, name: str, claim: _Claim) -> None:
        """Let go of a claim, held or waiting; one that has neither is no error."""
        lock = self.locks.get(name)
        if lock is None:
            return
        if claim in lock.waiting:
            lock.waiting.remove(claim)
        if lock.holder is claim:
            lock.holder = None
        while lock.holder is None and lock.waiting:
            following = lock.waiting.popleft()
            if not following.turn.done() and following.journal.lives():
                lock.holder = following
                following.turn.set_result(None)
        if lock.holder is None:
            del self.locks[name]

    def crashed(self, journal: MemoryJournal) -> None:
        """The kernel frees what a process held."""
        for name, lock in list(self.locks.items()):
            for claim in [*lock.waiting, lock.holder]:
                if claim is not None and claim.journal is journal:
                    self.release(name, claim)


class MemoryJournal:
    """A ``JournalStore`` of one process on a state that it shares.

    Each write has two moments at which other tasks run: before it is kept, and after it before
    it is acknowledged. A process that dies between them kept what it was not told of.

    Args:
        state: of the host.
        bounds: as in the one on a disk.
        alive: asked before and after each step; a process for which it says False can do
            nothing any more: ``Unavailable``.
    """

    def __init__(
        self,
        state: MemoryState | None = None,
        *,
        bounds: Bounds | None = None,
        alive: Callable[[], bool] = lambda: True,
    ) -> None:
        self.state = MemoryState() if state is None else state
        self._bounds = bounds or Bounds()
        self._alive = alive
        self._crashed = False

    def lives(self) -> bool:
        """Whether the process does."""
        return not self._crashed and self._alive()

    def crash(self) -> None:
        """``kill -9``: nothing works any more, and its locks are free at once.

        A process that ``alive`` calls dead frees them when another one asks for them; whoever
        waits already is woken by this only.
        """
        self._crashed = True
        self.state.crashed(self)

    def _check(self) -> None:
        if not self.lives():
            raise Unavailable("the process was killed", sent=False)

    async def _step(self) -> None:
        self._check()
        await asyncio.sleep(0)
        self._check()

    async def append(self, payload: bytes) -> int:
        """See ``JournalStore``."""
        await self._step()
        kept = self.state.kept()
        self._bounds.check(len(kept), sum(map(len, kept)), len(payload))
        new = self.state.last + 1
        self.state.put(new, bytes(payload))
        await self._step()
        return new

    async def replace(self, id: int, payload: bytes) -> bool:
        """See ``JournalStore``."""
        await self._step()
        before = self.state.entries.get(id)
        if before is not None:
            kept = self.state.kept()
            more = len(payload) - len(before)
            self._bounds.check_size(len(kept), sum(map(len, kept)), more)
            self.state.put(id, bytes(payload))
        await self._step()
        return before is not None

    async def remove(self, id: int) -> None:
        """See ``JournalStore``."""
        await self._step()
        if self.state.entries.get(id) is not None:
            self.state.put(id, None)
        await self._step()

    def changes(self, since: int) -> tuple[int, Sequence[tuple[int, bytes | None]]]:
        """See ``JournalStore``."""
        self._check()
        state = self.state
        if since == state.number:
            return since, ()
        found = [
            (each, payload)
            for each, payload in state.entries.items()
            if state.changed[each] > since and (since or payload is not None)
        ]
        return state.number, found

    def hold(self, name: str, seconds: float) -> AbstractAsyncContextManager[None]:
        """See ``JournalStore``."""
        return self._hold(name, seconds)

    @asynccontextmanager
    async def _hold(self, name: str, seconds: float) -> AsyncIterator[None]:
        self._check()
        claim = _Claim(self)
        lock = self.state.locks.setdefault(name, _Lock())
        if lock.holder is not None and not lock.holder.journal.lives():
            self.state.crashed(lock.holder.journal)
            lock = self.state.locks.setdefault(name, _Lock())
        try:
            if lock.holder is None:
                lock.holder = claim
            else:
                lock.waiting.append(claim)
                await self._turn(claim, seconds)
            self._check()
            yield
        finally:
            self.state.release(name, claim)

    async def _turn(self, claim: _Claim, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await claim.turn
        except TimeoutError:
            raise held_too_long(seconds) from None

    async def close(self) -> None:
        """See ``JournalStore``."""

    def after_fork(self) -> None:
        """See ``JournalStore``."""
