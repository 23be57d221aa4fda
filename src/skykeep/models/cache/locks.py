"""Who builds a tree and who uses it: ``flock``, which ends with its holder.

A lock's file may be removed by who holds it alone, so a lock counts only if its file is still
the one at its path. Waiting is asking again, on the event loop: a caller that gives up leaves
nothing behind.
"""

from __future__ import annotations

import asyncio
import errno
import fcntl
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from skykeep.errors import Unavailable

PATIENCE: Final = 60.0
"""Seconds without progress after which who holds a lock is taken to be stopped."""
FIRST_WAIT, LONGEST_WAIT = 0.001, 0.05

_FLAGS: Final = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC


class Lock:
    """An open file that is locked. It is let go by :meth:`release`, or with the process."""

    def __init__(self, descriptor: int, path: Path, *, shared: bool) -> None:
        self.descriptor = descriptor
        self.path = path
        self._shared = shared

    def release(self) -> None:
        """May be called twice."""
        descriptor, self.descriptor = self.descriptor, -1
        if descriptor >= 0:
            if not self._shared:
                # A child that was forked meanwhile has it open, too, and does none of the work.
                # What is shared stays with the child: it may go on using the files.
                fcntl.flock(descriptor, fcntl.LOCK_UN)
            os.close(descriptor)

    def touch(self) -> None:
        """Let the file's time be now."""
        os.utime(self.descriptor)

    def remove(self) -> None:
        """Take the file away; for who holds it exclusively."""
        self.path.unlink(missing_ok=True)


def tried(path: Path, *, shared: bool = False) -> Lock | None:
    """The lock of a file, which is made; None if others hold it. Raises ``OSError``."""
    how = (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB
    while True:
        descriptor = os.open(path, _FLAGS, 0o600)
        try:
            fcntl.flock(descriptor, how)
            if _is_at(descriptor, path):
                return Lock(descriptor, path, shared=shared)
        except OSError as error:
            os.close(descriptor)
            if error.errno in {errno.EAGAIN, errno.EWOULDBLOCK}:
                return None
            raise
        os.close(descriptor)


def _is_at(descriptor: int, path: Path) -> bool:
    mine = os.fstat(descriptor)
    try:
        there = path.lstat()
    except FileNotFoundError:
        return False
    return (mine.st_dev, mine.st_ino) == (there.st_dev, there.st_ino)


async def waited(path: Path, progress: Callable[[], object], *, shared: bool = False) -> Lock:
    """The lock, once it is free. Raises ``Unavailable`` if :data:`PATIENCE` passes in which
    ``progress`` gives the same, ``OSError``."""
    wait, seen, since = FIRST_WAIT, progress(), time.monotonic()
    while True:
        lock = tried(path, shared=shared)
        if lock is not None:
            return lock
        await asyncio.sleep(wait)
        wait = min(wait * 2, LONGEST_WAIT)
        if time.monotonic() - since >= PATIENCE:
            now = progress()
            if now == seen:
                raise Unavailable(
                    f"another process has held '{path}' for {PATIENCE:g} s and fetched nothing",
                    hint="one that is stopped (Ctrl-Z, a debugger) holds on; lsof tells which",
                )
            seen, since = now, time.monotonic()
