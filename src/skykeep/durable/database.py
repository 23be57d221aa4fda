"""How a SQLite file of ours is opened, and looked over before.

WAL with ``synchronous=FULL``: a commit that was acknowledged is on the disk
(sqlite.org/pragma.html#pragma_synchronous), readers and the writer do not wait for each other.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import suppress
from pathlib import Path

from skykeep.durable.link import beside_sqlite
from skykeep.errors import Corrupt

CHECKED_BYTES = 16 * 1024 * 1024
"""Files up to this size are checked as a whole before they are first written, at about
2 ms per MiB: a damage that no read has met would let a write destroy what is beside it."""

_MAGIC = b"SQLite format 3\x00"
# Fields of SQLite's file header (sqlite.org/fileformat.html, 1.3).
_PAGE_SIZE = slice(16, 18)
_VERSIONS = slice(18, 20)  # of the format, to write and to read it: 1 or 2 (WAL)
_CHANGES = slice(24, 28)
_PAGES = slice(28, 32)
_PAGES_AT_CHANGE = slice(92, 96)  # the number of pages is good if this equals the changes


def connect(path: Path, *, read_only: bool, patience: float) -> sqlite3.Connection:
    """A connection to a file that exists. May be used from any one thread at a time.

    ``patience``: seconds that it waits for other processes.
    """
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=rw",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        timeout=patience,
    )
    try:
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("PRAGMA cell_size_check = ON")
        if read_only:
            # A connection that is read-only to SQLite cannot recover the WAL of a process
            # that was killed; this one can, and still writes nothing of its own.
            connection.execute("PRAGMA query_only = ON")
        else:
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA secure_delete = ON")  # what is purged is overwritten
        return connection
    except BaseException:
        connection.close()
        raise


def journal_of(path: Path) -> Path:
    """SQLite's write-ahead log beside the file; there while somebody has it open."""
    return path.with_name(f"{path.name}-wal")


def sync_file(path: Path) -> None:
    """Let what was committed reach the disk.

    That is the journal: SQLite syncs the file itself whenever it writes the journal back.
    To open and close the file here would give up the locks that SQLite holds on it in this
    process (sqlite.org/howtocorrupt.html, 2.2).
    """
    with suppress(OSError):
        descriptor = os.open(journal_of(path), os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def check_file_header(path: Path) -> None:
    """Raise ``Corrupt`` unless the file begins and ends as SQLite's do. Raises ``OSError``."""
    with beside_sqlite(path) as file:
        begin = os.pread(file, _PAGES_AT_CHANGE.stop, 0)
    if not begin.startswith(_MAGIC) or any(n not in {1, 2} for n in begin[_VERSIONS]):
        raise Corrupt("it is no SQLite file")
    if _cut_off(path):
        raise Corrupt("it is shorter than it says")


def _cut_off(path: Path) -> bool:
    """Whether a part of a page is missing at the end, which SQLite does not notice.

    Where there is a journal the file may well be short: its pages are in there.
    """
    journal = journal_of(path)
    for _ in range(3):  # another process may open, write and close it while we look
        if journal.exists():
            return False
        with beside_sqlite(path) as file:
            begin = os.pread(file, _PAGES_AT_CHANGE.stop, 0)
            size = os.fstat(file).st_size
        page = int.from_bytes(begin[_PAGE_SIZE], "big")
        whole = int.from_bytes(begin[_PAGES], "big") * (65536 if page == 1 else page)
        if journal.exists() or size >= whole or begin[_CHANGES] != begin[_PAGES_AT_CHANGE]:
            return False
    return True


def check_size(connection: sqlite3.Connection, size: int) -> None:
    """Raise ``Corrupt`` if the file has pages that SQLite does not know of: it would write
    new ones over them."""
    if size > _size(connection):
        raise Corrupt("it is longer than it says")


def check_whole(connection: sqlite3.Connection) -> None:
    """Raise ``Corrupt`` if the structure of the file is damaged; large ones pass."""
    if _size(connection) <= CHECKED_BYTES:
        (found,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
        if found != "ok":
            raise Corrupt("its pages do not fit together")


def _size(connection: sqlite3.Connection) -> int:
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    (page,) = connection.execute("PRAGMA page_size").fetchone()
    return int(pages * page)
