"""The journal's file: made once, looked over, unlocked. docs/spec/envelope.md, 11."""

from __future__ import annotations

import sqlite3
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

from skykeep.durable import database
from skykeep.durable.database import check_file_header, check_size, check_whole, journal_of
from skykeep.durable.errors import is_busy, with_errors
from skykeep.durable.files import drafted, refuse_public
from skykeep.durable.key_file import make_key_file, read_key_file
from skykeep.durable.link import Link
from skykeep.envelope.sealed_journal import (
    JournalKeys,
    JournalState,
    new_journal,
    unlock_journal,
)
from skykeep.errors import Conflict, Corrupt, Denied, KeyFailure, Unavailable

T = TypeVar("T")

PATIENCE: Final = 5.0
"""Seconds that a commit waits for those of other processes."""

TABLES: Final = (
    (
        "CREATE TABLE header (id INTEGER PRIMARY KEY CHECK (id = 0), body BLOB NOT NULL,"
        " state BLOB NOT NULL) STRICT"
    ),
    (
        "CREATE TABLE entry (id INTEGER PRIMARY KEY, changed INTEGER NOT NULL, sealed BLOB)"
        " STRICT"
    ),
    "CREATE INDEX entry_changed ON entry (changed)",
)

_MEND = (
    "keep a copy of it, move it away so that another one is made, and compare the targets:"
    " skykeep diff"
)


def with_journal_errors(path: Path, work: Callable[[], T]) -> T:
    """Do the work; raise ours for SQLite's."""

    def guarded() -> T:
        try:
            return work()
        except sqlite3.OperationalError as error:
            if not is_busy(error):
                raise
        raise Unavailable(
            f"the journal {path} is being written by another process; nothing was written",
            sent=False,
            hint="try again",
        )

    return with_errors(f"the journal {path}", _MEND, guarded)


def connect(path: Path, *, read_only: bool) -> sqlite3.Connection:
    """A connection to a journal that exists."""
    return database.connect(path, read_only=read_only, patience=PATIENCE)


def unlocked(path: Path, key_file: Path | None) -> JournalKeys:
    """The keys of the journal, which is made if there is none.

    Several processes may do so at once: one makes it, the others use that one. Without
    ``key_file`` the key is in a file beside the journal, made before it and never later: a
    journal whose key is gone stays as it is.

    Raises ``KeyFailure``, ``Denied``, ``Quota``, ``Corrupt``, ``Unsupported``, ``Unavailable``.
    """
    beside = path.with_name(f"{path.name}.key")
    if not _is_there(path):
        if key_file is None:
            make_key_file(beside)
        try:
            return _made(path, key_file or beside)
        except Conflict:
            pass  # another process made it meanwhile
    return _opened(path, key_file or beside)


def _is_there(path: Path) -> bool:
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        if not journal_of(path).exists() or path.exists():
            return path.exists()
        # SQLite would take what is in there for a part of the new file.
        raise Corrupt(
            f"the journal {path} is gone, and what was written to it last is still in "
            f"{journal_of(path)}",
            hint="put the file back, or move the other one away, too",
        ) from None
    except (OSError, ValueError) as error:
        raise Denied(
            f"the journal {path} cannot be reached: {getattr(error, 'strerror', 'no path')}",
            hint="this user must be allowed to enter its directory",
        ) from None
    if not stat.S_ISREG(mode):
        raise Denied(f"{path} is not a file, so it is no journal", hint="give another path")
    refuse_public(path, mode, "journal")
    return True


def _made(path: Path, key_file: Path) -> JournalKeys:
    """Make it, whole or not at all. Raises ``Conflict`` if it is there by then."""
    header, keys = new_journal(read_key_file(key_file))

    def fill(draft: Path) -> None:
        link = Link(lambda: connect(draft, read_only=False))
        try:
            with link as connection:
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("BEGIN IMMEDIATE")
                for statement in TABLES:
                    connection.execute(statement)
                connection.execute(
                    "INSERT INTO header (id, body, state) VALUES (0, ?, ?)",
                    (header, keys.seal_state(JournalState())),
                )
                connection.execute("COMMIT")
        finally:
            link.close()  # writes the WAL back and removes it

    with drafted(path, f"the journal {path}") as draft:
        with_journal_errors(path, lambda: fill(draft))
    return keys


def _opened(path: Path, key_file: Path) -> JournalKeys:
    def unlock() -> JournalKeys:
        # The key is in no variable here: reports of errors may show those of a frame.
        return unlock_journal(_looked_over(path), read_key_file(key_file))

    try:
        return with_journal_errors(path, unlock)
    except KeyFailure as error:
        why = error.message
    except OSError as error:
        raise Denied(
            f"the journal {path} cannot be read: {error.strerror}",
            hint="it must belong to this user",
        ) from None
    raise KeyFailure(
        f"the journal {path} stays locked by the key file {key_file}: {why}",
        hint="put the key file back that it was made with; if that is lost, so is what the "
        "journal owes: move the journal away and compare the targets: skykeep diff",
    )


def _looked_over(path: Path) -> bytes:
    check_file_header(path)
    # Before SQLite looks: other processes make it grow.
    size = 0 if journal_of(path).exists() else path.stat().st_size
    link = Link(lambda: connect(path, read_only=False))
    try:
        with link as connection:
            check_size(connection, size)
            check_whole(connection)
            row = connection.execute("SELECT body FROM header WHERE id = 0").fetchone()
    finally:
        link.close()
    if row is None or not isinstance(row[0], bytes):
        raise Corrupt("it has no header")
    return row[0]


def read_state(connection: sqlite3.Connection, keys: JournalKeys) -> JournalState:
    """What is known of all rows. Raises ``Corrupt``."""
    row = connection.execute("SELECT state FROM header WHERE id = 0").fetchone()
    if row is None or not isinstance(row[0], bytes):
        raise Corrupt("its state is missing")
    return keys.open_state(row[0])
