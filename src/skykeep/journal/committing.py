"""What the journal's thread does: jobs that queue up share one commit."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from skykeep.durable.files import identity
from skykeep.durable.link import Link
from skykeep.durable.worker import Outcome
from skykeep.envelope.sealed_journal import JournalKeys, JournalState
from skykeep.errors import Corrupt, Quota, Unavailable
from skykeep.journal.bounds import Bounds
from skykeep.journal.file import connect, read_state, with_journal_errors

TRACES: Final = 4096
"""Of so many removed records a trace is kept, at most; then the older half is swept away."""


@dataclass(frozen=True, slots=True)
class Append:
    """A new record."""

    payload: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Replace:
    """Other bytes for a record."""

    id: int
    payload: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Remove:
    """A record that is no longer owed."""

    id: int


Job = Append | Replace | Remove


class Committer:
    """Does jobs through one connection."""

    def __init__(
        self, path: Path, file: tuple[int, int] | None, keys: JournalKeys, bounds: Bounds
    ) -> None:
        self._path = path
        self._file = file
        self._keys = keys
        self._bounds = bounds
        self._link = Link(lambda: connect(path, read_only=False))

    def do(self, jobs: Sequence[Job]) -> list[Outcome]:
        """An outcome for each job, in order. Raises nothing."""
        try:
            return with_journal_errors(self._path, lambda: self._all(jobs))
        except Unavailable as error:
            # One wait for all of them is enough.
            return [
                _failed(Unavailable(error.message, sent=error.sent, hint=error.hint))
                for _ in jobs
            ]
        except BaseException as error:  # noqa: BLE001  (it goes to whoever waits)
            if len(jobs) == 1:
                return [_failed(error)]
        # One of them may be too large for the disk: each on its own finds out.
        return [outcome for job in jobs for outcome in self.do([job])]

    def _all(self, jobs: Sequence[Job]) -> list[Outcome]:
        with self._link as connection:
            check_file(self._path, self._file)
            with _Transaction(connection, self._keys, self._bounds).begun() as transaction:
                return [transaction.done(job) for job in jobs]

    def close(self) -> None:
        """Close the connection. The last process that does so writes the WAL back."""
        self._link.close()


def check_file(path: Path, file: tuple[int, int] | None) -> None:
    """Raise ``Corrupt`` unless the file at the path is the one that was opened: what is written
    to another one is lost, and what others write is not seen."""
    if identity(path) != file:
        raise Corrupt(
            f"the journal {path} was moved or exchanged while it was open",
            hint="put it back; if that was meant, start this process again",
        )


class _Transaction:
    """Some jobs, kept together."""

    def __init__(
        self, connection: sqlite3.Connection, keys: JournalKeys, bounds: Bounds
    ) -> None:
        self._connection = connection
        self._keys = keys
        self._bounds = bounds
        self._now = JournalState()
        self._changed = False

    @contextmanager
    def begun(self) -> Iterator[_Transaction]:
        """Begin; commit if anything was changed and nothing was raised."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            before = read_state(self._connection, self._keys)
            self._now = before._replace(number=before.number + 1)
            yield self
            if self._changed:
                self._sweep()
                self._connection.execute(
                    "UPDATE header SET state = ? WHERE id = 0",
                    (self._keys.seal_state(self._now),),
                )
                self._connection.execute("COMMIT")
        finally:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")

    def done(self, job: Job) -> Outcome:
        """Do it; a bound that is reached is its outcome, all else is raised."""
        try:
            return Outcome(self._do(job))
        except Quota as error:
            return _failed(error)

    def _do(self, job: Job) -> Any:
        if isinstance(job, Append):
            return self._append(job.payload)
        size = self._size_of(job.id)
        if isinstance(job, Remove):
            if size is not None:
                self._remove(job.id, size)
            return None
        if size is not None:
            self._replace(job.id, job.payload, size)
        return size is not None

    def _append(self, payload: bytes) -> int:
        now = self._now
        self._bounds.check(now.entries, now.size, len(payload))
        new = now.last + 1
        self._connection.execute(
            "INSERT INTO entry (id, changed, sealed) VALUES (?, ?, ?)",
            (new, now.number, self._keys.seal_row(new, now.number, payload)),
        )
        self._changed = True
        self._now = now._replace(
            last=new, entries=now.entries + 1, size=now.size + len(payload)
        )
        return new

    def _replace(self, id: int, payload: bytes, before: int) -> None:
        now = self._now
        self._bounds.check_size(now.entries, now.size, len(payload) - before)
        self._put(id, self._keys.seal_row(id, now.number, payload))
        self._now = now._replace(size=now.size + len(payload) - before)

    def _remove(self, id: int, before: int) -> None:
        now = self._now
        self._put(id, None)
        self._now = now._replace(
            entries=now.entries - 1, size=now.size - before, gone=now.gone + 1
        )

    def _put(self, id: int, sealed: bytes | None) -> None:
        self._connection.execute(
            "UPDATE entry SET changed = ?, sealed = ? WHERE id = ?",
            (self._now.number, sealed, id),
        )
        self._changed = True

    def _size_of(self, id: int) -> int | None:
        """Bytes of its payload; None if it was removed."""
        row = self._connection.execute(
            "SELECT length(sealed) FROM entry WHERE id = ?", (id,)
        ).fetchone()
        return None if row is None or row[0] is None else row[0] - self._keys.overhead

    def _sweep(self) -> None:
        """Forget the traces of those that were removed long ago, if there are many."""
        if self._now.gone <= TRACES:
            return
        (newest,) = self._connection.execute(
            "SELECT changed FROM entry WHERE sealed IS NULL ORDER BY changed DESC"
            " LIMIT 1 OFFSET ?",
            (TRACES // 2,),
        ).fetchone()
        swept = self._connection.execute(
            "DELETE FROM entry WHERE sealed IS NULL AND changed <= ?", (newest,)
        ).rowcount
        self._now = self._now._replace(gone=self._now.gone - swept, swept=newest)


def _failed(error: BaseException) -> Outcome:
    # Frames of this thread hold payloads, and reports of errors may show their variables.
    return Outcome(error=error.with_traceback(None))
