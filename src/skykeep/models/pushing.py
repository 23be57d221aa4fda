"""A version on its way to the store: files first, the manifest last, then the pointer.

Until the manifest is there nobody sees the version, so a push that is killed leaves nothing
that can be pulled; the next push of the same files goes on with those that are there.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import stat
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from skykeep.errors import Conflict, Invalid, NotFound
from skykeep.interfaces.names import shown
from skykeep.interfaces.side_by_side import side_by_side
from skykeep.models.layout import Layout
from skykeep.models.manifest import MAX_FILES, Manifest, ModelFile, digest, encode
from skykeep.models.pointer import Found, Pointer
from skykeep.models.reading import Reading

if TYPE_CHECKING:
    from skykeep.interfaces.objects import Objects

_CHUNK: Final = 4 * 1024 * 1024
_FLAGS: Final = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
AT_ONCE: Final = 4
"""Files that are sent side by side; each may have parts under way."""

Progress = Callable[[int, int], None]
"""Called with the bytes that are done, and the bytes in all."""


@dataclass(frozen=True, slots=True)
class Pushed:
    """What a push did.

    Attributes:
        manifest: of the version.
        digest: the manifest's SHA-256.
        made: False if the store had this version with the same content.
        latest: whether it is the latest version now.
    """

    manifest: Manifest
    digest: str
    made: bool
    latest: bool


class Pushing:
    """Pushes to the models under one layout."""

    def __init__(
        self, objects: Objects, layout: Layout, reading: Reading, pointer: Pointer
    ) -> None:
        self._objects = objects
        self._layout = layout
        self._reading = reading
        self._pointer = pointer

    async def push(
        self,
        name: str,
        version: str,
        path: Path,
        *,
        metadata: Mapping[str, str],
        latest: bool,
        progress: Progress | None,
    ) -> Pushed:
        """See ``ModelStore.push``."""
        pointer = await self._pointer.read(name) if latest else None
        kind, found = await asyncio.to_thread(_files_of, path)
        files = await asyncio.to_thread(_described, found)
        manifest = Manifest(
            name=name,
            version=version,
            kind="file" if kind == "file" else "directory",
            files=files,
            created=datetime.now(UTC),
            metadata=dict(metadata),
        )
        body = encode(manifest)
        for file in files:
            self._layout.file(name, version, file.sha256, file.path)  # all fit, or none is sent
        there = await self._there(manifest)
        if there is not None:
            return await self._again(there, pointer, latest=latest)
        await self._send(manifest, dict(found), progress)
        try:
            await self._objects.put(
                self._layout.manifest(name, version),
                body,
                content_type="application/json" if await self._typed() else None,
                if_absent=True,
            )
        except Conflict:
            # Another was quicker: the same content is the same version.
            there = await self._there(manifest)
            if there is None:
                raise
            return await self._again(there, pointer, latest=latest)
        is_latest = latest and await self._pointer.advance(
            manifest, digest(body), pointer, made=True
        )
        return Pushed(manifest, digest(body), True, is_latest)

    async def _typed(self) -> bool:
        return (await self._objects.capabilities()).content_type

    async def _there(self, manifest: Manifest) -> tuple[Manifest, str] | None:
        """The version that the store has, if it says the same. Raises ``Conflict``."""
        try:
            there = await self._reading.manifest(manifest.name, manifest.version)
        except NotFound:
            return None
        if not there.manifest.same_content(manifest):
            raise Conflict(
                f"{shown(manifest.name)} {manifest.version} is there with other content; a "
                "version never changes",
                hint="push it as another version; nothing was replaced",
                operation="models.push",
                resource=manifest.name,
            )
        return there.manifest, there.digest

    async def _again(
        self, there: tuple[Manifest, str], pointer: Found | None, *, latest: bool
    ) -> Pushed:
        manifest, found = there
        is_latest = latest and await self._pointer.advance(manifest, found, pointer, made=False)
        return Pushed(manifest, found, False, is_latest)

    async def _send(
        self, manifest: Manifest, paths: Mapping[str, Path], progress: Progress | None
    ) -> None:
        sent: dict[str, int] = {}

        def tell(path: str, done: int) -> None:
            sent[path] = done
            if progress is not None:
                progress(sum(sent.values()), manifest.size)

        async def one(file: ModelFile) -> None:
            key = self._layout.file(manifest.name, manifest.version, file.sha256, file.path)
            if not await self._kept(key, file):
                await self._objects.put(
                    key,
                    _as_described(paths[file.path], file),
                    progress=lambda done, _: tell(file.path, done),
                )
            tell(file.path, file.size)

        await side_by_side(one, manifest.files, AT_ONCE)

    async def _kept(self, key: str, file: ModelFile) -> bool:
        """Whether an earlier push has brought it: objects are whole, the key is the digest."""
        try:
            info = await self._objects.head(key)
        except NotFound:
            return False
        return (
            info.size == file.size and info.checksums.get("sha256", file.sha256) == file.sha256
        )


def _files_of(path: Path) -> tuple[str, list[tuple[str, Path]]]:
    """``file`` or ``directory``, and the files by their paths in the model, sorted.

    Links within a directory are refused: what they lead to need not be part of the model.
    """
    failure = ""
    files: list[tuple[str, Path]] = []
    try:
        found = path.stat()
        if stat.S_ISREG(found.st_mode):
            return "file", [(path.name, path)]
        if not stat.S_ISDIR(found.st_mode):
            raise Invalid(f"{shown(str(path))} is neither a file nor a directory")
        for parent, folders, names in os.walk(path, onerror=_fail):
            for name in [*folders, *names]:
                at = Path(parent) / name
                mode = at.lstat().st_mode
                if stat.S_ISREG(mode):
                    files.append((at.relative_to(path).as_posix(), at))
                elif not stat.S_ISDIR(mode):
                    what = "a symbolic link" if stat.S_ISLNK(mode) else "no plain file"
                    raise Invalid(f"{shown(str(at))} is {what}", hint="nothing was sent")
                if len(files) > MAX_FILES:
                    raise Invalid(f"a model has at most {MAX_FILES:,} files; this has more")
    except OSError as error:
        failure = f"{shown(str(path))} cannot be sent: {error.strerror}"
    if not failure and not files:
        failure = f"{shown(str(path))} has no files"
    if failure:
        raise Invalid(failure)
    return "directory", sorted(files)


def _fail(error: OSError) -> None:
    raise error


def _described(files: list[tuple[str, Path]]) -> tuple[ModelFile, ...]:
    described = []
    for name, path in files:
        size, sha256 = 0, hashlib.sha256()
        for chunk in _chunks(path):
            size += len(chunk)
            sha256.update(chunk)
        described.append(ModelFile(name, size, sha256.hexdigest()))
    return tuple(described)


def _chunks(path: Path) -> Iterator[bytes]:
    failure = ""
    try:
        descriptor = os.open(path, _FLAGS)
        try:
            while chunk := os.read(descriptor, _CHUNK):
                yield chunk
        finally:
            os.close(descriptor)
    except OSError as error:
        failure = error.strerror or "it cannot be read"
    if failure:
        raise Invalid(f"{shown(str(path))} cannot be sent: {failure}")


async def _as_described(path: Path, file: ModelFile) -> AsyncIterator[bytes]:
    """The file's bytes; an error instead of the end if they are not those of the manifest."""
    chunks, sha256 = _chunks(path), hashlib.sha256()

    def following() -> bytes:
        chunk = next(chunks, b"")
        sha256.update(chunk)
        return chunk

    while chunk := await asyncio.to_thread(following):
        yield chunk
    if sha256.hexdigest() != file.sha256:
        raise Invalid(
            f"{shown(str(path))} was changed while it was sent",
            hint="nobody sees the version: push it again",
        )
