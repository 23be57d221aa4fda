"""The vault's file: made, checked, opened; its connections.

One connection reads on the event loop's thread, one writes in the driver's own thread.
WAL with ``synchronous=FULL``: a commit that was acknowledged is on the disk
(sqlite.org/pragma.html#pragma_synchronous), readers and the writer do not wait for each
other.
"""

from __future__ import annotations

import os
import secrets
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from skykeep.envelope.header import Header
from skykeep.envelope.keys import VaultKeys
from skykeep.errors import ConfigError, Conflict, Corrupt, Denied
from skykeep.providers.local import counter, schema
from skykeep.providers.local.chain import first_link
from skykeep.providers.local.errors import damaged, not_written, with_vault_errors
from skykeep.providers.local.link import Link, beside_sqlite

BUSY_SECONDS = 8.0
"""How long a writer waits for another process's; under a call's default deadline."""

CHECKED_BYTES = 16 * 1024 * 1024
"""Vaults up to this size are checked as a whole before they are first written, at about
2 ms per MiB: a damage that no read has met would let a write destroy what is beside it."""

_MAGIC = b"SQLite format 3\x00"
# Fields of SQLite's file header (sqlite.org/fileformat.html, 1.3).
_PAGE_SIZE = slice(16, 18)
_VERSIONS = slice(18, 20)  # of the format, to write and to read it: 1 or 2 (WAL)
_CHANGES = slice(24, 28)
_PAGES = slice(28, 32)
_PAGES_AT_CHANGE = slice(92, 96)  # the number of pages is good if this equals the changes


def check_file(path: Path) -> None:
    """Raise unless there is a vault file that only its owner (and group) can read."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        raise ConfigError(
            f"there is no vault at {path}", hint="make one: skykeep init --key-file PATH"
        ) from None
    except ValueError:
        raise ConfigError(f"{str(path)!r} is no path, so there is no vault") from None
    except OSError as error:
        raise Denied(
            f"the vault {path} cannot be reached: {error.strerror}",
            hint="this user must be allowed to enter its directory",
        ) from None
    if not stat.S_ISREG(mode):
        raise ConfigError(f"{path} is not a file, so it is no vault")
    refuse_public(path, mode, "vault")
    try:
        with beside_sqlite(path) as file:
            begin = os.pread(file, _PAGES_AT_CHANGE.stop, 0)
    except OSError as error:
        raise Denied(
            f"the vault {path} cannot be read: {error.strerror}",
            hint="it must belong to this user",
        ) from None
    if not begin.startswith(_MAGIC) or any(n not in {1, 2} for n in begin[_VERSIONS]):
        raise damaged(path, "it is no SQLite file")
    if _cut_off(path):
        raise damaged(path, "it is shorter than it says")


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


def journal_of(path: Path) -> Path:
    """SQLite's write-ahead log beside the vault; there while somebody has it open."""
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


def identity(path: Path) -> tuple[int, int] | None:
    """What tells the file from another at the same path; None if there is none."""
    try:
        found = os.stat(path)  # noqa: PTH116  (before each write: half as long as Path.stat)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def refuse_public(path: Path, mode: int, what: str) -> None:
    """Raise ``Denied`` if others than owner and group may touch the file."""
    if mode & 0o007:
        raise Denied(
            f"the {what} {path} is open to every user (mode {stat.S_IMODE(mode):04o})",
            hint=f"close it: chmod 600 {path}",
        )


def connect(
    path: Path, *, read_only: bool, patience: float | None = None
) -> sqlite3.Connection:
    """A connection to a vault that exists. May be used from any one thread at a time.

    ``patience``: seconds that it waits for other processes; by default ``BUSY_SECONDS``.
    """
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=rw",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        timeout=BUSY_SECONDS if patience is None else patience,
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


def read_header(path: Path) -> Header:
    """The vault's header; migrates an older vault. Unlocks nothing.

    Raises ``ConfigError`` (no vault), ``Denied``, ``Corrupt``, ``Unsupported`` (newer).
    """
    check_file(path)

    def read() -> Header:
        # Before SQLite looks: other processes make it grow. With a journal it tells nothing:
        # what a restore cut off is still there.
        size = 0 if journal_of(path).exists() else path.stat().st_size
        link = Link(lambda: connect(path, read_only=False))
        try:
            with link as connection:
                header = schema.read_header(connection)
                check_size(connection, size)
                return schema.migrate(connection, header)
        finally:
            link.close()

    return with_vault_errors(path, read)


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


def create_file(path: Path, header: Header, keys: VaultKeys) -> None:
    """Make a new vault file, mode 0600, complete or not at all.

    Raises ``Conflict`` if there is one, ``Denied``, ``Quota``.
    """

    def fill(draft: Path) -> None:
        link = Link(lambda: connect(draft, read_only=False))
        try:
            with link as connection:
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("BEGIN IMMEDIATE")
                schema.create(connection, header)
                first_link(connection, keys)
                counter.begin(connection, keys)
                connection.execute("COMMIT")
        finally:
            link.close()  # writes the WAL back and removes it

    with drafted(path, f"the vault {path}") as draft:
        with_vault_errors(path, lambda: fill(draft))


@contextmanager
def drafted(path: Path, what: str) -> Iterator[Path]:
    """A new empty file (0600) to be filled, put in place of ``path`` if nothing is raised.

    Nothing is left of it otherwise. Raises ``Conflict`` if there is a file at ``path`` by
    then, ``Denied``, ``Quota``; ``what`` is how errors call it.
    """
    draft = draft_of(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except OSError as error:
        raise not_written(error, what) from None
    try:
        yield draft
        _publish(draft, path)
    finally:
        for suffix in ("", "-wal", "-shm", "-journal"):
            with suppress(OSError):
                draft.with_name(draft.name + suffix).unlink()


def draft_of(path: Path) -> Path:
    """A file beside it that is not there yet, to be filled and then linked into place.

    Its name is random: process ids repeat, in containers above all.
    """
    return path.with_name(f"{path.name}.{secrets.token_hex(4)}.new")


def _publish(draft: Path, path: Path) -> None:
    """Put a finished file where none is, durably. Raises ``Conflict``, ``Denied``."""
    try:
        os.link(draft, path)  # unlike a rename it never replaces a vault
        directory = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
    except FileExistsError:
        raise Conflict(
            f"there is a vault at {path} already", hint="use it, or give another path"
        ) from None
    except OSError as error:
        raise not_written(error, f"the vault {path}") from None
