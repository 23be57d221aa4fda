"""Copy a vault to a file and back, checked both ways.

A backup is a vault like any other: sealed, unlocked by the keys that the vault had then.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from skykeep.durable.database import journal_of
from skykeep.durable.files import draft_of, drafted
from skykeep.durable.link import Link
from skykeep.envelope.keys import VaultKeys
from skykeep.errors import Conflict, Corrupt
from skykeep.interfaces.provider import OpenContext
from skykeep.providers.local import counter
from skykeep.providers.local.errors import with_vault_errors
from skykeep.providers.local.rollback import Guard
from skykeep.providers.local.session import connect, read_header
from skykeep.providers.local.settings import LocalSettings
from skykeep.providers.local.unlock import anchor_of, unlock
from skykeep.providers.local.vault import vault_path
from skykeep.providers.local.verify import Counts, Progress, verify


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore did.

    Attributes:
        counts: what the vault holds now.
        saved: where the vault that was replaced is, or None if there was none.
    """

    counts: Counts
    saved: Path | None


def backup(
    settings: LocalSettings,
    context: OpenContext,
    file: Path,
    progress: Progress | None = None,
) -> Counts:
    """Copy the vault as it is at this moment, then open all that the copy holds.

    The file is complete and verified or not there; mode 0600. Writers are not held up.
    Raises ``Conflict`` if the file exists, ``Corrupt``, ``Denied``, ``Quota`` and what
    unlocking raises.
    """
    path = vault_path(settings, context)
    keys = unlock(read_header(path), settings, context)
    return _copied(path, file, keys, progress)


def restore(
    settings: LocalSettings,
    context: OpenContext,
    file: Path,
    *,
    replace: bool = False,
    progress: Progress | None = None,
) -> Restored:
    """Put a backup in the vault's place, after all of it was opened.

    A vault that is there is replaced only if ``replace`` is given; it is copied beside
    itself first, with the time in the name. Processes that have it open see the restored
    one from their next call on, if it is of the same vault. Raises as :func:`backup`.
    """
    header = read_header(file)
    keys = unlock(header, settings, context)
    path = vault_path(settings, context)
    guard = Guard(path, keys, anchor_of(header, settings, context))
    try:
        if not os.path.lexists(path):
            counts = _copied(file, path, keys, progress, guard.jump)
            guard.jumped()
            return Restored(counts, None)
        if not replace:
            raise Conflict(
                f"there is a vault at {path}",
                hint="give --replace; a copy of it is kept beside it",
            )
        draft = draft_of(path)  # what is verified is what is put back
        try:
            replaced = _number(path, keys)
            counts = _copied(
                file, draft, keys, progress, lambda copy: guard.jump(copy, replaced)
            )
            saved = path.with_name(f"{path.name}.before-{datetime.now(UTC):%Y%m%dT%H%M%SZ}")
            _copied(path, saved, None, None)
            with_vault_errors(path, lambda: _put_back(draft, path))
        finally:
            for left in (draft, journal_of(draft), draft.with_name(f"{draft.name}-shm")):
                left.unlink(missing_ok=True)
        guard.jumped()
        return Restored(counts, saved)
    finally:
        guard.close()


def _put_back(source: Path, target: Path) -> None:
    reading = Link(lambda: connect(source, read_only=True))
    writing = Link(lambda: connect(target, read_only=False))
    try:
        with reading as old, writing as new:
            old.backup(new)  # one transaction: all of it or nothing
            new.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        reading.close()
        writing.close()


def _number(path: Path, keys: VaultKeys) -> int | None:
    """The counter of the vault that is replaced; None if it is damaged or has other keys.

    Processes that have the vault open would else take the restored one for an older copy.
    """
    link = Link(lambda: connect(path, read_only=True))
    try:
        with link as connection:
            return counter.number_in(connection, keys)
    except (Corrupt, sqlite3.Error):
        return None
    finally:
        link.close()


def _copied(
    source: Path,
    target: Path,
    keys: VaultKeys | None,
    progress: Progress | None,
    changed: Callable[[sqlite3.Connection], None] = lambda _: None,
) -> Counts:
    """Copy a vault file to where none is; verified if the keys are given.

    ``changed`` is done to the copy before that.
    """
    if os.path.lexists(target):
        raise Conflict(f"there is a file at {target} already", hint="give another path")

    def copy(draft: Path) -> None:
        link = Link(lambda: connect(source, read_only=True))
        new = sqlite3.connect(draft, isolation_level=None)
        try:
            with link as old:
                old.backup(new)
            changed(new)
        finally:
            link.close()
            new.close()

    counts = Counts(0, 0, 0, 0)
    with drafted(target, f"the file {target}") as draft:
        with_vault_errors(source, lambda: copy(draft))
        if keys is not None:
            counts = verify(draft, keys, progress)
        with draft.open("rb") as written:
            os.fsync(written.fileno())
    return counts
