"""SQLite's errors -> ours, by result code (sqlite.org/rescode.html), never by text."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from skykeep.errors import Corrupt, Denied, Quota, SkykeepError, Unavailable

_MASK = 0xFF  # the primary result code is the low byte of an extended one

_SAVE = "stop writing to it, keep a copy, and restore a backup"


def damaged(path: Path, what: str) -> Corrupt:
    """The error for a vault whose content is not what was written."""
    return Corrupt(f"the vault {path} is damaged: {what}", hint=_SAVE)


def translate(error: sqlite3.Error, path: Path) -> SkykeepError:
    """Our error for an error of SQLite."""
    extended = getattr(error, "sqlite_errorcode", None)
    if extended is None:
        # The module's own complaints: text that does not decode, a closed connection.
        return damaged(path, "it holds something that skykeep did not write")
    name = getattr(error, "sqlite_errorname", "?")
    code = extended & _MASK
    if extended == sqlite3.SQLITE_IOERR_SHORT_READ:
        return damaged(path, "it is shorter than it says")
    if code == sqlite3.SQLITE_FULL:
        return Quota(
            f"no space is left for the vault {path}; nothing was written",
            hint="free some space and write again",
        )
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return Unavailable(
            f"the vault {path} is being written by another process; nothing was written",
            hint="try again",
        )
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN):
        return Denied(
            f"the vault {path} or its directory cannot be written or opened ({name})",
            hint="its directory must be writable for this user, for the journal beside it",
        )
    if code in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_INTERRUPT):
        return Unavailable(
            f"the vault {path} cannot be read or written now ({name})",
            hint="look at the disk and at the system's log",
        )
    return damaged(path, f"SQLite says {name}")


@contextmanager
def vault_errors(path: Path) -> Iterator[None]:
    """Raise ours for SQLite's, without a chain, and say of which file ``Corrupt`` speaks."""
    try:
        yield
    except sqlite3.Error as error:
        ours = translate(error, path)
    except Corrupt as error:
        if error.hint:
            raise
        ours = damaged(path, error.message)
    else:
        return
    raise ours
