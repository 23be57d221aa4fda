"""A mounted directory: its files, opened so that nothing outside of it is ever read.

Kubernetes writes a mounted secret so: the keys are links to ``..data/KEY``, ``..data`` is a
link to a directory with a time in its name, and an update makes a new directory and swaps the
one link (kubernetes ``pkg/volume/util/atomic_writer.go``). A file that is open stays whole; the
next open finds the new one. Names that begin with ``..`` are the mount's own and no secrets.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from skykeep.errors import Denied, Invalid, NotFound
from skykeep.interfaces.names import check_name, shown
from skykeep.interfaces.secret_value import MAX_VALUE_BYTES, SecretValue

MAX_DEPTH: Final = 32
"""Levels of directories that a listing enters: a link may lead round in a circle."""


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
    """One directory. Every method blocks as long as the file system takes."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def read(self, path: str, name: str) -> tuple[SecretValue, File]:
        """The bytes of a file. Raises ``NotFound``, ``Denied``, ``Invalid`` (too large)."""
        descriptor = self._opened(path, name)
        try:
            about = os.fstat(descriptor)
            if about.st_size > MAX_VALUE_BYTES:
                raise Invalid(f"{self._shown(path)} is larger than {MAX_VALUE_BYTES:,} bytes")
            with os.fdopen(descriptor, "rb", closefd=False) as file:
                return SecretValue(file.read(MAX_VALUE_BYTES + 1)), _file(about)
        except OSError as error:
            reason = error.strerror
        finally:
            os.close(descriptor)
        raise Denied(f"{self._shown(path)} cannot be read: {reason}")

    def look(self, path: str, name: str) -> File:
        """What is known of a file. Raises as :meth:`read`."""
        descriptor = self._opened(path, name)
        try:
            return _file(os.fstat(descriptor))
        finally:
            os.close(descriptor)

    def paths(self) -> Iterator[str]:
        """The paths of all files that a portable name could stand for, in no order."""
        yield from self._below("", 0)

    def _below(self, directory: str, depth: int) -> Iterator[str]:
        try:
            entries = list(os.scandir(self.root / directory))
        except (FileNotFoundError, NotADirectoryError):
            if depth:
                return  # swapped meanwhile
            raise NotFound(f"there is no directory {self.root}") from None
        except OSError as error:
            raise Denied(f"{self.root / directory} cannot be read: {error.strerror}") from None
        for entry in entries:
            path = f"{directory}{entry.name}"
            if entry.name.startswith("..") or not _portable(path):
                continue
            try:
                if entry.is_file():
                    yield path
                elif entry.is_dir() and depth < MAX_DEPTH and self._inside(path):
                    yield from self._below(f"{path}/", depth + 1)
            except OSError:
                continue  # a link that leads nowhere

    def _opened(self, path: str, name: str) -> int:
        """A descriptor of a regular file that lies within the directory."""
        if any(segment.startswith("..") or not segment for segment in path.split("/")):
            raise NotFound(f"there is no secret {shown(name)}: no file of that name can be")
        try:
            # Without O_NONBLOCK a named pipe would be waited for.
            descriptor = os.open(self.root / path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            raise NotFound(
                f"there is no secret {shown(name)}: no file {self._shown(path)}"
            ) from None
        except OSError as error:
            raise Denied(
                f"{self._shown(path)} cannot be opened: {error.strerror}",
                hint="this user must be allowed to read it",
            ) from None
        problem: NotFound | Denied | None = None
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            problem = NotFound(f"there is no secret {shown(name)}: {path} is not a file")
        elif not self._within(descriptor, path):
            problem = Denied(
                f"{self._shown(path)} is a link that leads out of the directory",
                hint="it was not read; mount the file itself",
            )
        if problem is not None:
            os.close(descriptor)
            raise problem
        return descriptor

    def _within(self, descriptor: int, path: str) -> bool:
        """Whether what was opened lies in the directory, wherever links led."""
        try:
            # What is open, not what is there by now: nobody can swap it in between.
            real = Path(f"/proc/self/fd/{descriptor}").readlink()
        except OSError:
            real = (self.root / path).resolve()
        return real.is_relative_to(self.root.resolve())

    def _inside(self, path: str) -> bool:
        return (self.root / path).resolve().is_relative_to(self.root.resolve())

    def _shown(self, path: str) -> str:
        return shown(str(self.root / path))


def _file(about: os.stat_result) -> File:
    mark = f"{about.st_ino:x}-{about.st_mtime_ns:x}-{about.st_size:x}"
    return File(mark, datetime.fromtimestamp(about.st_mtime, UTC), about.st_size)


def _portable(path: str) -> bool:
    try:
        return bool(check_name(path))
    except Invalid:
        return False
