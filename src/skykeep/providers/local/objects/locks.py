"""Who may change a key: one at a time, of all threads and processes.

A condition is decided, and what it allows is done, under the lock of the key's shard. It is
``flock``: the system lets go of it when its holder dies. While a holder has something half
done, the lock's file has the key: who takes the lock next tidies up after the dead.
"""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from skykeep.errors import Unavailable
from skykeep.providers.local.objects.layout import LOCKS, read_range, room, write_all

SHARDS: Final = 256
PATIENCE: Final = 10.0
"""Seconds that a lock is waited for. It is held for a few writes of the disk."""
_FIRST, _LONGEST = 0.0005, 0.02

_FLAGS: Final = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
_MAX_KEY: Final = 4096


class Locks:
    """The locks of one driver."""

    def __init__(self) -> None:
        # Threads of one process wake each other; ``flock`` alone would have them ask again.
        self._threads = [threading.Lock() for _ in range(SHARDS)]
        self._held: set[int] = set()

    @contextmanager
    def shard(self, own: int, shard: int, tidy: Callable[[str], None]) -> Iterator[Held]:
        """Hold the lock of a shard. ``tidy`` is called with a key that somebody left half done.

        Raises ``Unavailable`` if it is not free in time.
        """
        mutex = self._threads[shard]
        if not mutex.acquire(timeout=PATIENCE):
            raise _busy()
        try:
            with room(LOCKS, own) as locks:
                descriptor = os.open(f"{shard:02x}", _FLAGS, 0o600, dir_fd=locks)
            with self.taken(descriptor, fcntl.LOCK_EX):
                left = read_range(descriptor, 0, _MAX_KEY)
                if left:
                    tidy(left.decode(errors="replace"))
                    os.ftruncate(descriptor, 0)
                yield Held(descriptor)
        finally:
            mutex.release()

    @contextmanager
    def taken(self, descriptor: int, how: int) -> Iterator[None]:
        """Hold an open file's lock; the file is closed at the end. Raises as :meth:`shard`."""
        self._held.add(descriptor)
        try:
            wait_for(descriptor, how)
            try:
                yield
            finally:
                # Not by closing alone: a child that was forked meanwhile has it open, too.
                fcntl.flock(descriptor, fcntl.LOCK_UN)
        finally:
            self._held.discard(descriptor)
            os.close(descriptor)

    def after_fork(self) -> None:
        """In a child: the threads are the parent's, and so is what they hold."""
        self._threads = [threading.Lock() for _ in range(SHARDS)]
        held, self._held = self._held, set()
        for descriptor in held:
            os.close(descriptor)  # the parent's lock stays: it has the file open


class Held:
    """A lock that is held."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def mark(self, key: str) -> None:
        """What is done has several steps: after ``kill -9`` the next holder knows of it."""
        write_all(self._descriptor, key.encode())

    def clear(self) -> None:
        """All of it is done."""
        os.ftruncate(self._descriptor, 0)


def wait_for(descriptor: int, how: int) -> None:
    """Take a lock of a file. Raises ``Unavailable`` if it is not free in time."""
    end = time.monotonic() + PATIENCE
    wait = _FIRST
    while True:
        try:
            fcntl.flock(descriptor, how | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= end:
                raise _busy() from None
        else:
            return
        time.sleep(wait)
        wait = min(wait * 2, _LONGEST)


def _busy() -> Unavailable:
    return Unavailable(
        f"others have written the same objects for {PATIENCE:g} s; nothing was written",
        sent=False,
        hint="a process that is stopped (Ctrl-Z, a debugger) may hold a lock",
    )
