"""The directory of the cache: made, checked, and written to in whole files.

It belongs to one user. One that is a symbolic link, another user's, or writable by others is
refused: what is in it is loaded by programs.
"""

from __future__ import annotations

import os
import secrets
import shutil
import stat
from pathlib import Path
from typing import Final

from skykeep.errors import Denied
from skykeep.models.cache.errors import disk

ROOMS: Final = (
    *("blobs", "parts", "trees", "names"),
    *("drafts", "building", "using", "tmp", "trash"),
)
KEY_BYTES: Final = 32
READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC

_OTHERS_WRITE: Final = stat.S_IWGRP | stat.S_IWOTH


class Directory:
    """The rooms of one cache.

    Attributes:
        root: its path, absolute.
    """

    def __init__(self, root: Path) -> None:
        """Touches nothing yet."""
        self.root = Path(os.path.abspath(root))  # noqa: PTH100  (resolve() would follow a link)
        self._key: bytes | None = None

    def __truediv__(self, name: str) -> Path:
        return self.root / name

    def open(self) -> bytes:
        """Make and check it; the key of its records. Raises ``Denied``, ``Quota``."""
        if self._key is None:
            with disk():
                self.root.parent.mkdir(parents=True, exist_ok=True)
                for path in (self.root, *(self.root / room for room in ROOMS)):
                    try:
                        path.mkdir(mode=0o700)
                    except FileExistsError:
                        pass  # whatever it is, it is looked at
                    _check(path)
                self._key = self._read_key()
        return self._key

    def _read_key(self) -> bytes:
        path = self.root / "key"
        for _ in range(2):
            key = read(path, KEY_BYTES + 1)
            if key is not None and len(key) == KEY_BYTES:
                return key
            if key is not None:
                path.unlink(missing_ok=True)  # cut off by a power loss: records are made anew
            draft = self.draft(secrets.token_bytes(KEY_BYTES))
            try:
                os.link(draft, path)  # the first of several processes wins
            except FileExistsError:
                pass
            except OSError:  # a file system without hard links
                draft.replace(path)
            draft.unlink(missing_ok=True)
        key = read(path, KEY_BYTES + 1)
        if key is None or len(key) != KEY_BYTES:
            raise Denied(f"'{path}' is not a key, and cannot be replaced")
        return key

    def draft(self, data: bytes) -> Path:
        """A file in ``tmp`` with these bytes, on the disk. Raises ``OSError``."""
        path = self.root / "tmp" / secrets.token_hex(16)
        descriptor = os.open(path, NEW, 0o600)
        try:
            try:
                write_all(descriptor, data)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        return path

    def replace(self, path: Path, data: bytes) -> None:
        """Put a whole file into its place; what was there is replaced. Raises ``OSError``."""
        draft = self.draft(data)
        try:
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)

    def discard(self, path: Path) -> None:
        """Take away a directory or a file: out of its place at once, then off the disk."""
        gone = self.root / "trash" / secrets.token_hex(16)
        try:
            path.rename(gone)
        except FileNotFoundError:
            return
        _delete(gone)

    def empty_trash(self) -> None:
        """Take off the disk what processes were killed over."""
        for path in list((self.root / "trash").iterdir()):
            _delete(path)


def _delete(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _check(path: Path) -> None:
    found = path.lstat()
    reason = ""
    if not stat.S_ISDIR(found.st_mode):
        reason = (
            "it is a symbolic link" if stat.S_ISLNK(found.st_mode) else "it is no directory"
        )
    elif found.st_uid != os.geteuid():
        reason = "it belongs to another user"
    elif found.st_mode & _OTHERS_WRITE:
        reason = "other users may write to it"
    if reason:
        raise Denied(
            f"'{path}' cannot be a cache of models: {reason}",
            hint="give object_storage.model_cache.directory a directory of its own, mode 0700",
        )


def read(path: Path, most: int) -> bytes | None:
    """The file's first bytes; None if there is none, or no plain file."""
    try:
        descriptor = os.open(path, READ)
    except FileNotFoundError:
        return None
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return None
        chunks: list[bytes] = []
        while most > 0 and (chunk := os.read(descriptor, min(most, 1 << 20))):
            chunks.append(chunk)
            most -= len(chunk)
        return b"".join(chunks)
    finally:
        os.close(descriptor)


def write_all(descriptor: int, data: bytes | memoryview) -> None:
    """All of it: a system may take less at once. Raises ``OSError``."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def sync_directory(path: Path) -> None:
    """Let the names in a directory survive a power loss."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
