"""What the driver's thread does: transactions, several in one commit where they queue.

A commit waits for the disk, whatever it holds. Writes that came while it waited share the
next one, each under a savepoint of its own: one that fails undoes itself only, and all are
acknowledged after the commit.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from skykeep.durable.database import check_whole
from skykeep.durable.files import identity
from skykeep.durable.link import Link
from skykeep.durable.worker import Outcome
from skykeep.errors import Corrupt, SkykeepError, Unavailable
from skykeep.providers.local.errors import with_vault_errors
from skykeep.providers.local.reading import Reading
from skykeep.providers.local.renewal import CurrentKeys
from skykeep.providers.local.rollback import Guard
from skykeep.providers.local.session import connect
from skykeep.providers.local.writing import Writing, transaction


@dataclass(frozen=True, slots=True)
class Read:
    """A read that takes too long for the event loop's thread."""

    work: Callable[[Reading], Any]


@dataclass(frozen=True, slots=True)
class Write:
    """What is done to the vault in a transaction. It may be begun a second time."""

    work: Callable[[Writing], Any]


class Committer:
    """Does jobs through one connection, in the driver's thread."""

    def __init__(self, path: Path, keys: CurrentKeys, keep_versions: int, guard: Guard) -> None:
        self._path = path
        self._keys = keys
        self._keep_versions = keep_versions
        self._guard = guard
        self._link = Link(self._connect)
        self._file: tuple[int, int] | None = None
        self._whole = False  # the file was checked before the first write

    def do(self, jobs: Sequence[Read | Write]) -> list[Outcome]:
        """An outcome for each job, in order. Raises nothing."""
        outcomes: list[Outcome] = []
        for kind, group in groupby(jobs, type):
            same = list(group)
            if kind is Write and len(same) > 1:
                outcomes += self._together(same)
            else:
                outcomes += [self._alone(job) for job in same]
        return outcomes

    def _alone(self, job: Read | Write) -> Outcome:
        try:
            return Outcome(with_vault_errors(self._path, lambda: self._one(job)))
        except BaseException as error:  # noqa: BLE001  (it goes to whoever waits)
            return Outcome(error=error)

    def _one(self, job: Read | Write) -> Any:
        with self._link as connection:
            used = self._keys.now
            try:
                return self._tried(connection, job)
            except Corrupt:
                header = self._keys.superseding(connection, used)
                if header is None:
                    raise
            self._keys.renew(header)
            return self._tried(connection, job)

    def _tried(self, connection: sqlite3.Connection, job: Read | Write) -> Any:
        if isinstance(job, Read):
            return job.work(Reading(connection, self._keys.now.keys))
        with self._transaction(connection) as vault:
            return job.work(vault)

    @contextmanager
    def _transaction(self, connection: sqlite3.Connection) -> Iterator[Writing]:
        self._check(connection)
        keys = self._keys.now.keys
        self._guard.rekeyed(keys)
        with transaction(connection, keys, self._keep_versions, self._guard) as vault:
            yield vault

    def _together(self, jobs: Sequence[Read | Write]) -> list[Outcome]:
        try:
            return with_vault_errors(self._path, lambda: self._all(jobs))
        except Unavailable as error:
            # Another process holds the vault: one wait for all of them is enough.
            return [Outcome(error=Unavailable(error.message, hint=error.hint)) for _ in jobs]
        except Exception:  # noqa: BLE001  (each on its own finds out whose it was)
            return [self._alone(job) for job in jobs]

    def _all(self, jobs: Sequence[Read | Write]) -> list[Outcome]:
        outcomes = []
        with self._link as connection, self._transaction(connection) as vault:
            for job in jobs:
                connection.execute("SAVEPOINT job")
                try:
                    outcomes.append(Outcome(job.work(vault)))  # type: ignore[arg-type]  # Writes
                except Corrupt:
                    raise
                except SkykeepError as error:
                    connection.execute("ROLLBACK TO job")
                    outcomes.append(Outcome(error=error))
                connection.execute("RELEASE job")
        return outcomes

    def _check(self, connection: sqlite3.Connection) -> None:
        if identity(self._path) != self._file:
            # What is written now would be lost, and closing the connection would harm the
            # new file's journal (sqlite.org/howtocorrupt.html, 2.4): left as it is.
            raise Corrupt(
                f"the vault {self._path} was moved or exchanged while it was open",
                hint="open it again; then skykeep vault verify tells what is there",
            )
        if not self._whole:
            check_whole(connection)
            self._whole = True

    def _connect(self) -> sqlite3.Connection:
        connection = connect(self._path, read_only=False)
        self._file = identity(self._path)
        return connection

    def close(self) -> None:
        """Close the connection. The last process that does so writes the WAL back."""
        self._link.close()
        self._guard.close()
