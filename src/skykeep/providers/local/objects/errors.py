"""The operating system's errors about a directory of objects -> ours, by number."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Final

from skykeep.errors import (
    ConfigError,
    Denied,
    Invalid,
    NotFound,
    Quota,
    SkykeepError,
    Unavailable,
)
from skykeep.interfaces.names import shown

_FULL: Final = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_REFUSED: Final = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ELOOP}
_ABSENT: Final = {errno.ENOENT, errno.ENOTDIR, errno.EISDIR}
_BUSY: Final = {errno.EMFILE, errno.ENFILE}
_LOCKLESS: Final = {errno.ENOLCK, errno.EOPNOTSUPP}


def translated(error: OSError, root: Path, key: str) -> SkykeepError:
    """Our error for what a call about ``key`` met. The key may be ``""``."""
    what = f"the object {shown(key)}" if key else "the objects"
    place = ascii(str(root))
    reason = os.strerror(error.errno) if error.errno else "no reason was given"
    if error.errno in _FULL:
        return Quota(
            f"no space is left for {what} in {place}: {reason}; nothing was written",
            hint="free some space, or raise the limit, and write again",
        )
    if error.errno in _REFUSED:
        return Denied(
            f"{what} in {place} cannot be opened or written: {reason}",
            hint="the directory and what is in it must be this user's",
        )
    if error.errno in _ABSENT:
        return NotFound(f"there is no object {shown(key)}")
    if error.errno == errno.ENAMETOOLONG:
        return Invalid(f"the file system of {place} has no room for the name of {what}")
    if error.errno in _BUSY:
        return Unavailable(
            f"{what} cannot be opened: {reason}",
            sent=False,
            hint="raise the limit of open files (ulimit -n), or find who leaves files open",
        )
    if error.errno == errno.EXDEV:
        return ConfigError(
            f"another file system is mounted within {place}: {what} cannot be written there",
            hint="give each file system a target of its own",
        )
    if error.errno in _LOCKLESS:
        return ConfigError(
            f"the file system of {place} has no locks: {reason}",
            hint="keep objects on another one",
        )
    return Unavailable(
        f"{what} in {place} cannot be read or written now: {reason}",
        hint="look at the disk and at the system's log",
    )


def no_object(key: str) -> NotFound:
    """The error for an object that is not there."""
    return NotFound(f"there is no object {shown(key)}")


def removed(root: Path) -> Unavailable:
    """The error for a directory that somebody removes while it is written."""
    return Unavailable(
        f"what skykeep keeps in {str(root)!a} was removed while it was used",
        hint="look at who cleans up there",
    )


def is_link(root: Path, path: str) -> Denied:
    """The error for a symbolic link where an object or a directory should be."""
    return Denied(
        f"{str(root / path)!a} is a symbolic link; it was not followed",
        hint="put the file itself there, or remove the link",
    )


def no_file(root: Path, path: str) -> Denied:
    """The error for a pipe, socket or device where an object should be."""
    return Denied(
        f"{str(root / path)!a} is no regular file; it was not opened",
        hint="it is not skykeep's: remove it, or choose another key",
    )
