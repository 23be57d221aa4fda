"""A journal in one SQLite file, shared by all processes of a host."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

from skykeep.durable.files import identity
from skykeep.durable.link import Link
from skykeep.durable.worker import Worker
from skykeep.envelope.sealed_journal import JournalKeys, JournalState
from skykeep.errors import Corrupt, Unavailable
from skykeep.interfaces.journal_store import JournalStore
from skykeep.journal.bounds import MAX_BYTES, MAX_ENTRIES, Bounds
from skykeep.journal.committing import Append, Committer, Job, Remove, Replace, check_file
from skykeep.journal.file import connect, read_state, unlocked, with_journal_errors
from skykeep.journal.locks import Stripes

Changes = tuple[int, Sequence[tuple[int, bytes | None]]]


def open_journal(
    path: Path,
    *,
    key_file: Path | None = None,
    max_entries: int = MAX_ENTRIES,
    max_bytes: int = MAX_BYTES,
) -> SqliteJournal:
    """The journal at a path; made if there is none, also where several processes do so.

    Reads and checks the file on the caller's thread: some milliseconds. ``key_file`` has the
    32 bytes that unlock it; by default the file ``<journal>.key`` beside it, which is made with
    it. Raises ``KeyFailure``, ``Denied`` (also for files that everybody can open), ``Quota``,
    ``Corrupt``, ``Unsupported`` (made by a newer version), ``Unavailable``.
    """
    keys = unlocked(path, key_file)
    return SqliteJournal(path, keys, Bounds(max_entries, max_bytes))


class SqliteJournal(JournalStore):
    """See :func:`open_journal`, and ``JournalStore`` for the methods.

    Commits are made in a thread of its own; a caller who is cancelled leaves them to end there.

    What was removed leaves a trace, by which :meth:`changes` tells it to other processes. Old
    traces are swept away; whoever asks from before that gets all records anew, and as removed
    those that this object told before and that are gone. So each object has one reader, which
    begins at 0 and gives the moment that it was given last.
    """

    def __init__(self, path: Path, keys: JournalKeys, bounds: Bounds) -> None:
        """Use :func:`open_journal`."""
        self._path = path
        self._file = identity(path)
        self._keys = keys
        self._committer = Committer(path, self._file, keys, bounds)
        self._worker: Worker[Job] = Worker("skykeep-journal", self._committer.do)
        self._link = Link(self._connect)
        self._seen: tuple[int, int] | None = None
        """SQLite's own count of changes, and the moment that it stood for."""
        self._told: set[int] = set()
        self._stripes = Stripes(path.with_name(f"{path.name}.locks"), keys.stripe)
        self._closed = False

    async def append(self, payload: bytes) -> int:
        """See ``JournalStore``."""
        try:
            done: int = await self._do(Append(bytes(payload)))
        finally:
            del payload  # reports of errors may show the variables of a frame
        return done

    async def replace(self, id: int, payload: bytes) -> bool:
        """See ``JournalStore``."""
        try:
            done: bool = await self._do(Replace(id, bytes(payload)))
        finally:
            del payload
        return done

    async def remove(self, id: int) -> None:
        """See ``JournalStore``."""
        await self._do(Remove(id))

    async def _do(self, job: Job) -> Any:
        try:
            self._check_open()
            return await self._worker.run(job)
        finally:
            del job

    def changes(self, since: int) -> Changes:
        """See ``JournalStore``, and the class."""
        self._check_open()
        return with_journal_errors(self._path, lambda: self._changes(since))

    def _changes(self, since: int) -> Changes:
        with self._link as connection:
            check_file(self._path, self._file)
            # Of one connection: another value after each commit of any other
            # (sqlite.org/pragma.html#pragma_data_version).
            (version,) = connection.execute("PRAGMA data_version").fetchone()
            if self._seen == (version, since):
                return since, ()
            connection.execute("BEGIN")
            try:
                state = read_state(connection, self._keys)
                found = self._found(connection, state, since)
            finally:
                connection.execute("ROLLBACK")
            self._seen = version, state.number
        return state.number, found

    def _found(
        self, connection: sqlite3.Connection, state: JournalState, since: int
    ) -> list[tuple[int, bytes | None]]:
        # Older than what was swept; or younger than all: an older copy was put in place.
        anew = since < state.swept or since > state.number
        whole = since == 0 or anew
        rows = connection.execute(
            "SELECT id, changed, sealed FROM entry WHERE changed > ?"
            " AND (? OR sealed IS NOT NULL) ORDER BY id",
            (0 if whole else since, not whole),
        )
        found = {row[0]: self._opened(*row) for row in rows}
        if whole:
            kept = [payload for payload in found.values() if payload is not None]
            if (len(kept), sum(map(len, kept))) != (state.entries, state.size):
                raise Corrupt("records are missing")
            if since:
                found.update(dict.fromkeys(self._told - found.keys()))
        self._told |= found.keys()
        self._told -= {one for one, payload in found.items() if payload is None}
        return sorted(found.items(), key=lambda item: item[0])

    def _opened(self, id: object, changed: object, sealed: object) -> bytes | None:
        if sealed is None:
            return None
        if (
            not isinstance(id, int)
            or not isinstance(changed, int)
            or not isinstance(sealed, bytes)
            or min(id, changed) < 0
        ):
            raise Corrupt("a record makes no sense")
        return self._keys.open_row(id, changed, sealed)

    def _connect(self) -> sqlite3.Connection:
        self._seen = None  # the counts of two connections have nothing to do with each other
        return connect(self._path, read_only=True)

    def hold(self, name: str, seconds: float) -> AbstractAsyncContextManager[None]:
        """See ``JournalStore``."""
        self._check_open()
        return self._stripes.hold(name, seconds)

    def _check_open(self) -> None:
        if self._closed:
            raise Unavailable(f"the journal {self._path} was closed", sent=False)

    async def close(self) -> None:
        """See ``JournalStore``. Waits for the commits that were asked for."""
        self._closed = True
        await self._worker.stop()
        await asyncio.to_thread(self._close_links)

    def _close_links(self) -> None:
        self._link.close()
        self._committer.close()

    def after_fork(self) -> None:
        """See ``JournalStore``."""
        self._worker.after_fork()
        self._stripes.after_fork()
