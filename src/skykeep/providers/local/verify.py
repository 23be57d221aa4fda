"""Look at everything that a vault holds, and open all of it."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from skykeep.durable.link import Link
from skykeep.envelope.keys import VaultKeys
from skykeep.errors import Corrupt
from skykeep.providers.local import counter
from skykeep.providers.local.errors import with_vault_errors
from skykeep.providers.local.names import ancestors, is_key
from skykeep.providers.local.reading import Reading, snapshot
from skykeep.providers.local.record import Record
from skykeep.providers.local.session import connect

Progress = Callable[[int, int], None]
"""Called with the records that are done and how many there are."""

_OFTEN = 256


@dataclass(frozen=True, slots=True)
class Counts:
    """What was found to be whole.

    Attributes:
        secrets: deleted ones included.
        deleted: those that can be restored.
        versions: of all of them.
        prefixes: under which at least one name lies.
        keys: kept among the secrets, and counted here alone.
    """

    secrets: int
    deleted: int
    versions: int
    prefixes: int
    keys: int = 0


def verify(path: Path, keys: VaultKeys, progress: Progress | None = None) -> Counts:
    """Open every record and value and hold all tables against each other.

    Everything is of one moment; writers are not held up. Memory grows with the number of
    prefixes only. Raises ``Corrupt``, naming what is wrong first.
    """

    def look() -> Counts:
        link = Link(lambda: connect(path, read_only=True))
        try:
            with link as connection, snapshot(connection):
                return verify_through(connection, keys, progress)
        finally:
            link.close()

    return with_vault_errors(path, look)


def verify_through(
    connection: sqlite3.Connection, keys: VaultKeys, progress: Progress | None = None
) -> Counts:
    """As :func:`verify`, in a transaction of this connection."""
    return _Verification(connection, keys).all(progress or (lambda *_: None))


class _Verification:
    def __init__(self, connection: sqlite3.Connection, keys: VaultKeys) -> None:
        self._connection = connection
        self._keys = keys
        self._reading = Reading(connection, keys)

    def all(self, progress: Progress) -> Counts:
        (found,) = self._connection.execute("PRAGMA integrity_check(1)").fetchone()
        if found != "ok":
            raise Corrupt("its pages do not fit together")
        counter.number_in(self._connection, self._keys)
        total = self._count("SELECT count(*) FROM secret") - 1
        done = deleted = versions = keys = versions_of_keys = 0
        prefixes: Counter[bytes] = Counter()
        prefixes_of_keys: set[bytes] = set()
        for name_key, record in self._reading.ring():
            self._record(name_key, record)
            under = [self._keys.prefix_key(prefix) for prefix in ancestors(record.name)]
            prefixes.update(under)
            if is_key(record.name):
                keys += 1
                versions_of_keys += len(record.versions)
                prefixes_of_keys.update(under)
            else:
                deleted += record.deleted is not None
                versions += len(record.versions)
            done += 1
            if done % _OFTEN == 0 or done == total:
                progress(done, total)
        # Each row that a record needs was found, so equal numbers leave none over.
        self._same("version", versions + versions_of_keys)
        self._same("path", prefixes.total())
        self._same("directory", len(prefixes) + 1)
        for prefix_key, names in prefixes.items():
            if self._reading.directories.count(prefix_key) != names:
                raise Corrupt("the directory of a prefix has another count")
        listed = len(prefixes) - len(prefixes_of_keys)
        return Counts(done - keys, deleted, versions, listed, keys)

    def _record(self, name_key: bytes, record: Record) -> None:
        if self._keys.name_key(record.name) != name_key:
            raise Corrupt("a record is not the one of its key")
        numbers = [kept.number for kept in record.versions]
        if numbers != sorted(set(numbers)) or not set(record.stages.values()) <= set(numbers):
            raise Corrupt("a record contradicts itself")
        for kept in record.versions:
            value = self._reading.value(record, kept, self._reading.sealed(kept))
            if value.size != kept.size:
                raise Corrupt("a value has another size than its record says")
        for prefix in ancestors(record.name):
            row = (self._keys.prefix_key(prefix), name_key)
            if not self._count(
                "SELECT count(*) FROM path WHERE prefix = ? AND name_key = ?", *row
            ):
                raise Corrupt("a name is missing under its prefix")

    def _same(self, table: str, expected: int) -> None:
        if self._count(f"SELECT count(*) FROM {table}") != expected:  # noqa: S608  (our names)
            raise Corrupt(f"there are rows in {table} that nothing names")

    def _count(self, query: str, *values: bytes) -> int:
        (count,) = self._connection.execute(query, values).fetchone()
        return int(count)
