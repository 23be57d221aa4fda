"""A connection that does not cross a fork.

SQLite keeps a book, one for each process and file, of the locks that it holds there. A
forked child inherits the book and not the locks: connections that it opens believe to hold
what they do not, and when the parent closes as the last one that it knows of, it removes
the journal that the child goes on writing to (sqlite.org/howtocorrupt.html, 2.6). So before
a fork the transaction under way is waited for and every connection is closed; parent and
child open theirs again when they need them.

The system's locks belong to a process: it gives up all that SQLite holds on a file when it
closes *any* descriptor of it (2.2 of the same page). Another process that closes the file then
takes itself for the last one and removes the journal, acknowledged commits included. So what
reads the file beside SQLite does it through :func:`beside_sqlite`.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from types import TracebackType

PATIENCE = 10.0
"""How long a fork waits for a transaction, seconds: longer than writers wait for each other.
After that the child leaves the connection alone, which is right as long as the parent lives.
"""

_links: weakref.WeakSet[Link] = weakref.WeakSet()
_registering = threading.Lock()
_left_behind: list[sqlite3.Connection | None] = []
"""Never closed in the child: that would write where the parent is writing."""


class _Descriptors:
    """Descriptors of such files that are not SQLite's; closed when no link is connected."""

    def __init__(self) -> None:
        self._open: dict[tuple[int, int], int] = {}  # by device and inode
        self.forked()

    def forked(self) -> None:
        """In a child: nobody is connected, and no lock is held."""
        self._lock = threading.RLock()  # a collection in here may count a link
        self._connected = 0  # links that have a connection, or are about to
        self._looking = 0

    def count(self, change: int) -> None:
        """So many links more are connected."""
        with self._lock:
            self._connected += change
            self._close_unused()

    @contextmanager
    def beside(self, path: Path) -> Iterator[int]:
        with self._lock:
            self._looking += 1  # first: a collection may close what nobody looks at
        try:
            with self._lock:
                file = self._descriptor(path)
            yield file
        finally:
            with self._lock:
                self._looking -= 1
                self._close_unused()

    def _descriptor(self, path: Path) -> int:
        found = path.stat()
        file = self._open.get((found.st_dev, found.st_ino))
        if file is None:
            file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            found = os.fstat(file)
            key = found.st_dev, found.st_ino
            self._open[key if key not in self._open else (-1, file)] = file
        return file

    def _close_unused(self) -> None:
        if self._connected <= 0 and self._looking <= 0:
            while self._open:
                os.close(self._open.popitem()[1])


_descriptors = _Descriptors()


class _Counted:
    """Whether one link is counted as connected."""

    def __init__(self) -> None:
        self._connected = False

    def set(self, connected: bool) -> None:
        """Count it, or no longer; twice is once."""
        if connected is not self._connected:
            self._connected = connected
            _descriptors.count(1 if connected else -1)

    def forked(self) -> None:
        """In a child, where nobody is counted."""
        self._connected = False


def beside_sqlite(path: Path) -> AbstractContextManager[int]:
    """A descriptor to read such a file's bytes by, with ``os.pread``. Raises ``OSError``."""
    return _descriptors.beside(path)


class Link:
    """Opens a connection on first use, lends it to one thread at a time."""

    def __init__(self, open: Callable[[], sqlite3.Connection]) -> None:
        self._open = open
        self._connection: sqlite3.Connection | None = None
        self._lock = threading.Lock()
        self._held = False  # by a fork
        self._counted = _Counted()
        # One that nobody closes gives its connection back when it is collected.
        weakref.finalize(self, self._counted.set, False).atexit = False
        with _registering:
            _links.add(self)

    def __enter__(self) -> sqlite3.Connection:
        self._lock.acquire()
        try:
            if self._connection is None:
                self._counted.set(True)
                try:
                    self._connection = self._open()
                except BaseException:
                    self._counted.set(False)
                    raise
            return self._connection
        except BaseException:
            self._lock.release()
            raise

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._lock.locked():  # it is another one in a child that was forked in here
            self._lock.release()

    def close(self) -> None:
        """Close it; the next use opens it again."""
        with self._lock:
            self._close()

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
            self._counted.set(False)

    def before_fork(self) -> None:
        """Wait for its user, then close it."""
        self._held = self._lock.acquire(timeout=PATIENCE)
        if self._held:
            self._close()

    def after_fork_in_parent(self) -> None:
        """Go on."""
        if self._held:
            self._held = False
            self._lock.release()

    def after_fork_in_child(self) -> None:
        """Go on, with nothing of the parent's."""
        if self._connection is not None:  # the wait was in vain
            _left_behind.append(self._connection)
        self._connection = None
        self._counted.forked()
        self._lock = threading.Lock()
        self._held = False


def _before_fork() -> None:
    _registering.acquire()
    for link in tuple(_links):
        link.before_fork()


def _after_fork_in_parent() -> None:
    for link in tuple(_links):
        link.after_fork_in_parent()
    _registering.release()


def _after_fork_in_child() -> None:
    _descriptors.forked()
    for link in tuple(_links):
        link.after_fork_in_child()
    _registering.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before_fork,
        after_in_parent=_after_fork_in_parent,
        after_in_child=_after_fork_in_child,
    )
