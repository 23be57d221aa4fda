"""A mounted directory: its files, opened so that nothing outside of it is ever read.

Kubernetes writes a mounted secret so: the keys are links to ``..data/KEY``, ``..data`` is a
link to a directory with a time in its name, and an update makes a new directory and swaps the
one link (kubernetes ``pkg/volume/util/atomic_writer.go``). A file that is open stays whole; the
next open finds the new one. Names that begin with ``..`` are the mount's own and no secrets.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TypeVar

from skykeep.errors import Denied, Invalid, NotFound, SkykeepError, Unavailable
from skykeep.interfaces.names import check_name, shown
from skykeep.interfaces.secret_value import MAX_VALUE_BYTES, SecretValue

MAX_DEPTH: Final = 32
"""Levels of directories that a listing enters."""

SWAPS: Final = 8
"""Swaps of a mount that one reading may meet: Kubernetes makes one a minute at most."""

T = TypeVar("T")

_ABSENT: Final = {errno.ENOENT, errno.ENOTDIR, errno.EISDIR}
_REFUSED: Final = {errno.EACCES, errno.EPERM, errno.ELOOP}


@dataclass(frozen=True, slots=True)
class File:
    """What is known of a file.

    Attributes:
        mark: changes whenever the file is replaced or written.
        changed_at: UTC.
        size: bytes.
    """

    mark: str
    changed_at: datetime
    size: int


class Directory:
    """One directory. Every method blocks as long as the file system takes.

    Raised by all: ``NotFound`` for what is not there or is no regular file, ``Denied`` for
    what this user may not read and for links that lead out of the directory, ``Unavailable``
    where the file system itself fails.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def read(self, path: str, name: str) -> tuple[SecretValue, File]:
        """The bytes of a file. Raises ``Invalid`` for one that is too large."""
        return self._settled(lambda: self._read(path, name))

    def look(self, path: str, name: str) -> File:
        """What is known of a file; it need not be readable."""
        return self._settled(lambda: self._look(path, name))

    def _settled(self, attempt: Callable[[], T]) -> T:
        """A lookup may have followed ``..data`` to a directory that was removed meanwhile."""
        for _ in range(SWAPS):
            before = self._mounted()
            try:
                return attempt()
            except NotFound:
                if self._mounted() == before:
                    raise
        return attempt()

    def _mounted(self) -> str | None:
        try:
            return os.readlink(self.root / "..data")  # noqa: PTH115  (a text, twice a read)
        except OSError:
            return None

    def _read(self, path: str, name: str) -> tuple[SecretValue, File]:
        descriptor = self._opened(path, name)
        try:
            about = os.fstat(descriptor)
            data = b""
            if about.st_size <= MAX_VALUE_BYTES:
                with os.fdopen(descriptor, "rb", closefd=False) as file:
                    data = file.read(MAX_VALUE_BYTES + 1)  # it may have grown since
                if len(data) <= MAX_VALUE_BYTES:
                    return SecretValue(data), _file(about)
            del data
        except OSError as error:
            problem = error
        else:
            raise Invalid(f"{self._shown(path)} has more than {MAX_VALUE_BYTES:,} bytes")
        finally:
            os.close(descriptor)
        raise self._failed(path, name, problem)

    def _look(self, path: str, name: str) -> File:
        about = self._regular(path, name)
        if not self._inside(str(self.root / path)):
            raise self._leads_out(path)
        return _file(about)

    def paths(self) -> Iterator[str]:
        """The paths of all files that a portable name could stand for, in no order.

        Links that lead nowhere or round in a circle are left out, and directories outside;
        where a link to a file leads, :meth:`look` says.
        """
        yield from self._below("", (os.path.realpath(self.root),))

    def _below(self, directory: str, above: tuple[str, ...]) -> Iterator[str]:
        try:
            entries = list(os.scandir(self.root / directory))
        except OSError as error:
            if directory and error.errno in _ABSENT:
                return  # swapped meanwhile
            raise self._failed(directory, "", error) from None
        for entry in entries:
            path = f"{directory}{entry.name}"
            if entry.name.startswith("..") or not _portable(path):
                continue
            try:
                if entry.is_file():
                    yield path
                elif entry.is_dir() and len(above) <= MAX_DEPTH:
                    real = os.path.realpath(entry.path)
                    if real not in above and self._inside(real):
                        yield from self._below(f"{path}/", (*above, real))
            except OSError:
                continue  # a link that leads nowhere, or may not be followed

    def _opened(self, path: str, name: str) -> int:
        """A descriptor of a regular file that lies within the directory."""
        # Looked at before it is opened: to open a device or a pipe can be an act of its own.
        self._regular(path, name)
        flags = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
        try:
            descriptor = os.open(self.root / path, flags)
        except OSError as error:
            raise self._failed(path, name, error) from None
        problem: SkykeepError | None = None
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            problem = self._no_file(path, name)
        elif not self._within(descriptor, path):
            problem = self._leads_out(path)
        if problem is not None:
            os.close(descriptor)
            raise problem
        return descriptor

    def _regular(self, path: str, name: str) -> os.stat_result:
        if any(segment.startswith("..") or not segment for segment in path.split("/")):
            raise NotFound(f"there is no secret {shown(name)}: no file of that name can be")
        try:
            about = (self.root / path).stat()
        except OSError as error:
            raise self._failed(path, name, error) from None
        if not stat.S_ISREG(about.st_mode):
            raise self._no_file(path, name)
        return about

    def _within(self, descriptor: int, path: str) -> bool:
        """Whether what was opened lies in the directory, wherever links led."""
        try:
            # What is open, not what is there by now: nobody can swap it in between.
            real = str(Path(f"/proc/self/fd/{descriptor}").readlink())
        except OSError:
            real = str(self.root / path)
        return self._inside(real)

    def _inside(self, path: str) -> bool:
        return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(self.root))

    def _failed(self, path: str, name: str, error: OSError) -> SkykeepError:
        place = self._shown(path)
        if error.errno in _ABSENT:
            secret = f"there is no secret {shown(name)}: " if name else ""
            if not self.root.is_dir():
                return NotFound(
                    f"{secret}there is no directory {self._shown('')}", hint="is it mounted?"
                )
            return NotFound(f"{secret}there is no file {place}")
        if error.errno == errno.ENAMETOOLONG:
            return Invalid(f"the file system has no room for the name {place}")
        if error.errno in _REFUSED:
            return Denied(
                f"{place} cannot be opened: {error.strerror}",
                hint="this user must be allowed to read it",
            )
        return Unavailable(f"{place} cannot be read: {error.strerror}")

    def _no_file(self, path: str, name: str) -> NotFound:
        return NotFound(
            f"there is no secret {shown(name)}: {self._shown(path)} is not a regular file"
        )

    def _leads_out(self, path: str) -> Denied:
        return Denied(
            f"{self._shown(path)} is a link that leads out of the directory",
            hint="it was not read; mount the file itself",
        )

    def _shown(self, path: str) -> str:
        return ascii(str(self.root / path))  # whole: who is on call has to look there


def _file(about: os.stat_result) -> File:
    mark = f"{about.st_ino:x}-{about.st_mtime_ns:x}-{about.st_size:x}"
    try:
        changed_at = datetime.fromtimestamp(about.st_mtime, UTC)
    except (ValueError, OverflowError, OSError):
        changed_at = datetime.max.replace(tzinfo=UTC)  # years that only file systems have
    return File(mark, changed_at, about.st_size)


def _portable(path: str) -> bool:
    try:
        return bool(check_name(path))
    except Invalid:
        return False
