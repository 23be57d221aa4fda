"""The vault's file: made, checked, opened; its connections.

One connection reads on the event loop's thread, one writes in the driver's own thread.
WAL with ``synchronous=FULL``: a commit that was acknowledged is on the disk
(sqlite.org/pragma.html#pragma_synchronous), readers and the writer do not wait for each
other.
"""

from __future__ import annotations

import os
import sqlite3
import stat
from contextlib import suppress
from pathlib import Path

from skykeep.envelope import header as envelope_header
from skykeep.envelope.header import Header
from skykeep.envelope.keys import VaultKeys
from skykeep.errors import ConfigError, Conflict, Denied
from skykeep.providers.local import schema
from skykeep.providers.local.chain import first_link
from skykeep.providers.local.errors import damaged, vault_errors

BUSY_SECONDS = 8.0
"""How long a writer waits for another process's; under a call's default deadline."""

_MAGIC = b"SQLite format 3\x00"


def check_file(path: Path) -> None:
    """Raise unless there is a vault file that only its owner (and group) can read."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        raise ConfigError(
            f"there is no vault at {path}", hint="make one: skykeep init --key-file PATH"
        ) from None
    except OSError as error:
        raise Denied(f"the vault {path} cannot be reached: {error.strerror}") from None
    if not stat.S_ISREG(mode):
        raise ConfigError(f"{path} is not a file, so it is no vault")
    refuse_public(path, mode, "vault")
    try:
        with path.open("rb") as file:
            magic = file.read(len(_MAGIC))
    except OSError as error:
        raise Denied(f"the vault {path} cannot be read: {error.strerror}") from None
    if magic != _MAGIC:
        raise damaged(path, "it is no SQLite file")


def refuse_public(path: Path, mode: int, what: str) -> None:
    """Raise ``Denied`` if others than owner and group may touch the file."""
    if mode & 0o007:
        raise Denied(
            f"the {what} {path} is open to every user (mode {stat.S_IMODE(mode):04o})",
            hint=f"close it: chmod 600 {path}",
        )


def connect(path: Path, *, read_only: bool) -> sqlite3.Connection:
    """A connection to a vault that exists. May be used from any one thread at a time."""
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=rw",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        timeout=BUSY_SECONDS,
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
            connection.execute("PRAGMA secure_delete = ON")  # a purged value leaves no trace
        return connection
    except BaseException:
        connection.close()
        raise


def read_header(path: Path) -> Header:
    """The vault's header; migrates an older vault. Unlocks nothing.

    Raises ``ConfigError`` (no vault), ``Denied``, ``Corrupt``, ``Unsupported`` (newer).
    """
    check_file(path)
    with vault_errors(path):
        connection = connect(path, read_only=False)
        try:
            row = connection.execute("SELECT body, digest FROM header WHERE id = 0").fetchone()
            if row is None or not all(isinstance(column, bytes) for column in row):
                raise damaged(path, "it has no header")
            return schema.migrate(connection, envelope_header.parse(*row))
        finally:
            connection.close()


def create_file(path: Path, header: Header, keys: VaultKeys) -> None:
    """Make a new vault file, mode 0600, complete or not at all.

    Raises ``Conflict`` if there is one, ``Denied``, ``Quota``.
    """
    draft = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft.unlink(missing_ok=True)
        os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except OSError as error:
        raise Denied(f"{path.parent} cannot be written: {error.strerror}") from None
    try:
        with vault_errors(path):
            connection = connect(draft, read_only=False)
            try:
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("BEGIN IMMEDIATE")
                schema.create(connection, header)
                first_link(connection, keys)
                connection.execute("COMMIT")
            finally:
                connection.close()  # writes the WAL back and removes it
        _publish(draft, path)
    finally:
        for suffix in ("", "-wal", "-shm"):
            with suppress(OSError):
                draft.with_name(draft.name + suffix).unlink()


def _publish(draft: Path, path: Path) -> None:
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
        raise Denied(f"{path} cannot be made: {error.strerror}") from None
