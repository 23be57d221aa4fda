"""SQLite's errors -> ours, by result code (sqlite.org/rescode.html), never by text."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Callable
from typing import TypeVar

from skykeep.errors import Corrupt, Denied, Quota, SkykeepError, Unavailable

T = TypeVar("T")

_MASK = 0xFF  # the primary result code is the low byte of an extended one


def damaged(file: str, what: str, mend: str) -> Corrupt:
    """The error for a file whose content is not what was written. ``file`` is what it is and
    its path: ``the vault /somewhere``; ``mend`` is what to do then."""
    return Corrupt(f"{file} is damaged: {what}", hint=mend)


def translate(error: sqlite3.Error, file: str, mend: str) -> SkykeepError:
    """Our error for an error of SQLite; ``file`` and ``mend`` as in :func:`damaged`."""
    extended = getattr(error, "sqlite_errorcode", None)
    if extended is None:
        # The module's own complaints.
        if isinstance(error, sqlite3.ProgrammingError):
            return Unavailable(f"{file} was closed while it was used")
        return damaged(file, "it holds something that skykeep did not write", mend)
    name = getattr(error, "sqlite_errorname", "?")
    code = extended & _MASK
    if extended in (sqlite3.SQLITE_IOERR_SHORT_READ, sqlite3.SQLITE_IOERR_CORRUPTFS):
        return damaged(
            file, f"it is shorter than it says, or its disk is damaged ({name})", mend
        )
    # SHMSIZE: the index of the write-ahead log, 32 KiB beside the file, could not be made.
    if code == sqlite3.SQLITE_FULL or extended == sqlite3.SQLITE_IOERR_SHMSIZE:
        return no_space(file)
    if is_busy(error):
        return Unavailable(
            f"{file} is being written by another process; nothing was written",
            hint="try again",
        )
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN):
        return Denied(
            f"{file} or its directory cannot be written or opened ({name})",
            hint="its directory must be writable for this user, for the journal beside it",
        )
    if code in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_INTERRUPT):
        return Unavailable(
            f"{file} cannot be read or written now ({name})",
            hint="look at the disk and at the system's log",
        )
    return damaged(file, f"SQLite says {name}", mend)


def is_busy(error: sqlite3.Error) -> bool:
    """Whether others held the file for too long, so that nothing was done."""
    code = (getattr(error, "sqlite_errorcode", None) or 0) & _MASK
    return code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL)


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


def with_errors(file: str, mend: str, work: Callable[[], T]) -> T:
    """Do the work; raise ours for SQLite's and say of which file ``Corrupt`` speaks.

    SQLite's own error is let go of, not chained: its traceback holds statements, and a
    connection whose statements are held stays open after it was closed.
    """
    ours: SkykeepError
    try:
        return work()
    except sqlite3.Error as error:
        ours = translate(error, file, mend)
    except UnicodeDecodeError:
        # SQLite quotes damaged names of tables in its messages, as they are.
        ours = damaged(file, "it holds something that skykeep did not write", mend)
    except Corrupt as error:
        ours = error if error.hint else damaged(file, error.message, mend)
    try:
        raise ours
    finally:
        del ours  # or the error and this frame would hold each other
