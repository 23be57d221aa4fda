"""A connection that does not cross a fork.

SQLite keeps a book, one for each process and file, of the locks that it holds there. A
forked child inherits the book and not the locks: connections that it opens believe to hold
what they do not, and when the parent closes as the last one that it knows of, it removes
the journal that the child goes on writing to (sqlite.org/howtocorrupt.html, 2.6). So before
a fork the transaction under way is waited for and every connection is closed; parent and
child open theirs again when they need them.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import weakref
from collections.abc import Callable
from types import TracebackType

PATIENCE = 10.0
"""How long a fork waits for a transaction, seconds: longer than writers wait for each other.
After that the child leaves the connection alone, which is right as long as the parent lives.
"""

_links: weakref.WeakSet[Link] = weakref.WeakSet()
_registering = threading.Lock()
_left_behind: list[sqlite3.Connection | None] = []
"""Never closed in the child: that would write where the parent is writing."""


class Link:
    """Opens a connection on first use, lends it to one thread at a time."""

    def __init__(self, open: Callable[[], sqlite3.Connection]) -> None:
        self._open = open
        self._connection: sqlite3.Connection | None = None
        self._lock = threading.Lock()
        self._held = False  # by a fork
        with _registering:
            _links.add(self)

    def __enter__(self) -> sqlite3.Connection:
        self._lock.acquire()
        try:
            if self._connection is None:
                self._connection = self._open()
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
        _left_behind.append(self._connection)  # None, unless the wait was in vain
        self._connection = None
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
    for link in tuple(_links):
        link.after_fork_in_child()
    _registering.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before_fork,
        after_in_parent=_after_fork_in_parent,
        after_in_child=_after_fork_in_child,
    )
