"""That an older copy of the vault was put back: noticed by a counter of commits.

The file holds a sealed number that grows with every commit (``counter.py``); an *anchor*
outside of it (``anchor.py``) holds the highest one seen. A file whose number is below its
anchor is older than when it was last used. A process also remembers what it saw itself.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path

from skykeep.durable.database import sync_file
from skykeep.durable.link import Link
from skykeep.envelope.keys import VaultKeys
from skykeep.errors import Corrupt
from skykeep.interfaces.provider import OpenContext
from skykeep.providers.local import counter
from skykeep.providers.local.anchor import Anchor
from skykeep.providers.local.errors import with_vault_errors
from skykeep.providers.local.session import connect, read_header
from skykeep.providers.local.settings import LocalSettings
from skykeep.providers.local.unlock import anchor_of, unlock
from skykeep.providers.local.vault import vault_path

FAR = 2**32
"""Added where a number that must be exceeded cannot be read: more than any vault has counted,
and little enough to be added 2 billion times."""

_MEND = (
    "if you put the copy there on purpose: skykeep vault accept;"
    " else restore a newer backup: skykeep vault restore FILE --replace"
)


def put_back(found: int, expected: int) -> Corrupt:
    """The error for a vault that is older than it should be."""
    return Corrupt(
        "the vault is older than when it was last used here"
        f" ({found} < {expected}): a copy was put back",
        hint=_MEND,
    )


class Guard:
    """Counts commits, and holds the file against its anchor. Used by one thread at a time."""

    def __init__(self, path: Path, keys: VaultKeys, anchor: Anchor) -> None:
        self._path = path
        self._keys = keys
        self._anchor = anchor
        self._last = -1  # the highest number that was seen, and the row that held it
        self._row = b""
        self._next = -1, b""

    @property
    def number(self) -> int:
        """The highest number that was seen; -1 if none was."""
        return self._last

    def check(self, connection: sqlite3.Connection) -> int:
        """The file's number, after holding it against the anchor: when a vault is opened.

        Raises ``Corrupt`` if the file is older, ``Denied`` if the anchor cannot be read.
        """
        anchored = self._anchor.read()  # first: others may commit meanwhile
        row = counter.row_in(connection)
        number = counter.opened(self._keys, row)
        expected = max(self._last, anchored or 0)
        if number < expected:
            raise put_back(number, expected)
        self._last, self._row = number, row
        if anchored is None or anchored < number:
            # Who committed this may have been killed before it was on the disk, and the
            # anchor must not get there first.
            sync_file(self._path)
            self._anchor.keep(number)
        return number

    def rekeyed(self, keys: VaultKeys) -> None:
        """From now on the counter is sealed under these keys; its numbers go on."""
        self._keys = keys

    def step(self, connection: sqlite3.Connection) -> None:
        """Count the transaction under way. Raises ``Corrupt`` if the file is older."""
        number = self._last + 1
        row = counter.sealed(self._keys, number)
        changed = connection.execute(
            "UPDATE counter SET sealed = ? WHERE id = 0 AND sealed = ?", (row, self._row)
        )
        if changed.rowcount != 1:  # another process wrote meanwhile, or a copy was put back
            found = counter.number_in(connection, self._keys)
            if found < self._last:
                raise put_back(found, self._last)
            number = found + 1
            row = counter.sealed(self._keys, number)
            connection.execute("UPDATE counter SET sealed = ? WHERE id = 0", (row,))
        if self._anchor.may_reach(number):
            expected = self._anchor.read() or 0
            if expected >= number:
                raise put_back(number - 1, expected)
        self._next = number, row

    def committed(self) -> None:
        """What was counted is on the disk: let the anchor follow. Raises nothing."""
        self._last, self._row = self._next
        self._anchor.keep(self._last)

    def jump(self, connection: sqlite3.Connection, replaced: int | None = 0) -> None:
        """Count the transaction under way beyond every number that is known.

        For a copy that is put back on purpose: nothing is checked. ``replaced`` is the number
        of the vault in whose place it goes, None if that cannot be read. Raises ``Denied``.
        """
        known = [counter.number_in(connection, self._keys), self._last]
        try:
            known.append(self._anchor.read() or 0)
        except Corrupt:
            replaced = None
        number = max(*known, replaced or 0) + (FAR if replaced is None else 1)
        row = counter.sealed(self._keys, number)
        connection.execute("UPDATE counter SET sealed = ? WHERE id = 0", (row,))
        self._next = number, row

    def jumped(self) -> None:
        """The jump is on the disk: set the anchor to it. Raises nothing."""
        self._last, self._row = self._next
        self._anchor.put(self._last)

    def close(self) -> None:
        """Write down what the anchor has not yet; may take a moment. Raises nothing."""
        self._anchor.close()


@dataclass(frozen=True, slots=True)
class Watch:
    """Whether a copy that is put back would be noticed.

    Attributes:
        number: what the vault's counter is at.
        where: what keeps the number outside of the vault, or ``""``.
        reason: why it is not kept (up to date), or ``""``.
    """

    number: int
    where: str
    reason: str


def watch(path: Path, keys: VaultKeys, anchor: Anchor) -> Watch:
    """Hold the vault against its anchor, as opening it does. Raises ``Corrupt``, ``Denied``."""
    guard = Guard(path, keys, anchor)
    link = Link(lambda: connect(path, read_only=True))

    def look() -> int:
        with link as connection:
            return guard.check(connection)

    try:
        with_vault_errors(path, look)
    finally:
        link.close()
        guard.close()
    return Watch(guard.number, anchor.where, anchor.reason)


def accept(settings: LocalSettings, context: OpenContext) -> Watch:
    """Take the vault as it is for the newest: the mend after putting a copy back on purpose.

    Its counter goes beyond all that was seen, so that an older copy that is put back later
    is noticed. Processes that have the vault open refuse to write until they open it again.
    Raises ``KeyFailure`` and what opening raises.
    """
    path = vault_path(settings, context)
    header = read_header(path)
    keys = unlock(header, settings, context)
    anchor = anchor_of(header, settings, context)
    guard = Guard(path, keys, anchor)
    link = Link(lambda: connect(path, read_only=False))

    def work() -> None:
        with link as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                guard.jump(connection)
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
            guard.jumped()

    try:
        with_vault_errors(path, work)
    finally:
        link.close()
        guard.close()
    return Watch(guard.number, anchor.where, anchor.reason)
