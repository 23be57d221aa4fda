"""The tables of a vault, and how older formats become this one.

All text is sealed; what SQLite sees are keyed hashes, sealed blobs and row numbers.
docs/spec/envelope.md describes each column.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

import msgspec

from skykeep.envelope import header as envelope_header
from skykeep.envelope.header import Header
from skykeep.errors import Corrupt

TABLES = (
    (
        "CREATE TABLE header (id INTEGER PRIMARY KEY CHECK (id = 0), body BLOB NOT NULL,"
        " digest BLOB NOT NULL) STRICT"
    ),
    (
        "CREATE TABLE secret (name_key BLOB PRIMARY KEY, current INTEGER, record BLOB NOT NULL)"
        " STRICT, WITHOUT ROWID"
    ),
    "CREATE TABLE version (id INTEGER PRIMARY KEY, sealed BLOB NOT NULL) STRICT",
    (
        "CREATE TABLE path (prefix BLOB NOT NULL, name_key BLOB NOT NULL,"
        " PRIMARY KEY (prefix, name_key)) STRICT, WITHOUT ROWID"
    ),
    (
        "CREATE TABLE directory (prefix BLOB PRIMARY KEY, record BLOB NOT NULL)"
        " STRICT, WITHOUT ROWID"
    ),
    (
        "CREATE TABLE counter (id INTEGER PRIMARY KEY CHECK (id = 0), sealed BLOB NOT NULL)"
        " STRICT"
    ),
)

MIGRATIONS: dict[int, Callable[[sqlite3.Connection], None]] = {}
"""Format n -> what makes it n + 1, inside a transaction. Format 1 is the first."""


def create(connection: sqlite3.Connection, header: Header) -> None:
    """Make the tables of a new vault."""
    for statement in TABLES:
        connection.execute(statement)
    write_header(connection, header)


def write_header(connection: sqlite3.Connection, header: Header) -> None:
    """Keep the header, in place of another if there is one."""
    connection.execute(
        "INSERT OR REPLACE INTO header (id, body, digest) VALUES (0, ?, ?)",
        envelope_header.pack(header),
    )


def read_header(connection: sqlite3.Connection) -> Header:
    """The header. Raises ``Corrupt``, ``Unsupported`` (newer)."""
    row = connection.execute("SELECT body, digest FROM header WHERE id = 0").fetchone()
    if row is None or not all(isinstance(column, bytes) for column in row):
        raise Corrupt("it has no header")
    return envelope_header.parse(*row)


def migrate(connection: sqlite3.Connection, header: Header) -> Header:
    """Bring an older vault to this format, all or nothing; the header as it is then."""
    if header.format == envelope_header.FORMAT:
        return header
    connection.execute("BEGIN IMMEDIATE")
    try:
        header = read_header(connection)  # another process may have migrated it meanwhile
        while header.format < envelope_header.FORMAT:
            MIGRATIONS[header.format](connection)
            header = msgspec.structs.replace(header, format=header.format + 1)
        write_header(connection, header)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return header
