"""The sealed number in the file that grows with every commit (the table ``counter``)."""

from __future__ import annotations

import sqlite3

from skykeep.envelope.keys import VaultKeys
from skykeep.envelope.sealed import context
from skykeep.errors import Corrupt

LARGEST = 2**63 - 1
"""No counter is larger: at a write each microsecond it would take 292,000 years."""

_BYTES = 8


def begin(connection: sqlite3.Connection, keys: VaultKeys) -> None:
    """The counter of an empty vault."""
    set_number(connection, keys, 0)


def number_in(connection: sqlite3.Connection, keys: VaultKeys) -> int:
    """The number that the file holds. Raises ``Corrupt``."""
    return opened(keys, row_in(connection))


def set_number(connection: sqlite3.Connection, keys: VaultKeys, number: int) -> None:
    """Let the file hold this number. Call it in the transaction that it counts."""
    connection.execute(
        "INSERT OR REPLACE INTO counter (id, sealed) VALUES (0, ?)", (sealed(keys, number),)
    )


def row_in(connection: sqlite3.Connection) -> bytes:
    """The sealed number, as it is. Raises ``Corrupt``."""
    row = connection.execute("SELECT sealed FROM counter WHERE id = 0").fetchone()
    if row is None or not isinstance(row[0], bytes):
        raise Corrupt("its counter is missing")
    return row[0]


def opened(keys: VaultKeys, row: bytes) -> int:
    """The number in a row. Raises ``Corrupt``."""
    plain = keys.sealer.open(row, context(b"counter", keys.vault))
    number = int.from_bytes(plain, "big")
    if len(plain) != _BYTES or number > LARGEST:
        raise Corrupt("its counter makes no sense")
    return number


def sealed(keys: VaultKeys, number: int) -> bytes:
    """The row for a number. Raises ``Corrupt`` beyond :data:`LARGEST`."""
    if number > LARGEST:
        raise Corrupt("its counter makes no sense")
    return keys.sealer.seal(number.to_bytes(_BYTES, "big"), context(b"counter", keys.vault))
