"""The files of a directory, and the errors of the file system as ours."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from skykeep.errors import Conflict, Denied, Invalid, NotFound, Quota, SkykeepError, Unavailable

PART: Final = ".skykeep-part"
"""The end of the name of a file that is being received (``partial.py``)."""


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A regular file below a directory.

    Attributes:
        name: its path from the directory on, with ``/`` between its parts.
        path: where it is.
        size: bytes.
        modified_ns: since 1970, nanoseconds.
    """

    name: str
    path: Path
    size: int
    modified_ns: int


def walked(root: Path, passed_over: list[Path]) -> Iterator[FoundFile]:
    """The files below a directory, by name.

    Links to files are followed, links to directories are not: those, and what is neither a
    file nor a directory, are put into ``passed_over``. Files that are being received by
    skykeep are left out. Raises as ``failure_of``.
    """
    waiting = [(root, "")]
    while waiting:
        folder, before = waiting.pop()
        try:
            with os.scandir(folder) as found:
                entries = sorted(found, key=lambda entry: entry.name)
        except OSError as error:
            raise failure_of(error, folder) from None
        below = []
        for entry in entries:
            path, name = folder / entry.name, before + entry.name
            try:
                if entry.is_dir(follow_symlinks=False):
                    below.append((path, f"{name}/"))
                    continue
                status = path.stat()
            except OSError as error:
                if error.errno == errno.ENOENT:  # a link that leads nowhere, or just removed
                    passed_over.append(path)
                    continue
                raise failure_of(error, path) from None
            if not stat.S_ISREG(status.st_mode):
                passed_over.append(path)
            elif PART not in entry.name:
                yield FoundFile(name, path, status.st_size, status.st_mtime_ns)
        waiting += reversed(below)


def failure_of(error: OSError, path: Path) -> SkykeepError:
    """What the file system said of the path, as one of our errors."""
    what = f"'{path}' cannot be used: {error.strerror or 'the file system refuses'}"
    if error.errno == errno.ENOENT:
        return NotFound(f"there is no file '{path}'")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return Denied(what)
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return Quota(what, hint="free some space and repeat the command: it goes on")
    if error.errno in (errno.ENOTDIR, errno.EISDIR, errno.EEXIST):
        return Conflict(what, hint="a file and a directory cannot have one name")
    if error.errno in (errno.ENAMETOOLONG, errno.EINVAL, errno.ELOOP, errno.EILSEQ):
        return Invalid(what)
    return Unavailable(what)
