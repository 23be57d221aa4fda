"""The locks of names: one task of one process of this host has a name at a time.

A name has one of 256 stripes, a file under ``flock`` each: the kernel lets go of it when its
holder dies, however. Tasks of one process wait for each other without asking again; processes
ask every few milliseconds. Names that share a stripe merely wait for each other.
"""

from __future__ import annotations

import asyncio
import errno
import fcntl
import os
import random
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final

from skykeep.durable.errors import not_written
from skykeep.errors import SkykeepError, Unavailable
from skykeep.journal.lock_errors import held_too_long

_SHORTEST, _LONGEST = 0.002, 0.025
"""Seconds between two questions to the kernel, at random: so that no two ask in step."""

_IN_A_ROW: Final = 16
"""So many tasks of one process follow each other; then those of others get a chance."""

_FLAGS: Final = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC

_all: weakref.WeakSet[Stripes] = weakref.WeakSet()
_opening = threading.Lock()  # no fork comes between a file's opening and its being known


@dataclass(slots=True, eq=False)
class _Waiter:
    loop: asyncio.AbstractEventLoop
    turn: asyncio.Future[None]


@dataclass(slots=True)
class _Queue:
    """Whose turn it is in this process; it is there while somebody's is."""

    waiting: deque[_Waiter] = field(default_factory=deque)
    in_a_row: int = 0


@dataclass(slots=True, eq=False)
class _File:
    """An open file, perhaps locked."""

    descriptor: int


class Stripes:
    """The locks of one journal.

    Args:
        directory: of their files; made when it is needed.
        stripe: 0 to 255 for a name.
    """

    def __init__(self, directory: Path, stripe: Callable[[str], int]) -> None:
        self._directory = directory
        self._stripe = stripe
        self._mutex = threading.Lock()
        self._queues: dict[int, _Queue] = {}
        self._files: set[_File] = set()
        with _opening:
            _all.add(self)

    def hold(self, name: str, seconds: float) -> _Hold:
        """See ``JournalStore``."""
        return _Hold(self, self._stripe(name), seconds)

    # -- among the tasks of this process

    async def turn(self, stripe: int, seconds: float) -> None:
        """Wait until no other task of this process has it."""
        with self._mutex:
            queue = self._queues.get(stripe)
            if queue is None:
                self._queues[stripe] = _Queue()
                return
            loop = asyncio.get_running_loop()
            waiter = _Waiter(loop, loop.create_future())
            queue.waiting.append(waiter)
        try:
            async with asyncio.timeout(seconds):
                await waiter.turn
        except BaseException as error:
            with self._mutex:
                given = waiter not in queue.waiting
                if not given:
                    queue.waiting.remove(waiter)
            if given:
                self.pass_on(stripe)
            if isinstance(error, TimeoutError):
                raise held_too_long(seconds) from None
            raise

    def pass_on(self, stripe: int) -> None:
        """It is the next task's turn, if one waits."""
        with self._mutex:
            queue = self._queues.get(stripe)
            while queue is not None and queue.waiting:
                following = queue.waiting.popleft()
                queue.in_a_row += 1
                try:
                    following.loop.call_soon_threadsafe(_wake, following.turn)
                except RuntimeError:
                    continue  # its loop is closed
                return
            self._queues.pop(stripe, None)

    def steps_back(self, stripe: int) -> bool:
        """Whether others should get it first: many tasks of this process had it in a row."""
        with self._mutex:
            queue = self._queues.get(stripe)
            if queue is None or queue.in_a_row < _IN_A_ROW:
                return False
            queue.in_a_row = 0
            return True

    # -- among processes

    def open(self, stripe: int) -> _File:
        """The stripe's file. Raises ``Quota``, ``Denied``."""
        path = self.path(stripe)
        try:
            with _opening:
                try:
                    descriptor = os.open(path, _FLAGS, 0o600)
                except FileNotFoundError:
                    path.parent.mkdir(mode=0o700, exist_ok=True)
                    descriptor = os.open(path, _FLAGS, 0o600)
                file = _File(descriptor)
                self._files.add(file)
        except OSError as error:
            raise _no_lock(error, path) from None
        return file

    def path(self, stripe: int) -> Path:
        """The path of the stripe's file."""
        return self._directory / f"{stripe:02x}"

    def lock(self, file: _File, stripe: int) -> bool:
        """Whether the lock is had now, of the file that the others find at that path."""
        try:
            fcntl.flock(file.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            mine, found = os.fstat(file.descriptor), self.path(stripe).stat()
        except (BlockingIOError, FileNotFoundError):
            return False
        except OSError as error:
            raise _no_lock(error, self.path(stripe)) from None
        return (mine.st_dev, mine.st_ino) == (found.st_dev, found.st_ino)

    def close(self, file: _File, *, locked: bool = False) -> None:
        """Let go of the lock and the file; in a child that was forked meanwhile, of nothing."""
        with _opening:
            if file not in self._files:
                return
            self._files.discard(file)
            try:
                if locked:
                    # Not by closing alone: a child may have the file open, too.
                    fcntl.flock(file.descriptor, fcntl.LOCK_UN)
            finally:
                os.close(file.descriptor)

    def after_fork(self) -> None:
        """In a child: the tasks are the parent's, and so is what they hold. Twice is once."""
        self._mutex = threading.Lock()
        self._queues = {}
        files, self._files = self._files, set()
        for file in files:
            os.close(file.descriptor)  # not unlocked: the lock is the open file's, the parent's


class _Hold:
    """One holding of a stripe, from ``async with`` to its end."""

    def __init__(self, stripes: Stripes, stripe: int, seconds: float) -> None:
        self._stripes = stripes
        self._stripe = stripe
        self._seconds = seconds
        self._file: _File | None = None

    async def __aenter__(self) -> None:
        end = time.monotonic() + self._seconds
        await self._stripes.turn(self._stripe, self._seconds)
        try:
            self._file = await self._locked(end)
        except BaseException:
            self._stripes.pass_on(self._stripe)
            raise

    async def _locked(self, end: float) -> _File:
        if self._stripes.steps_back(self._stripe):
            await _moment(end)
        while True:
            file = self._stripes.open(self._stripe)
            locked = False
            try:
                locked = self._stripes.lock(file, self._stripe)
            finally:
                if not locked:
                    self._stripes.close(file)
            if locked:
                return file
            if time.monotonic() >= end:
                raise held_too_long(self._seconds)
            await _moment(end)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        file, self._file = self._file, None
        if file is not None:
            try:
                self._stripes.close(file, locked=True)
            finally:
                self._stripes.pass_on(self._stripe)


async def _moment(end: float) -> None:
    moment = random.uniform(_SHORTEST, _LONGEST)  # noqa: S311  (it keeps nothing secret)
    await asyncio.sleep(max(0.0, min(moment, end - time.monotonic())))


def _wake(turn: asyncio.Future[None]) -> None:
    if not turn.done():  # its task was cancelled: it passes the turn on
        turn.set_result(None)


def _no_lock(error: OSError, path: Path) -> SkykeepError:
    if error.errno == errno.ENOLCK:
        return Unavailable(
            f"the system has no lock to give for {path}",
            sent=False,
            hint="keep the journal on a file system of this host",
        )
    return not_written(error, f"the lock {path}")


def _after_fork_in_child() -> None:
    _opening.release()
    for stripes in tuple(_all):
        stripes.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_opening.acquire,
        after_in_parent=_opening.release,
        after_in_child=_after_fork_in_child,
    )
