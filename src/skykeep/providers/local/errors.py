"""SQLite's errors -> ours, by result code (sqlite.org/rescode.html), never by text."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from skykeep.errors import Corrupt, Denied, Quota, SkykeepError, Unavailable

T = TypeVar("T")

_MASK = 0xFF  # the primary result code is the low byte of an extended one

_SAVE = "stop writing to it, keep a copy, and restore a backup"


def damaged(path: Path, what: str) -> Corrupt:
    """The error for a vault whose content is not what was written."""
    return Corrupt(f"the vault {path} is damaged: {what}", hint=_SAVE)


def translate(error: sqlite3.Error, path: Path) -> SkykeepError:
    """Our error for an error of SQLite."""
    extended = getattr(error, "sqlite_errorcode", None)
    if extended is None:
        # The module's own complaints.
        if isinstance(error, sqlite3.ProgrammingError):
            return Unavailable(f"the vault {path} was closed while it was used")
        return damaged(path, "it holds something that skykeep did not write")
    name = getattr(error, "sqlite_errorname", "?")
    code = extended & _MASK
    if extended in (sqlite3.SQLITE_IOERR_SHORT_READ, sqlite3.SQLITE_IOERR_CORRUPTFS):
        return damaged(path, f"it is shorter than it says, or its disk is damaged ({name})")
    # SHMSIZE: the index of the journal, 32 KiB beside the vault, could not be made.
    if code == sqlite3.SQLITE_FULL or extended == sqlite3.SQLITE_IOERR_SHMSIZE:
        return no_space(f"the vault {path}")
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL):
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


def no_space(what: str) -> Quota:
    """The error for a full disk or a used up quota."""
    return Quota(
        f"no space is left for {what}; nothing was written",
        hint="free some space and write again",
    )


def not_written(error: OSError, what: str) -> SkykeepError:
    """Our error for a file that could not be made or written."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return no_space(what)
    return Denied(
        f"{what} cannot be made: {error.strerror}",
        hint="its directory must be writable for this user",
    )


def with_vault_errors(path: Path, work: Callable[[], T]) -> T:
    """Do the work; raise ours for SQLite's and say of which file ``Corrupt`` speaks.

    SQLite's own error is let go of, not chained: its traceback holds statements, and a
    connection whose statements are held stays open after it was closed.
    """
    ours: SkykeepError
    try:
        return work()
    except sqlite3.Error as error:
        ours = translate(error, path)
    except UnicodeDecodeError:
        # SQLite quotes damaged names of tables in its messages, as they are.
        ours = damaged(path, "it holds something that skykeep did not write")
    except Corrupt as error:
        ours = error if error.hint else damaged(path, error.message)
    try:
        raise ours
    finally:
        del ours  # or the error and this frame would hold each other
