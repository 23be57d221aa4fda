"""The vault's file: made, checked, opened; its connections.

One connection reads on the event loop's thread, one writes in the driver's own thread.
"""

from __future__ import annotations

import sqlite3
import stat
from pathlib import Path

from skykeep.durable import database
from skykeep.durable.database import check_file_header, check_size, journal_of
from skykeep.durable.files import drafted, refuse_public
from skykeep.durable.link import Link
from skykeep.envelope.header import Header
from skykeep.envelope.keys import VaultKeys
from skykeep.errors import ConfigError, Denied
from skykeep.providers.local import counter, schema
from skykeep.providers.local.chain import first_link
from skykeep.providers.local.errors import with_vault_errors

BUSY_SECONDS = 8.0
"""How long a writer waits for another process's; under a call's default deadline."""


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
        with_vault_errors(path, lambda: check_file_header(path))
    except OSError as error:
        raise Denied(
            f"the vault {path} cannot be read: {error.strerror}",
            hint="it must belong to this user",
        ) from None


def connect(
    path: Path, *, read_only: bool, patience: float | None = None
) -> sqlite3.Connection:
    """A connection to a vault that exists. May be used from any one thread at a time.

    ``patience``: seconds that it waits for other processes; by default ``BUSY_SECONDS``.
    """
    return database.connect(
        path, read_only=read_only, patience=BUSY_SECONDS if patience is None else patience
    )


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
