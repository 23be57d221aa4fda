"""How many names lie under each prefix, sealed, in a ring of their own.

A listing of a prefix is complete if it has as many rows as its directory says. A prefix
without a directory has none, and its neighbour in the ring of prefix keys proves that
(see ``chain.py``): no prefix vanishes together with its directory.
"""

from __future__ import annotations

import sqlite3
from typing import NamedTuple

from skykeep.envelope.keys import VaultKeys
from skykeep.envelope.sealed import context
from skykeep.errors import Corrupt
from skykeep.providers.local.record import END


class Directory(NamedTuple):
    """The number of names under a prefix, and the prefix key that follows or ``END``."""

    names: int
    next: bytes


def _about(keys: VaultKeys, prefix_key: bytes) -> bytes:
    return context(b"directory", keys.vault, prefix_key)


def _open(keys: VaultKeys, prefix_key: object, sealed: object) -> Directory:
    if not isinstance(prefix_key, bytes) or not isinstance(sealed, bytes):
        raise Corrupt("the directory of a prefix is damaged")
    plain = keys.sealer.open(sealed, _about(keys, prefix_key))
    if len(plain) != 8 + len(END):
        raise Corrupt("the directory of a prefix makes no sense")
    return Directory(int.from_bytes(plain[:8], "big"), plain[8:])


class Directories:
    """The directories of one vault, through one connection. Raises ``Corrupt``."""

    def __init__(self, connection: sqlite3.Connection, keys: VaultKeys) -> None:
        self._connection = connection
        self._keys = keys

    def begin(self) -> None:
        """The ring of an empty vault: one directory that follows itself."""
        self._insert(END, Directory(0, END))

    def count(self, prefix_key: bytes) -> int:
        """How many names are kept under a prefix; 0 is proved."""
        found = self._find(prefix_key)
        return 0 if found is None else found.names

    def add(self, prefix_key: bytes) -> None:
        """One name more."""
        found = self._find(prefix_key)
        if found is not None:
            self._update(prefix_key, found._replace(names=found.names + 1))
            return
        before_key, before = self._neighbour(prefix_key)
        self._insert(prefix_key, Directory(1, before.next))
        self._update(before_key, before._replace(next=prefix_key))

    def remove(self, prefix_key: bytes) -> None:
        """One name less; at the last one the directory goes."""
        found = self._find(prefix_key)
        if found is None or found.names < 1:
            raise Corrupt("the directory of a prefix is missing")
        if found.names > 1:
            self._update(prefix_key, found._replace(names=found.names - 1))
            return
        before_key, before = self._neighbour(prefix_key)
        if before.next != prefix_key:
            raise Corrupt("the ring of directories is broken")
        self._update(before_key, before._replace(next=found.next))
        self._connection.execute("DELETE FROM directory WHERE prefix = ?", (prefix_key,))

    def _find(self, prefix_key: bytes) -> Directory | None:
        row = self._connection.execute(
            "SELECT record FROM directory WHERE prefix = ?", (prefix_key,)
        ).fetchone()
        if row is not None:
            return _open(self._keys, prefix_key, row[0])
        _, before = self._neighbour(prefix_key)
        if before.next != END and before.next <= prefix_key:
            raise Corrupt("a directory that should be there is missing")
        return None

    def _neighbour(self, prefix_key: bytes) -> tuple[bytes, Directory]:
        row = self._connection.execute(
            "SELECT prefix, record FROM directory WHERE prefix < ?"
            " ORDER BY prefix DESC LIMIT 1",
            (prefix_key,),
        ).fetchone()
        if row is None:
            raise Corrupt("the beginning of the ring of directories is missing")
        return row[0], _open(self._keys, row[0], row[1])

    def _insert(self, prefix_key: bytes, directory: Directory) -> None:
        self._connection.execute(
            "INSERT INTO directory (prefix, record) VALUES (?, ?)",
            (prefix_key, self._seal(prefix_key, directory)),
        )

    def _update(self, prefix_key: bytes, directory: Directory) -> None:
        self._connection.execute(
            "UPDATE directory SET record = ? WHERE prefix = ?",
            (self._seal(prefix_key, directory), prefix_key),
        )

    def _seal(self, prefix_key: bytes, directory: Directory) -> bytes:
        plain = directory.names.to_bytes(8, "big") + directory.next
        return self._keys.sealer.seal(plain, _about(self._keys, prefix_key))
