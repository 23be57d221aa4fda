"""The second file, beside the vault, in which it grows anew under another DEK.

It is a vault of its own with two tables more: ``draft`` says for which header it was begun,
``copied`` what of the vault it holds. So a run that was ended at any moment can be gone on
with, and what changed in the vault meanwhile is found by its sealed bytes alone.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import TypeVar

from skykeep.durable.errors import not_written
from skykeep.durable.link import Link
from skykeep.envelope.digests import sha256
from skykeep.envelope.header import Header, pack
from skykeep.envelope.keys import VaultKeys
from skykeep.errors import Conflict, Corrupt
from skykeep.interfaces.secret_value import SecretValue
from skykeep.providers.local import counter, schema
from skykeep.providers.local.anchor import NoAnchor
from skykeep.providers.local.chain import first_link, open_record
from skykeep.providers.local.errors import with_vault_errors
from skykeep.providers.local.reading import Reading, snapshot
from skykeep.providers.local.record import END, Kept
from skykeep.providers.local.rollback import Guard
from skykeep.providers.local.session import connect
from skykeep.providers.local.verify import verify_through
from skykeep.providers.local.writing import transaction

T = TypeVar("T")

BATCH = 256
"""Secrets that are looked at in one snapshot of the vault and kept in one commit."""

BATCH_BYTES = 16 * 1024 * 1024
"""A batch ends early when so many bytes of values were copied."""

_OWN = (
    "CREATE TABLE draft (id INTEGER PRIMARY KEY CHECK (id = 0), basis BLOB NOT NULL) STRICT",
    (
        "CREATE TABLE copied (name_key BLOB PRIMARY KEY, digest BLOB NOT NULL,"
        " next BLOB NOT NULL, here BLOB NOT NULL) STRICT, WITHOUT ROWID"
    ),
)
"""``basis``: digest of the vault's header. ``copied``: a record of the vault by its key
there, the digest of its sealed bytes, the key after it, and its key here."""

_BROKEN = (
    "SELECT count(*) FROM (SELECT next, lead(name_key) OVER (ORDER BY name_key) AS following"
    " FROM copied) WHERE next IS NOT coalesce(following, zeroblob(16))"
    " OR (SELECT min(name_key) FROM copied) IS NOT zeroblob(16)"
)

Progress = Callable[[int, int], None]


def draft_path(vault: Path) -> Path:
    """Where the draft of a vault is."""
    return vault.with_name(f"{vault.name}.rekey")


def basis_of(header: Header) -> bytes:
    """What shows later whether a header is still the same."""
    return sha256(pack(header)[0])


class Draft:
    """The draft of one vault, held by this process alone as long as it is open."""

    def __init__(self, vault: Path) -> None:
        self.path = draft_path(vault)
        self._vault = vault
        self._link = Link(lambda: _connect(self.path))
        self._keys: VaultKeys | None = None

    def hold(self, *, restart: bool) -> None:
        """Make the file if it is not there, and keep all others out of it.

        Raises ``Conflict`` if another process has it, ``Corrupt`` if it is damaged and is
        not to be thrown away, ``Denied``, ``Quota``.
        """
        try:
            with suppress(FileExistsError):
                os.close(os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
            self._of_draft(self._lock)
            return
        except OSError as error:
            raise not_written(error, f"the file {self.path}") from None
        except Corrupt as error:
            self.close()
            if not restart:
                raise Corrupt(
                    error.message, hint="throw it away: skykeep vault rekey --restart"
                ) from None
        self.remove()
        self.hold(restart=False)

    def _lock(self) -> None:
        try:
            with self._link as connection:
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("BEGIN IMMEDIATE")
                connection.execute("COMMIT")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY:
                raise Conflict(
                    "another process is giving the vault new keys just now",
                    hint="let it end; it can be gone on with if it is ended early",
                ) from None
            raise

    def found(self, header: Header) -> Header | None:
        """The header of a draft that was begun for this vault, as it is now; else None."""

        def look(connection: sqlite3.Connection) -> Header | None:
            if not _tables(connection) >= {"draft", "copied", "header"}:
                return None
            row = connection.execute("SELECT basis FROM draft WHERE id = 0").fetchone()
            if row is None or row[0] != basis_of(header):
                return None
            mine = schema.read_header(connection)
            same = (mine.vault, mine.epoch) == (header.vault, header.epoch + 1)
            return mine if same else None

        return self._do(look)

    def begin(self, basis: Header, header: Header, keys: VaultKeys) -> None:
        """An empty vault under new keys, in place of what is in the file."""

        def work(connection: sqlite3.Connection) -> None:
            connection.execute("BEGIN IMMEDIATE")
            try:
                for table in _tables(connection):
                    connection.execute(f"DROP TABLE {table}")
                schema.create(connection, header)
                first_link(connection, keys)
                counter.begin(connection, keys)
                for statement in _OWN:
                    connection.execute(statement)
                connection.execute("INSERT INTO draft VALUES (0, ?)", (basis_of(basis),))
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

        self._do(work)
        self._keys = keys

    def go_on(self, keys: VaultKeys) -> None:
        """Use the draft that was found."""
        self._keys = keys

    @property
    def keys(self) -> VaultKeys:
        """The new keys. Raises ``RuntimeError`` before the draft was begun or found."""
        if self._keys is None:
            raise RuntimeError("the draft was not begun")
        return self._keys

    # -- following the vault

    def follow(self, reading: Reading, progress: Progress) -> int:
        """Take over all that is not the same in the vault; how many records that were.

        ``reading`` is of the vault, with its old keys; in a transaction or not. Raises
        ``Corrupt`` naming the file, and as writing does.
        """
        (total,) = reading.connection.execute("SELECT count(*) FROM secret").fetchone()
        after: bytes | None = b""
        changed = done = 0
        while after is not None:
            after, seen, copied = self._batch(reading, after)
            changed, done = changed + copied, done + seen
            progress(min(max(done - 1, 0), total - 1), total - 1)  # the ring's own is none
        return changed

    def _batch(self, reading: Reading, after: bytes) -> tuple[bytes | None, int, int]:
        """The key to go on behind (None: the end), records seen, records taken over."""
        old = reading.connection
        with nullcontext() if old.in_transaction else snapshot(old), self._link as new:
            rows = self._of_vault(lambda: _records(old, after))
            last = rows[-1][0] if len(rows) == BATCH else None
            known = self._of_draft(
                lambda: dict(
                    new.execute(
                        "SELECT name_key, digest FROM copied WHERE name_key > ?1"
                        " AND (?2 IS NULL OR name_key <= ?2)",
                        (after, last),
                    ).fetchall()
                )
            )
            gone = known.keys() - {row[0] for row in rows}
            todo = [row for row in rows if known.get(row[0]) != sha256(row[1])]
            if not gone and not todo:
                return last, len(rows), 0
            stopped, taken = self._of_draft(lambda: self._take(reading, new, gone, todo))
            if stopped is None:
                return last, len(rows), taken
            return stopped, sum(key <= stopped for key, _ in rows), taken

    def _take(
        self,
        reading: Reading,
        new: sqlite3.Connection,
        gone: set[bytes],
        todo: list[tuple[bytes, bytes]],
    ) -> tuple[bytes | None, int]:
        """The key that it stopped at early, and the records taken over: in one commit."""
        copied, taken = 0, len(gone)

        def value_of(kept: Kept) -> SecretValue:
            nonlocal copied
            copied += kept.size
            return self._of_vault(lambda: reading.value(record, kept, reading.sealed(kept)))

        with transaction(new, self.keys, 1, Guard(self.path, self.keys, NoAnchor(""))) as draft:
            for name_key in gone:
                draft.purge(self._name_here(new, name_key), "")
                new.execute("DELETE FROM copied WHERE name_key = ?", (name_key,))
            for name_key, sealed in todo:
                record = self._of_vault(lambda: open_record(reading.keys, name_key, sealed))  # noqa: B023  (called at once)
                here = END
                if name_key != END:
                    draft.adopt(record, value_of)
                    here = self.keys.name_key(record.name)
                new.execute(
                    "INSERT OR REPLACE INTO copied VALUES (?, ?, ?, ?)",
                    (name_key, sha256(sealed), record.next, here),
                )
                taken += 1
                if copied > BATCH_BYTES:
                    return name_key, taken
        return None, taken

    def _name_here(self, new: sqlite3.Connection, name_key: bytes) -> str:
        row = new.execute(
            "SELECT here, record FROM copied JOIN secret ON secret.name_key = here"
            " WHERE copied.name_key = ?",
            (name_key,),
        ).fetchone()
        if row is None:
            raise Corrupt("a record that should be there is missing")
        return open_record(self.keys, *row).name

    def check_ring(self) -> None:
        """Raise ``Corrupt`` unless what was taken over is all that the vault's ring has.

        Right only after a pass over the vault in the transaction that is still under way.
        """

        def look(connection: sqlite3.Connection) -> int:
            return int(connection.execute(_BROKEN).fetchone()[0])

        if self._do(look):
            self._of_vault(_missing)

    # -- its end

    def verify(self, progress: Progress) -> None:
        """Open all that the draft holds. Raises ``Corrupt``."""

        def look(connection: sqlite3.Connection) -> None:
            with snapshot(connection):
                verify_through(connection, self.keys, progress)

        self._do(look)

    def replace(self, vault: sqlite3.Connection) -> None:
        """Put what the draft holds in place of all that the vault does, header included.

        In a transaction of the vault. The draft is a file of its own and only read: SQLite
        commits several files in WAL mode one by one (sqlite.org/lang_attach.html).
        """
        with self._link as draft:
            for table in _tables(draft) - {"draft", "copied"}:
                rows = draft.execute(f"SELECT * FROM {table}")  # noqa: S608  (our names)
                places = ", ".join("?" * len(rows.description))
                vault.execute(f"DELETE FROM {table}")  # noqa: S608  (our names)
                vault.executemany(f"INSERT INTO {table} VALUES ({places})", rows)  # noqa: S608  (our names)

    def close(self) -> None:
        """Let go of it; it can be gone on with."""
        self._link.close()

    def remove(self) -> None:
        """Take it away for good."""
        self.close()
        for suffix in ("", "-wal", "-shm", "-journal"):
            with suppress(OSError):
                self.path.with_name(self.path.name + suffix).unlink()

    # -- of which file an error speaks

    def _do(self, work: Callable[[sqlite3.Connection], T]) -> T:
        def held() -> T:
            with self._link as connection:
                return work(connection)

        return self._of_draft(held)

    def _of_draft(self, work: Callable[[], T]) -> T:
        return with_vault_errors(self.path, work)

    def _of_vault(self, work: Callable[[], T]) -> T:
        return with_vault_errors(self._vault, work)


def _records(vault: sqlite3.Connection, after: bytes) -> list[tuple[bytes, bytes]]:
    rows = vault.execute(
        "SELECT name_key, record FROM secret WHERE name_key > ? ORDER BY name_key LIMIT ?",
        (after, BATCH),
    ).fetchall()
    if not all(isinstance(column, bytes) for row in rows for column in row):
        raise Corrupt("a record is missing or is no record")
    return rows


def _missing() -> None:
    raise Corrupt("a record that should be there is missing")


def _connect(path: Path) -> sqlite3.Connection:
    connection = connect(path, read_only=False, patience=0)
    try:
        # Before the first read: the process that has the draft open is the only one.
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        # What a power cut takes is copied again; the vault itself is committed as ever.
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA secure_delete = OFF")
        return connection
    except BaseException:
        connection.close()
        raise


def _tables(connection: sqlite3.Connection) -> set[str]:
    rows = connection.execute(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
    )
    return {name for (name,) in rows}
