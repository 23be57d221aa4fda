"""Write the vault's file anew: without unused space, and without what was in it before.

What is purged is overwritten (``secure_delete``), but SQLite moves rows between pages and
may leave a copy of a small one in the unused part of another page. ``VACUUM`` builds every
page anew from the rows that are there (sqlite.org/lang_vacuum.html).
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path

from skykeep.durable.database import journal_of
from skykeep.durable.link import Link
from skykeep.errors import Corrupt, Quota, Unavailable
from skykeep.interfaces.provider import OpenContext
from skykeep.providers.local import session
from skykeep.providers.local.errors import with_vault_errors
from skykeep.providers.local.session import connect, read_header
from skykeep.providers.local.settings import LocalSettings
from skykeep.providers.local.vault import vault_path

SPARE_BYTES = 1024 * 1024
"""Room for what does not grow with the vault: the index of the journal, a few pages."""


@dataclass(frozen=True, slots=True)
class Compacted:
    """The bytes of the file and its journal, before and after."""

    before: int
    after: int


def compact(settings: LocalSettings, context: OpenContext) -> Compacted:
    """Compact the vault. It needs no key: nothing is opened, and no row is changed.

    Readers go on; writers wait. Raises ``Quota`` if the disk has no room for the vault's
    bytes twice, ``Unavailable`` if another process keeps the vault busy, ``Corrupt`` if its
    structure is damaged (it is then left as it is), ``ConfigError``, ``Denied``.
    """
    path = vault_path(settings, context)
    read_header(path)
    link = Link(lambda: connect(path, read_only=False))

    def work() -> Compacted:
        with link as connection:
            before = bytes_of(path)
            check_space(path, beside=before, temporary=before)
            (found,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
            if found != "ok":
                raise Corrupt("its pages do not fit together")
            rewrite(connection, path)
            return Compacted(before, bytes_of(path))

    try:
        return with_vault_errors(path, work)
    finally:
        link.close()


def rewrite(connection: sqlite3.Connection, path: Path) -> None:
    """Build all pages anew and leave nothing in the journal. Not in a transaction.

    Raises ``Unavailable`` if another process reads what was there before for longer than
    ``session.BUSY_SECONDS``, and SQLite's errors.
    """
    connection.execute("VACUUM")
    patience = time.monotonic() + session.BUSY_SECONDS
    while connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
        # For another process that writes the journal back just now, SQLite does not wait
        # (sqlite.org/c3ref/wal_checkpoint_v2.html); for readers and writers it has waited.
        if time.monotonic() < patience:
            time.sleep(0.01)
            continue
        raise Unavailable(
            f"another process keeps the vault {path} busy: what is unused is still in its file",
            hint="try again when it is done: skykeep vault compact",
        )


def bytes_of(path: Path) -> int:
    """The bytes of the vault's file and of its journal."""
    total = path.stat().st_size
    try:
        return total + journal_of(path).stat().st_size
    except FileNotFoundError:
        return total


def check_space(path: Path, *, beside: int, temporary: int) -> None:
    """Raise ``Quota`` unless so many bytes are free beside the vault and for temporary files.

    SQLite writes the new pages to a temporary file first, then to the journal.
    """
    needs = {path.parent: beside + SPARE_BYTES}
    directory = _temporary_directory()
    if directory.stat().st_dev == path.parent.stat().st_dev:
        needs[path.parent] += temporary
    else:
        needs[directory] = temporary + SPARE_BYTES
    for where, needed in needs.items():
        free = shutil.disk_usage(where).free
        if free < needed:
            raise Quota(
                f"this needs {_mib(needed)} of free space in {where}, there are {_mib(free)};"
                " nothing was changed",
                hint="free some space and try again",
            )


def _temporary_directory() -> Path:
    """Where SQLite puts temporary files (sqlite.org/tempfiles.html, 5)."""
    places = (os.environ.get("SQLITE_TMPDIR"), os.environ.get("TMPDIR"))
    for place in (*places, "/var/tmp", "/usr/tmp", "/tmp"):  # noqa: S108  (SQLite's own list)
        if place and Path(place).is_dir() and os.access(place, os.W_OK | os.X_OK):
            return Path(place)
    return Path()


def _mib(count: int) -> str:
    return f"{count / 1024 / 1024:,.1f} MiB"
