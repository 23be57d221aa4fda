"""Contents of files under their digests, and how they come from a store: verified, resumed.

A download goes to a part, which is locked by who does it: others wait, and find the content.
What a killed process has left is read again, so that the digest is of what the disk has, and
continued under the same etag.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from skykeep.errors import Conflict, Corrupt, Quota
from skykeep.interfaces.names import shown
from skykeep.models.cache.directory import READ, Directory, read, sync_directory, write_all
from skykeep.models.cache.errors import disk
from skykeep.models.cache.locks import Lock, tried, waited
from skykeep.models.cache.threads import done

if TYPE_CHECKING:
    from skykeep.interfaces.objects import Objects

_READ_AT_ONCE: Final = 1 << 20
_MAX_ETAG: Final = 1024
_BESIDE: Final = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC

Advance = Callable[[int], None]
"""Called with so many more bytes; fewer than 0 where a download begins anew."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file that is to be here.

    Attributes:
        key: the object that has it.
        part: what the download is called; equal for equal contents.
        size: bytes.
        sha256: None if nobody has said it: then the etag has to be given.
        etag: the object's; None if the digest decides.
    """

    key: str
    part: str
    size: int
    sha256: str | None
    etag: str | None = None


class Blobs:
    """The contents of one cache."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    def path(self, sha256: str) -> Path:
        """Where a content is, if it is here."""
        return self._directory / "blobs" / sha256

    def present(self, part: str, sha256: str | None, size: int) -> int:
        """How many bytes of it need not be downloaded, by what the disk says unread."""
        for path in (*([self.path(sha256)] if sha256 else []), self._part(part)):
            try:
                return min(path.stat().st_size, size)
            except OSError:
                continue
        return 0

    def linked(self, sha256: str, size: int, target: Path) -> bool:
        """Put the content at ``target``, if it is here and what its digest says."""
        blob = self.path(sha256)
        try:
            # First the link, so that nobody who makes room takes it away while it is read.
            os.link(blob, target, follow_symlinks=False)
        except OSError:  # it is not here, or the file system has no hard links
            return False
        if holds(target, sha256, size):
            return True
        target.unlink()
        self._directory.discard(blob)
        return False

    async def fetch(
        self, objects: Objects, wanted: Wanted, target: Path | None, advance: Advance
    ) -> str:
        """Download the file, put it at ``target``, and keep it under its digest; the digest.

        Raises ``Corrupt`` if it is not what it should be, ``Conflict`` if an object without a
        digest has another etag now, ``Quota``, and what reading raises. What was downloaded
        stays for the next time, unless the disk is full.
        """
        path = self._part(wanted.part)
        lock = await waited(path, lambda: _size_of(path))
        try:
            if wanted.sha256 and target is not None:
                sha256, size = wanted.sha256, wanted.size
                if await done(lambda: self.linked(sha256, size, target)):
                    lock.remove()  # another has downloaded it meanwhile
                    advance(size)
                    return sha256
            download = _Download(objects, wanted, lock, path, advance)
            digest = await download.run()
            await done(lambda: self._keep(lock, digest, target))
        except Quota:
            # A cache does not keep the disk full that is not its own.
            with disk():
                lock.remove()
                etag_of(path).unlink(missing_ok=True)
            raise
        finally:
            lock.release()
        return digest

    def drop_part(self, name: str) -> None:
        """Remove what a killed process has left of a content that is here; unless it is
        being downloaded."""
        path = self._part(name)
        lock = tried(path) if path.exists() else None
        if lock is not None:
            lock.remove()
            etag_of(path).unlink(missing_ok=True)
            lock.release()

    def _keep(self, part: Lock, digest: str, target: Path | None) -> None:
        os.fchmod(part.descriptor, 0o400)
        os.fsync(part.descriptor)
        etag_of(part.path).unlink(missing_ok=True)
        if target is not None:
            try:
                os.link(part.path, target)
            except FileExistsError:
                target.unlink()
                os.link(part.path, target)
            except OSError:  # a file system without hard links: no other version shares it
                part.path.rename(target)
                return
        part.path.rename(self.path(digest))
        sync_directory(self._directory / "blobs")

    def _part(self, name: str) -> Path:
        return self._directory / "parts" / name


class _Download:
    """One object on its way into a part that is locked."""

    def __init__(
        self, objects: Objects, wanted: Wanted, lock: Lock, path: Path, advance: Advance
    ) -> None:
        self._objects = objects
        self._wanted = wanted
        self._file = lock.descriptor
        self._path = path
        self._advance = advance
        self._sha256 = hashlib.sha256()
        self._at = 0

    async def run(self) -> str:
        """The digest of what is in the part now."""
        etag = await done(self._resume)
        resumed = self._at > 0
        try:
            digest = await self._filled(etag)
        except Conflict:
            if not resumed:
                raise
            digest = None  # the object was replaced since
        if digest is None and resumed:
            await done(self._reset)
            digest = await self._filled(self._wanted.etag)
        if digest is None:
            await done(self._reset)
            raise Corrupt(
                f"{shown(self._wanted.key)} is not what the manifest says",
                hint="it was changed in the store; nothing of it was kept",
                resource=self._wanted.key,
            )
        return digest

    async def _filled(self, etag: str | None) -> str | None:
        """Download what is lacking; the digest, or None if it is not the right one."""
        size = self._wanted.size
        if self._at < size or not self._at:
            stream = self._objects.stream(self._wanted.key, start=self._at, if_match=etag)
            async with stream as body:
                if body.info.size != size:
                    return None
                if not self._at:
                    found = body.info.etag
                    await done(lambda: self._remember(found))
                async for chunk in body:
                    await done(lambda chunk=chunk: self._take(chunk))  # type: ignore[misc]  # mypy has no type for a lambda's default
                    self._advance(len(chunk))
        digest = self._sha256.hexdigest()
        right = self._at == size and self._wanted.sha256 in {None, digest}
        return digest if right else None

    def _take(self, chunk: bytes) -> None:
        write_all(self._file, chunk)
        self._sha256.update(chunk)
        self._at += len(chunk)

    def _remember(self, etag: str) -> None:
        """Of which object the part is: before its first byte, so that no part is without."""
        descriptor = os.open(etag_of(self._path), _BESIDE, 0o600)
        try:
            write_all(descriptor, etag.encode()[:_MAX_ETAG])
        finally:
            os.close(descriptor)

    def _resume(self) -> str | None:
        """Read what an earlier download has left; the etag under which to go on."""
        kept = (read(etag_of(self._path), _MAX_ETAG) or b"").decode(errors="replace")
        there = os.fstat(self._file).st_size
        if (
            not kept
            or not 0 < there <= self._wanted.size
            or self._wanted.etag not in {None, kept}
        ):
            self._reset()
            return self._wanted.etag
        os.lseek(self._file, 0, os.SEEK_SET)
        while chunk := os.read(self._file, _READ_AT_ONCE):
            self._sha256.update(chunk)
            self._at += len(chunk)
        self._advance(self._at)
        return kept

    def _reset(self) -> None:
        os.ftruncate(self._file, 0)
        os.lseek(self._file, 0, os.SEEK_SET)
        etag_of(self._path).unlink(missing_ok=True)
        self._sha256 = hashlib.sha256()
        if self._at:
            self._advance(-self._at)
        self._at = 0


def etag_of(part: Path) -> Path:
    """The file beside a part that says of which object it is."""
    return part.with_name(f"{part.name}.etag")


def holds(path: Path, sha256: str, size: int) -> bool:
    """Whether a plain file is there and has this content; all of it is read."""
    try:
        descriptor = os.open(path, READ)
    except OSError:
        return False
    try:
        if os.fstat(descriptor).st_size != size:
            return False
        found = hashlib.sha256()
        while chunk := os.read(descriptor, _READ_AT_ONCE):
            found.update(chunk)
        return found.hexdigest() == sha256
    except OSError:  # a directory, or a disk that cannot be read
        return False
    finally:
        os.close(descriptor)


def _size_of(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -1
