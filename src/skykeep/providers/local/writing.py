"""One transaction on an unlocked vault: all of it is kept, or nothing. Synchronous."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import msgspec

from skykeep.envelope.keys import VaultKeys
from skykeep.errors import Conflict, Corrupt, Invalid, PendingDelete, Quota
from skykeep.interfaces.names import shown
from skykeep.interfaces.secret_driver import CURRENT, Attributes, Stamp, Written
from skykeep.interfaces.secret_value import SecretValue
from skykeep.providers.local.chain import neighbour, seal_record
from skykeep.providers.local.names import ancestors
from skykeep.providers.local.reading import (
    Reading,
    about_value,
    deleted,
    find,
    no_such_secret,
)
from skykeep.providers.local.record import Kept, Record, new_record, now
from skykeep.providers.local.rollback import Guard

MAX_STAGES = 64


@contextmanager
def transaction(
    connection: sqlite3.Connection, keys: VaultKeys, keep_versions: int, guard: Guard
) -> Iterator[Writing]:
    """Commit at the end, durably; roll back on any error.

    What changes something is counted. Raises ``Corrupt`` if the vault is older than before.
    """
    connection.execute("BEGIN IMMEDIATE")
    before = connection.total_changes
    try:
        yield Writing(connection, keys, keep_versions)
        counted = connection.total_changes != before
        if counted:
            guard.step(connection)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    if counted:
        guard.committed()


class Writing:
    """What can be done to secrets inside a transaction.

    ``stored`` is the name as the vault keeps it, ``name`` the one that errors show.
    """

    def __init__(
        self, connection: sqlite3.Connection, keys: VaultKeys, keep_versions: int
    ) -> None:
        self._connection = connection
        self._keys = keys
        self._keep_versions = keep_versions
        self._reading = Reading(connection, keys)

    def create(
        self, stored: str, name: str, value: SecretValue, attributes: Attributes
    ) -> Written:
        """Raises ``Conflict``, ``PendingDelete``."""
        found = self._reading.record(stored)
        if found is not None:
            if found.deleted is not None:
                raise _tombstone(name)
            raise Conflict(
                f"the secret {shown(name)} exists already", hint="update it, or use put"
            )
        record = self._insert(stored)
        record.apply(attributes)
        kept = self._add(record, value, attributes.stamp)
        record.move(CURRENT, kept.number)
        self._save(record)
        for prefix in ancestors(stored):
            self._list_under(prefix, record)
        return Written(str(kept.number))

    def update(
        self,
        stored: str,
        name: str,
        value: SecretValue,
        attributes: Attributes,
        *,
        stage: str,
        expects: str | None,
    ) -> Written:
        """Raises ``NotFound``, ``PendingDelete``, ``Conflict``, ``Quota``."""
        record = self._live(stored, name, expects)
        at = record.version(record.stages.get(stage, 0))
        if at is not None and at.size == value.size and self._value(record, at) == value:
            if record.apply(attributes):
                self._touch(record)
            return Written(str(at.number), changed=False)
        _check_stages(record, stage, name)
        record.apply(attributes)
        kept = self._add(record, value, attributes.stamp)
        record.move(stage, kept.number)
        for old in record.surplus(self._keep_versions):
            self._connection.execute("DELETE FROM version WHERE id = ?", (old.row,))
        self._touch(record)
        return Written(str(kept.number))

    def add_version(self, stored: str, name: str, value: SecretValue) -> Record:
        """A new current version; older ones stay, however many there are.

        Raises ``NotFound``, ``PendingDelete``.
        """
        record = self._live(stored, name, None)
        record.move(CURRENT, self._add(record, value).number)
        self._touch(record)
        return record

    def find(self, stored: str) -> Record | None:
        """The record, or None if the name is proved missing."""
        return self._reading.record(stored)

    def annotate(
        self, stored: str, name: str, attributes: Attributes, expects: str | None
    ) -> None:
        """Raises ``NotFound``, ``PendingDelete``, ``Conflict``."""
        record = self._live(stored, name, expects)
        if record.apply(attributes):
            self._touch(record)

    def move_stage(
        self, stored: str, name: str, stage: str, version: str | None, expects: str | None
    ) -> None:
        """Raises ``NotFound``, ``PendingDelete``, ``Conflict``, ``Invalid``, ``Quota``."""
        record = self._live(stored, name, expects)
        if version is None:
            if stage == CURRENT:
                raise Invalid("'current' cannot be taken off")
            if record.stages.pop(stage, None) is None:
                return
        else:
            kept = find(record, version, None, name)
            if record.stages.get(stage) == kept.number:
                return
            _check_stages(record, stage, name)
            record.move(stage, kept.number)
        self._touch(record)

    def delete(self, stored: str, name: str, expects: str | None) -> None:
        """Raises ``NotFound`` (also if it is deleted), ``Conflict``."""
        record = self._known(stored, name)
        if record.deleted is not None:
            raise deleted(name)
        _check_expected(record, expects, name)
        record.deleted = now()
        self._touch(record)

    def restore(self, stored: str, name: str) -> None:
        """Raises ``NotFound``, ``Conflict`` if it is not deleted."""
        record = self._known(stored, name)
        if record.deleted is None:
            raise Conflict(f"the secret {shown(name)} is not deleted")
        record.deleted = None
        self._touch(record)

    def purge(self, stored: str, name: str) -> None:
        """Raises ``NotFound``."""
        record = self._known(stored, name)
        name_key = self._keys.name_key(stored)
        before_key, before = neighbour(self._connection, self._keys, name_key)
        if before.next != name_key:
            raise Corrupt("the ring of records is broken")
        before.next = record.next
        self._store(before_key, before)
        self._connection.execute("DELETE FROM secret WHERE name_key = ?", (name_key,))
        self._connection.executemany(
            "DELETE FROM version WHERE id = ?", [(kept.row,) for kept in record.versions]
        )
        for prefix in ancestors(stored):
            self._unlist(prefix, name_key)

    def adopt(self, theirs: Record, value_of: Callable[[Kept], SecretValue]) -> None:
        """Keep a secret of another vault as it is there, in place of the one here.

        Serial, numbers, times, stages and all else are taken over. A value that is here
        already, by serial and number, is not asked for again.
        """
        record = self._reading.record(theirs.name)
        if record is not None and record.serial != theirs.serial:
            self.purge(record.name, record.name)
            record = None
        if record is None:
            record = self._insert(theirs.name)
            for prefix in ancestors(record.name):
                self._list_under(prefix, record)
        here = {kept.number: kept for kept in record.versions}
        adopted = msgspec.structs.replace(theirs, next=record.next, versions=[])
        for kept in theirs.versions:
            mine = here.pop(kept.number, None)
            row = self._row(adopted, kept.number, value_of(kept)) if mine is None else mine.row
            adopted.versions.append(msgspec.structs.replace(kept, row=row))
        self._connection.executemany(
            "DELETE FROM version WHERE id = ?", [(kept.row,) for kept in here.values()]
        )
        self._save(adopted)

    # -- what they share

    def _known(self, stored: str, name: str) -> Record:
        record = self._reading.record(stored)
        if record is None:
            raise no_such_secret(name)
        return record

    def _live(self, stored: str, name: str, expects: str | None) -> Record:
        record = self._known(stored, name)
        if record.deleted is not None:
            raise _tombstone(name)
        _check_expected(record, expects, name)
        return record

    def _value(self, record: Record, kept: Kept) -> SecretValue:
        return self._reading.value(record, kept, self._reading.sealed(kept))

    def _add(self, record: Record, value: SecretValue, stamp: Stamp | None = None) -> Kept:
        record.last += 1
        row = self._row(record, record.last, value)
        kept = Kept(record.last, row, value.size, now())
        record.versions.append(kept)
        record.put_stamp(kept.number, stamp)
        return kept

    def _row(self, record: Record, number: int, value: SecretValue) -> int:
        about = about_value(self._keys, record, number)
        row = self._connection.execute(
            "INSERT INTO version (sealed) VALUES (?)",
            (self._keys.sealer.seal(value.reveal(), about),),
        ).lastrowid
        if row is None:
            raise Corrupt("the vault gave no row to a new version")
        return row

    def _touch(self, record: Record) -> None:
        record.updated = now()
        self._save(record)

    def _save(self, record: Record) -> None:
        self._store(self._keys.name_key(record.name), record)

    def _store(self, name_key: bytes, record: Record) -> None:
        kept = record.version(record.stages.get(CURRENT, 0))
        self._connection.execute(
            "UPDATE secret SET current = ?, record = ? WHERE name_key = ?",
            (
                None if kept is None else kept.row,
                seal_record(self._keys, name_key, record),
                name_key,
            ),
        )

    def _insert(self, stored: str) -> Record:
        """Put an empty record into the ring; it is saved by the caller."""
        name_key = self._keys.name_key(stored)
        before_key, before = neighbour(self._connection, self._keys, name_key)
        record = new_record(stored, before.next, now())
        before.next = name_key
        self._store(before_key, before)
        self._connection.execute(
            "INSERT INTO secret (name_key, current, record) VALUES (?, NULL, x'')", (name_key,)
        )
        return record

    def _list_under(self, prefix: str, record: Record) -> None:
        prefix_key = self._keys.prefix_key(prefix)
        self._connection.execute(
            "INSERT INTO path (prefix, name_key) VALUES (?, ?)",
            (prefix_key, self._keys.name_key(record.name)),
        )
        self._reading.directories.add(prefix_key)

    def _unlist(self, prefix: str, name_key: bytes) -> None:
        prefix_key = self._keys.prefix_key(prefix)
        self._connection.execute(
            "DELETE FROM path WHERE prefix = ? AND name_key = ?", (prefix_key, name_key)
        )
        self._reading.directories.remove(prefix_key)


def _tombstone(name: str) -> PendingDelete:
    return PendingDelete(
        f"the secret {shown(name)} was deleted and its name is held until it is purged",
        hint=f"skykeep restore {name}, or skykeep rm --purge {name}",
    )


def _check_expected(record: Record, expects: str | None, name: str) -> None:
    current = str(record.stages.get(CURRENT, ""))
    if expects is not None and expects != current:
        raise Conflict(
            f"the secret {shown(name)} is at version {current}, not {shown(expects)}",
            hint="read it again, then decide",
        )


def _check_stages(record: Record, stage: str, name: str) -> None:
    if stage not in record.stages and len(record.stages) >= MAX_STAGES:
        raise Quota(f"the secret {shown(name)} has {MAX_STAGES} stages; no more are kept")
