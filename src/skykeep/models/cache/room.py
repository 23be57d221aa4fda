"""What goes when there is too much: the least recently used, never what is in use."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from skykeep.models.cache.blobs import etag_of
from skykeep.models.cache.directory import Directory
from skykeep.models.cache.locks import tried
from skykeep.models.cache.trees import Trees

LEFT_SECONDS: Final = 3600
"""After so long nobody is writing a small file in ``tmp`` any more."""


@dataclass(frozen=True, slots=True)
class Freed:
    """What was removed from a cache.

    Attributes:
        models: versions.
        parts: downloads that nobody went on with.
        freed: bytes of the disk.
        left: bytes that the cache has now.
    """

    models: int
    parts: int
    freed: int
    left: int


class Room:
    """The size of one cache."""

    def __init__(self, directory: Directory, trees: Trees) -> None:
        self._directory = directory
        self._trees = trees

    def used(self) -> int:
        """Bytes of all files; what several versions share is counted once."""
        sizes: dict[tuple[int, int], int] = {}
        for room in ("blobs", "trees", "drafts", "parts", "tmp", "trash"):
            for path in _files(self._directory / room):
                try:
                    found = path.lstat()
                except FileNotFoundError:
                    continue  # it was moved to its place meanwhile
                sizes[found.st_dev, found.st_ino] = found.st_size
        return sum(sizes.values())

    def make(self, most: int) -> Freed:
        """Remove until at most so many bytes are left, if what is in use allows it."""
        before = used = self.used()
        if used > most:
            self._directory.empty_trash()
            used = self.used()
        models = parts = 0
        for _, path in sorted(self._candidates(), key=lambda found: found[0]):
            if used <= most:
                break
            if path.parent.name == "parts":
                parts += self._end_part(path)
            else:
                models += self._end_tree(path.name)
            self._drop_unused()
            used = self.used()
        return Freed(models, parts, max(0, before - used), used)

    def sweep(self) -> None:
        """Remove what killed processes have left and nobody goes on with."""
        self._directory.empty_trash()
        old = time.time() - LEFT_SECONDS
        for path in list((self._directory / "tmp").iterdir()):
            if _time_of(path) < old:
                self._directory.discard(path)
        for path in list((self._directory / "drafts").iterdir()):
            lock = tried(self._trees.building(path.name))
            if lock is not None:
                self._directory.discard(path)
                lock.remove()
                lock.release()
        for room in ("using", "building"):
            for path in list((self._directory / room).iterdir()):
                used = room == "using" and self._trees.exists(path.name)  # its time counts
                lock = None if used else tried(path)
                if lock is not None:
                    lock.remove()
                    lock.release()
        for path in list((self._directory / "parts").glob("*.etag")):
            if not path.with_suffix("").exists():
                path.unlink(missing_ok=True)
        self._drop_unused()

    def _candidates(self) -> Iterator[tuple[float, Path]]:
        for digest in self._trees.digests():
            yield _time_of(self._trees.using(digest)), self._directory / "trees" / digest
        for path in (self._directory / "parts").iterdir():
            if path.suffix != ".etag":
                yield _time_of(path), path

    def _end_tree(self, digest: str) -> bool:
        lock = tried(self._trees.using(digest))
        if lock is None:
            return False
        try:
            self._trees.remove(digest, lock)
        finally:
            lock.release()
        return True

    def _end_part(self, path: Path) -> bool:
        lock = tried(path)
        if lock is None:
            return False
        try:
            lock.remove()
            etag_of(path).unlink(missing_ok=True)
        finally:
            lock.release()
        return True

    def _drop_unused(self) -> None:
        """Remove the contents that no tree has. Who makes a tree links before it reads."""
        for path in list((self._directory / "blobs").iterdir()):
            try:
                if path.lstat().st_nlink == 1:
                    path.unlink()
            except FileNotFoundError:
                continue


def _files(folder: Path) -> Iterator[Path]:
    for parent, _, names in os.walk(folder):
        for name in names:
            yield Path(parent) / name


def _time_of(path: Path) -> float:
    """When it was last used or written; the beginning of time if it never was."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return 0.0
    return found.st_mtime if stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode) else 0.0
