"""Reads of an unlocked vault: one secret, a page of a listing. Synchronous."""

from __future__ import annotations

import base64
import binascii
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from skykeep.envelope.keys import VaultKeys
from skykeep.envelope.sealed import OVERHEAD, context
from skykeep.errors import Corrupt, Invalid, NotFound
from skykeep.interfaces.names import shown
from skykeep.interfaces.secret_driver import CURRENT, Secret
from skykeep.interfaces.secret_value import MAX_VALUE_BYTES, SecretValue
from skykeep.providers.local.chain import neighbour, open_record, prove_missing
from skykeep.providers.local.directory import Directories
from skykeep.providers.local.names import is_key
from skykeep.providers.local.record import END, Kept, Record, to_datetime

ON_LOOP_BYTES = 256 * 1024
"""Larger values are read in the driver's thread: opening 256 KiB takes about 0.1 ms."""

_GET = (
    "SELECT s.record, s.current, v.id,"
    " CASE WHEN length(v.sealed) <= ? THEN v.sealed END"
    " FROM secret s LEFT JOIN version v ON v.id = s.current WHERE s.name_key = ?"
)

_UNDER = (
    "SELECT p.name_key, s.record FROM path p LEFT JOIN secret s"
    " ON s.name_key = p.name_key WHERE p.prefix = ?1 ORDER BY p.name_key"
)
_UNDER_FROM = _UNDER.replace("?1", "?1 AND p.name_key >= ?2")


class TooLarge(Exception):
    """The value is larger than the caller wants to open on this thread."""


def about_value(keys: VaultKeys, record: Record, number: int) -> bytes:
    """The context of a version's value."""
    return context(
        b"value", keys.vault, record.serial, record.name.encode(), number.to_bytes(8, "big")
    )


def no_such_secret(name: str) -> NotFound:
    """The error for a name that is not kept."""
    return NotFound(f"there is no secret {shown(name)}", hint="see the names: skykeep ls")


def deleted(name: str) -> NotFound:
    """The error for reading a name that was deleted."""
    return NotFound(
        f"the secret {shown(name)} was deleted", hint=f"bring it back: skykeep restore {name}"
    )


@contextmanager
def snapshot(connection: sqlite3.Connection) -> Iterator[None]:
    """Everything read inside is of one moment."""
    connection.execute("BEGIN")
    try:
        yield
    finally:
        if connection.in_transaction:  # SQLite itself ends it after some errors
            connection.execute("COMMIT")


class Reading:
    """Reads through one connection."""

    def __init__(self, connection: sqlite3.Connection, keys: VaultKeys) -> None:
        self.connection = connection
        self.keys = keys
        self.directories = Directories(connection, keys)

    def record(self, stored: str) -> Record | None:
        """The record, or None if the name is proved missing. Call it in a transaction."""
        name_key = self.keys.name_key(stored)
        row = self.connection.execute(
            "SELECT record FROM secret WHERE name_key = ?", (name_key,)
        ).fetchone()
        if row is None:
            prove_missing(self.connection, self.keys, name_key)
            return None
        return self.opened(name_key, row[0], stored)

    def opened(self, name_key: bytes, sealed: object, stored: str) -> Record:
        """The record of a name that was looked up. Raises ``Corrupt``."""
        record = open_record(self.keys, name_key, sealed)
        if record.name != stored:
            raise Corrupt("a record is not the one of its key")
        return record

    def known(self, stored: str, name: str) -> Record:
        """The record. Raises ``NotFound``. Opens a snapshot of its own."""
        with snapshot(self.connection):
            record = self.record(stored)
        if record is None:
            raise no_such_secret(name)
        return record

    def current(self, stored: str, name: str, limit: int) -> Secret:
        """The current value, in one statement. Raises ``NotFound``, ``TooLarge``."""
        return self._secret(*self.newest(stored, name, limit), name)

    def newest(self, stored: str, name: str, limit: int) -> tuple[Record, Kept, object]:
        """Record, current version and its sealed value. Raises as :meth:`current`."""
        name_key = self.keys.name_key(stored)
        row = self.connection.execute(_GET, (limit + OVERHEAD, name_key)).fetchone()
        if row is None:
            self.known(stored, name)  # raises; or somebody has just created it:
            return self.newest(stored, name, limit)
        sealed_record, current, version_row, sealed = row
        record = self.opened(name_key, sealed_record, stored)
        if record.deleted is not None:
            raise deleted(name)
        kept = record.version(record.stages.get(CURRENT, 0))
        if kept is None or kept.row != current or version_row != current:
            raise Corrupt("a record and its current version do not fit")
        if sealed is None:
            self._check_size(kept, limit)
        return record, kept, sealed

    def at(
        self, stored: str, name: str, version: str | None, stage: str | None, limit: int
    ) -> Secret:
        """The value at a version or stage. Raises ``NotFound``, ``TooLarge``."""
        with snapshot(self.connection):
            record = self.record(stored)
            if record is None:
                raise no_such_secret(name)
            if record.deleted is not None:
                raise deleted(name)
            kept = find(record, version, stage, name)
            self._check_size(kept, limit)
            return self._secret(record, kept, self.sealed(kept), name)

    @staticmethod
    def _check_size(kept: Kept, limit: int) -> None:
        if kept.size > MAX_VALUE_BYTES:
            raise Corrupt("a value is larger than any that skykeep keeps")
        if kept.size > limit:
            raise TooLarge

    def sealed(self, kept: Kept) -> object:
        """What the row of a version holds, or None."""
        row = self.connection.execute(
            "SELECT sealed FROM version WHERE id = ?", (kept.row,)
        ).fetchone()
        return None if row is None else row[0]

    def value(self, record: Record, kept: Kept, sealed: object) -> SecretValue:
        """A version's value. Raises ``Corrupt``."""
        if not isinstance(sealed, bytes):
            raise Corrupt("the value of a version is missing")
        return SecretValue(
            self.keys.sealer.open(sealed, about_value(self.keys, record, kept.number))
        )

    def _secret(self, record: Record, kept: Kept, sealed: object, name: str) -> Secret:
        return Secret(
            name,
            self.value(record, kept, sealed),
            str(kept.number),
            to_datetime(kept.created),
            record.labels(kept.number),
            record.metadata,
            record.tags,
            None if record.expires is None else to_datetime(record.expires),
            stamp=record.stamp(kept.number),
        )

    # -- listings

    def page(
        self, prefix: str, cursor: str | None, limit: int, with_deleted: bool
    ) -> tuple[list[Record], str | None]:
        """Records under a stored prefix in the order of their keys, and the next cursor.

        No prefix is all secrets, without the keys that are kept among them.
        Proves that none is missing: the whole ring by its links, a prefix by its count.
        """
        start = _decode_cursor(cursor, self.keys)
        found: list[Record] = []
        last = start
        with snapshot(self.connection):
            rows = self._under(prefix, start) if prefix else self._all(start)
            for name_key, record in rows:
                asked = prefix or not is_key(record.name)
                if asked and (record.deleted is not None) is with_deleted:
                    if len(found) == limit:
                        return found, _encode_cursor(last, self.keys)
                    found.append(record)
                last = name_key
            if prefix:
                self._check_count(prefix)
        return found, None

    def ring(self) -> Iterator[tuple[bytes, Record]]:
        """Every record and its key. Raises ``Corrupt`` if one is missing or left over."""
        return self._all(END)

    def _all(self, start: bytes) -> Iterator[tuple[bytes, Record]]:
        _, before = neighbour(self.connection, self.keys, start + b"\x00")
        expected = before.next
        rows = self.connection.execute(
            "SELECT name_key, record FROM secret WHERE name_key > ? ORDER BY name_key",
            (start,),
        )
        for name_key, sealed in rows:
            record = open_record(self.keys, name_key, sealed)
            if name_key != expected:
                raise Corrupt("a record of the listing is missing")
            expected = record.next
            yield name_key, record
        if expected != END:
            raise Corrupt("the end of the listing is missing")

    def _under(self, prefix: str, start: bytes) -> Iterator[tuple[bytes, Record]]:
        # No row is looked for by a bound that is not a row itself: in a damaged table such
        # a search may end behind rows that are there. If the row where the page begins was
        # purged meanwhile, all are gone through again.
        below = prefix + "/"
        prefix_key = self.keys.prefix_key(prefix)
        rows = self.connection.execute(_UNDER_FROM, (prefix_key, start))
        first = rows.fetchone()
        if first is None or first[0] != start:
            rows = self.connection.execute(_UNDER, (prefix_key,))
        for name_key, sealed in rows:
            record = open_record(self.keys, name_key, sealed)
            if not record.name.startswith(below):
                raise Corrupt("a record of the listing does not belong there")
            if name_key > start:
                yield name_key, record

    def _check_count(self, prefix: str) -> None:
        """As many rows as the directory says, each after the one before.

        A key that was damaged would else hide the rows behind it from a page that begins
        in their middle: SQLite looks for the beginning by halves.
        """
        prefix_key = self.keys.prefix_key(prefix)
        count, before = 0, END
        for (name_key,) in self.connection.execute(
            "SELECT name_key FROM path WHERE prefix = ?", (prefix_key,)
        ):
            if not isinstance(name_key, bytes) or name_key <= before:
                raise Corrupt("the rows of the listing are damaged")
            count, before = count + 1, name_key
        if count != self.directories.count(prefix_key):
            raise Corrupt("records of the listing are missing")


def find(record: Record, version: str | None, stage: str | None, name: str) -> Kept:
    """The version asked for. Raises ``NotFound``."""
    if version is not None:
        kept = record.version(int(version)) if version.isascii() and version.isdigit() else None
        if kept is None or str(kept.number) != version:
            raise NotFound(
                f"the secret {shown(name)} has no version {shown(version)}",
                hint=f"see its versions: skykeep history {name}",
            )
        return kept
    number = record.stages.get(stage or CURRENT)
    kept = None if number is None else record.version(number)
    if kept is None:
        raise NotFound(
            f"no version of the secret {shown(name)} has the stage {shown(stage or CURRENT)}",
            hint=f"see its versions: skykeep history {name}",
        )
    return kept


def _encode_cursor(name_key: bytes, keys: VaultKeys) -> str:
    """The last name key of the page, marked: under other keys the order is another."""
    return base64.urlsafe_b64encode(name_key + keys.mark).decode().rstrip("=")


def _decode_cursor(cursor: str | None, keys: VaultKeys) -> bytes:
    if cursor is None:
        return END
    try:
        name_key = base64.b64decode(cursor + "==", altchars=b"-_", validate=True)[: len(END)]
    except (ValueError, binascii.Error):
        name_key = b""
    if len(name_key) != len(END) or _encode_cursor(name_key, keys) != cursor:
        raise Invalid(
            f"{shown(cursor)} is not a cursor of this listing, or the vault was given new"
            " keys since",
            hint="begin without a cursor",
        )
    return name_key
