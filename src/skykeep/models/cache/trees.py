"""Versions as they are handed out: directories of verified files.

A hit reads nothing of the files. What they looked like when they were verified (device, inode,
size, times of the content and of the inode) is in an authenticated record; what differs from it
is read again, and mended if it is not what the manifest says. The inode's time cannot be set
back as the content's can, so a file that was changed and given its old time is noticed. What a
disk changes under a file system's feet is not: ``verify`` reads everything.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from skykeep.models.cache import records
from skykeep.models.cache.blobs import Blobs, holds
from skykeep.models.cache.directory import Directory, read
from skykeep.models.cache.locks import Lock
from skykeep.models.manifest import MAX_MANIFEST_BYTES, Manifest, ModelFile, parse

_KIND: Final = b"tree"

Seen = tuple[int, int, int, int, int]
"""Device, inode, size, mtime and ctime in nanoseconds."""


class Record(msgspec.Struct, frozen=True):
    """What the files of a tree looked like when they were verified.

    Attributes:
        digest: of the manifest.
        files: path -> how it looked.
    """

    digest: str
    files: dict[str, Seen]


class Trees:
    """The trees of one cache. All methods but :meth:`path` read the disk."""

    def __init__(self, directory: Directory, blobs: Blobs) -> None:
        self._directory = directory
        self._blobs = blobs

    def path(self, manifest: Manifest, digest: str) -> Path:
        """What an application is given: the file that is the model, or the directory."""
        files = self._home(digest) / "files"
        return files / manifest.files[0].path if manifest.kind == "file" else files

    def using(self, digest: str) -> Path:
        """The lock of who uses it."""
        return self._directory / "using" / digest

    def building(self, digest: str) -> Path:
        """The lock of who makes or mends it."""
        return self._directory / "building" / digest

    def manifest(self, digest: str, name: str, version: str) -> Manifest | None:
        """The manifest, if it is here and what its digest says."""
        body = read(self._home(digest) / "manifest", MAX_MANIFEST_BYTES + 1)
        if body is None or hashlib.sha256(body).hexdigest() != digest:
            return None
        return parse(body, name, version)

    def wrong(self, manifest: Manifest, digest: str, *, read_all: bool = False) -> list[str]:
        """The paths that are not as the manifest says, or not in it; none, if all is well.

        Only files that differ from the record are read, unless ``read_all``. Raises
        ``OSError``, ``FileNotFoundError`` if there is no tree.
        """
        home = self._home(digest)
        seen = dict(_survey(home / "files"))
        record = records.parsed(self._directory, home / "record", _KIND, Record)
        known = record.files if record is not None and record.digest == digest else {}
        if not read_all and seen == known and len(seen) == len(manifest.files):
            return []  # the record is made of files that the manifest with this digest names
        by_path = {file.path: file for file in manifest.files}
        wrong = [path for path in seen if path not in by_path]
        for path, file in by_path.items():
            as_before = not read_all and path in seen and known.get(path) == seen[path]
            if not as_before and not holds(home / "files" / path, file.sha256, file.size):
                wrong.append(path)
        if not wrong and seen != known:
            self._record(home, digest, seen)  # as it was before it was read
        return wrong

    def draft(self, manifest: Manifest, digest: str) -> Path:
        """The directory in which the tree is made, with all the directories of its files."""
        draft = self._directory / "drafts" / digest
        files = draft / "files"
        folders = {draft, files}
        for file in manifest.files:
            at = files / file.path
            folders |= {folder for folder in at.parents if folder.is_relative_to(files)}
        for folder in sorted(folders):  # one by one: only the last of ``parents`` has a mode
            folder.mkdir(mode=0o700, exist_ok=True)
        return draft

    def reused(self, file: ModelFile, digest: str, target: Path) -> bool:
        """Put the file at ``target`` from what is here: an earlier draft, a tree, a blob."""
        if holds(target, file.sha256, file.size):
            return True
        target.unlink(missing_ok=True)
        mine = self._home(digest) / "files" / file.path
        if holds(mine, file.sha256, file.size):
            try:
                os.link(mine, target, follow_symlinks=False)
            except OSError:
                return False
            return True
        return self._blobs.linked(file.sha256, file.size, target)

    def finish(self, body: bytes, manifest: Manifest, digest: str) -> None:
        """Put the draft, which is whole, into its place. The caller has the lock."""
        draft, home = self._directory / "drafts" / digest, self._home(digest)
        self._directory.replace(draft / "manifest", body)
        if home.exists() or home.is_symlink():
            try:
                self._mend(manifest, draft, home)
            except OSError:
                self._directory.discard(home)
        if not home.exists():
            draft.rename(home)
        self._directory.discard(draft)
        self._record(home, digest, dict(_survey(home / "files")))

    def _mend(self, manifest: Manifest, draft: Path, home: Path) -> None:
        """File by file, so that who uses the others finds them at every moment."""
        known = {file.path for file in manifest.files}
        for path, _ in list(_survey(home / "files")):
            if path not in known:
                (home / "files" / path).unlink()
        for path in sorted(known):
            (draft / "files" / path).replace(home / "files" / path)
        (draft / "manifest").replace(home / "manifest")

    def _record(self, home: Path, digest: str, seen: dict[str, Seen]) -> None:
        records.write(self._directory, home / "record", _KIND, Record(digest, seen))

    def remove(self, digest: str, lock: Lock) -> None:
        """Take the tree away. The caller has the lock of its use, alone."""
        self._directory.discard(self._home(digest))
        lock.remove()

    def distrust(self, digest: str) -> None:
        """Let the next one who asks read all of it, and mend what is wrong."""
        (self._home(digest) / "record").unlink(missing_ok=True)

    def exists(self, digest: str) -> bool:
        """Whether there is a tree, whole or not."""
        return self._home(digest).exists()

    def digests(self) -> list[str]:
        """Of the trees that are here."""
        return sorted(path.name for path in (self._directory / "trees").iterdir())

    def _home(self, digest: str) -> Path:
        return self._directory / "trees" / digest


def _survey(folder: Path, before: str = "") -> Iterator[tuple[str, Seen]]:
    """Each file below a directory; what is neither file nor directory never looks verified."""
    if not stat.S_ISDIR(folder.lstat().st_mode):
        raise FileNotFoundError(folder)
    with os.scandir(folder) as entries:
        for entry in entries:
            found = entry.stat(follow_symlinks=False)
            if stat.S_ISDIR(found.st_mode):
                yield from _survey(Path(entry.path), f"{before}{entry.name}/")
            elif stat.S_ISREG(found.st_mode):
                yield (
                    before + entry.name,
                    (
                        *(found.st_dev, found.st_ino, found.st_size),
                        *(found.st_mtime_ns, found.st_ctime_ns),
                    ),
                )
            else:
                yield before + entry.name, (0, 0, -1, 0, 0)
