"""Proof that a name is missing: records form a ring in the order of their keys.

Each record says, sealed, which key follows it. A look-up that finds nothing finds the
neighbour before, and only if the neighbour's next key lies beyond the name is the name
missing; else a row has vanished and the vault is damaged. A record at ``END`` (16 zero
bytes) begins and ends the ring, so that there is always a neighbour.
"""

from __future__ import annotations

import sqlite3

from skykeep.envelope.keys import VaultKeys
from skykeep.envelope.sealed import context
from skykeep.errors import Corrupt
from skykeep.providers.local.directory import Directories
from skykeep.providers.local.record import END, Record, new_record, now, pack, unpack


def about_record(keys: VaultKeys, name_key: bytes) -> bytes:
    """The context of a record."""
    return context(b"record", keys.vault, name_key)


def seal_record(keys: VaultKeys, name_key: bytes, record: Record) -> bytes:
    """The record as the vault keeps it."""
    return keys.sealer.seal(pack(record), about_record(keys, name_key))


def open_record(keys: VaultKeys, name_key: object, sealed: object) -> Record:
    """The record. Raises ``Corrupt``."""
    if not isinstance(name_key, bytes) or not isinstance(sealed, bytes):
        raise Corrupt("a record is missing or is no record")
    return unpack(keys.sealer.open(sealed, about_record(keys, name_key)))


def first_link(connection: sqlite3.Connection, keys: VaultKeys) -> None:
    """The rings of an empty vault: one record and one directory that follow themselves."""
    record = new_record("", END, now())
    connection.execute(
        "INSERT INTO secret (name_key, current, record) VALUES (?, NULL, ?)",
        (END, seal_record(keys, END, record)),
    )
    Directories(connection, keys).begin()


def neighbour(
    connection: sqlite3.Connection, keys: VaultKeys, name_key: bytes
) -> tuple[bytes, Record]:
    """The key before ``name_key`` and its record. Raises ``Corrupt`` if there is none."""
    row = connection.execute(
        "SELECT name_key, record FROM secret WHERE name_key < ? ORDER BY name_key DESC LIMIT 1",
        (name_key,),
    ).fetchone()
    if row is None:
        raise Corrupt("the beginning of its ring of records is missing")
    return row[0], open_record(keys, row[0], row[1])


def prove_missing(connection: sqlite3.Connection, keys: VaultKeys, name_key: bytes) -> None:
    """Return if the name was never kept or was purged; raise ``Corrupt`` if its row vanished.

    To be called in the transaction that did not find it.
    """
    _, before = neighbour(connection, keys, name_key)
    if before.next != END and before.next <= name_key:
        raise Corrupt("a record that should be there is missing")
