"""Where things are in a directory of objects, and how they are opened.

::

    ROOT/models/a.onnx          a body, a plain file under its key
    ROOT/.skykeep/about/HH/…    what is kept beside a body (``about.py``)
    ROOT/.skykeep/locks/HH      a lock for every 256th of the keys (``locks.py``)
    ROOT/.skykeep/tmp/          bodies that are being written (``drafts.py``)
    ROOT/.skykeep/uploads/ID/   uploads in parts (``uploads.py``)

Every directory on the way to a file is opened relative to the one before it and is never a
symbolic link: no key leads out of the root, whatever others put there. Pipes and devices are
not opened at all. Nothing stays open between two calls: a root that is replaced or mounted
meanwhile is found, and a fork shares nothing.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from skykeep.errors import ConfigError, Denied, Invalid
from skykeep.interfaces.names import shown
from skykeep.interfaces.object_keys import check_key
from skykeep.providers.local.objects.errors import is_link, no_file

OWN: Final = ".skykeep"
ABOUT: Final = "about"
LOCKS: Final = "locks"
DRAFTS: Final = "tmp"
UPLOADS: Final = "uploads"

DIRECTORY: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
FILE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
NEW: Final = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC

_OTHERS: Final = stat.S_IWGRP | stat.S_IWOTH


def segments_of(key: str) -> list[str]:
    """The key's segments. Raises ``Invalid`` for a key that only skykeep itself may use."""
    segments = key.split("/")
    if reserved(segments[0]):
        raise Invalid(
            f"{shown(key)} cannot be kept in a directory: '{OWN}' is skykeep's own there",
            hint="choose another first segment",
        )
    return segments


def reserved(segment: str) -> bool:
    """Whether a first segment is ours, also where a file system folds case."""
    return segment.casefold().startswith(OWN)


def portable(key: str) -> bool:
    """Whether a path in the directory is a key, and so an object."""
    try:
        return bool(check_key(key))
    except Invalid:
        return False


@contextmanager
def directory(name: str | Path, within: int | None = None) -> Iterator[int]:
    """A descriptor of a directory, closed at the end. Raises ``OSError``."""
    descriptor = os.open(name, DIRECTORY, dir_fd=within)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def room(name: str, own: int) -> Iterator[int]:
    """One of our own rooms. Raises ``Denied`` if something else is in its place."""
    try:
        descriptor = os.open(name, DIRECTORY, dir_fd=own)
    except NotADirectoryError:
        raise _not_ours(f"{OWN}/{name}") from None
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _not_ours(path: str) -> Denied:
    return Denied(
        f"'{path}' in the directory of objects is no directory, or a link to one",
        hint="skykeep did not do that: look at who may write there",
    )


def synced(descriptor: int) -> None:
    """Put a file, or the entries of a directory, onto the disk."""
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Some network file systems cannot do it for directories; POSIX allows that.
        if error.errno != errno.EINVAL or not stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise


def names_in(descriptor: int) -> list[str]:
    """The names in a directory, in no order."""
    with os.scandir(descriptor) as entries:
        return [entry.name for entry in entries]


class Rooms(NamedTuple):
    """Descriptors of the root and of our own directory in it."""

    root: int
    own: int


class Layout:
    """The root and its rooms. Every method blocks as long as the file system takes.

    Attributes:
        path: the root, absolute. It may itself be reached through links.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextmanager
    def root(self, *, make: bool = False) -> Iterator[int]:
        """The root, made (0700) if so asked.

        Raises ``Denied`` for one that everybody may write: there, anybody on the machine
        replaces a model or removes a backup, and nobody would notice. A group may: volumes
        are mounted so, for the one user of a container.
        """
        try:
            descriptor = self._open_root()
        except FileNotFoundError:
            if not make:
                raise
            try:
                self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            except FileExistsError:
                raise self._no_directory() from None  # a link that leads nowhere
            descriptor = self._open_root()
            with directory(self.path.resolve().parent) as parent:
                synced(parent)
        try:
            if os.fstat(descriptor).st_mode & stat.S_IWOTH:
                raise Denied(
                    f"everybody may write the directory {str(self.path)!a}",
                    hint="chmod o-w it, or name a directory within it: it is made for "
                    "this user alone",
                )
            yield descriptor
        finally:
            os.close(descriptor)

    def _open_root(self) -> int:
        try:
            return os.open(self.path, DIRECTORY & ~os.O_NOFOLLOW)
        except NotADirectoryError:
            raise self._no_directory() from None

    def _no_directory(self) -> ConfigError:
        return ConfigError(
            f"objects are to be kept in {str(self.path)!a}, which is no directory",
            hint="remove what is there, or name another one",
        )

    @contextmanager
    def own(self, root: int, *, make: bool = False) -> Iterator[int]:
        """Our own directory in the root. Raises ``Denied`` if others may write it."""
        with ExitStack() as stack:
            try:
                descriptor = stack.enter_context(self.below(root, (OWN,), make=make))
            except NotADirectoryError:
                raise _not_ours(OWN) from None
            if os.fstat(descriptor).st_mode & _OTHERS:
                raise Denied(
                    f"others may write {str(self.path / OWN)!a}",
                    hint="chmod go-w it, and look at who did that",
                )
            if make:
                self._furnish(descriptor)
            yield descriptor

    def _furnish(self, own: int) -> None:
        made = False
        for room in (ABOUT, LOCKS, DRAFTS, UPLOADS):
            try:
                os.mkdir(room, 0o700, dir_fd=own)
                made = True
            except FileExistsError:
                pass
        if made:
            synced(own)

    @contextmanager
    def below(self, at: int, segments: Sequence[str], *, make: bool = False) -> Iterator[int]:
        """The directory that lies under another by these segments.

        Made (0700, on the disk) where it is not there, if so asked. Raises ``OSError``:
        ``NotADirectoryError`` where a file is in the way; ``Denied`` for links.
        """
        descriptor = os.open(".", DIRECTORY, dir_fd=at)
        try:
            for number, segment in enumerate(segments):
                try:
                    following = self._into(descriptor, segment, make=make)
                except NotADirectoryError:
                    self._refuse_link(descriptor, segment, "/".join(segments[: number + 1]))
                    raise
                os.close(descriptor)
                descriptor = following
            yield descriptor
        finally:
            os.close(descriptor)

    def _into(self, at: int, segment: str, *, make: bool) -> int:
        while True:
            try:
                return os.open(segment, DIRECTORY, dir_fd=at)
            except FileNotFoundError:
                if not make:
                    raise
            try:
                os.mkdir(segment, 0o700, dir_fd=at)
            except FileExistsError:
                continue  # somebody else made it
            synced(at)

    def _refuse_link(self, at: int, segment: str, path: str) -> None:
        try:
            found = os.stat(segment, dir_fd=at, follow_symlinks=False)
        except FileNotFoundError:
            return
        if stat.S_ISLNK(found.st_mode):
            raise is_link(self.path, path)

    def file(self, parent: int, name: str, path: str) -> os.stat_result:
        """What is known of a regular file.

        Raises ``OSError``; ``IsADirectoryError``; ``Denied`` for links, pipes and devices.
        """
        found = os.stat(name, dir_fd=parent, follow_symlinks=False)
        if stat.S_ISREG(found.st_mode):
            return found
        if stat.S_ISDIR(found.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        raise (is_link if stat.S_ISLNK(found.st_mode) else no_file)(self.path, path)

    @contextmanager
    def opened(self, parent: int, name: str, path: str) -> Iterator[int]:
        """A descriptor of a regular file, for reading. Raises as :meth:`file`."""
        # Looked at before it is opened: to open a device can be an act of its own.
        self.file(parent, name, path)
        try:
            descriptor = os.open(name, FILE, dir_fd=parent)
        except OSError as error:
            if error.errno != errno.ELOOP:
                raise
            raise is_link(self.path, path) from None  # swapped since it was looked at
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise no_file(self.path, path)
            yield descriptor
        finally:
            os.close(descriptor)


def write_all(descriptor: int, data: bytes, at: int = 0) -> None:
    """Write all of it at an offset."""
    with memoryview(data) as view:
        done = 0
        while done < len(view):
            done += os.pwrite(descriptor, view[done:], at + done)


def read_range(descriptor: int, start: int, length: int) -> bytes:
    """``length`` bytes from an offset on; fewer where the file ends."""
    data = os.pread(descriptor, length, start)
    if len(data) in (0, length):
        return data
    chunks = [data]  # the system reads at most 2 GiB at once
    got = len(data)
    while got < length and (data := os.pread(descriptor, length - got, start + got)):
        chunks.append(data)
        got += len(data)
    return b"".join(chunks)


_NO_RANGE: Final = {errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EBADF}
_STEP: Final = 1024 * 1024


def copy_range(source: int, to: int, length: int, *, start: int = 0, at: int = 0) -> int:
    """Copy bytes between files, in the kernel where it can (a shared extent costs nothing).

    Gives how many there were: fewer if the source ends.
    """
    done = 0
    ranged = getattr(os, "copy_file_range", None)  # Linux
    while ranged is not None and done < length:
        try:
            step = ranged(source, to, length - done, start + done, at + done)
        except OSError as error:
            if error.errno not in _NO_RANGE:
                raise
            break
        if not step:
            break  # the end, or a file system that cannot: what follows finds out
        done += step
    while done < length:
        data = os.pread(source, min(_STEP, length - done), start + done)
        if not data:
            break
        write_all(to, data, at + done)
        done += len(data)
    return done
