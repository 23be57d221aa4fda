"""A file or a stream becomes an object."""

from __future__ import annotations

import asyncio
import hashlib
import stat
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from skykeep.apps.cli.transfers.bar import Bar
from skykeep.apps.cli.transfers.digests import BLOCK, kept_with, of_file
from skykeep.apps.cli.transfers.files import failure_of
from skykeep.apps.cli.transfers.streams import opened_stream
from skykeep.errors import Corrupt, Invalid
from skykeep.interfaces.object_driver import ObjectInfo

if TYPE_CHECKING:
    from skykeep.interfaces.objects import Objects

SMALL: Final = BLOCK
"""Bytes up to which a file is held in memory and read once."""

_PACKED = {
    "gzip": "application/gzip",
    "bzip2": "application/x-bzip2",
    "xz": "application/x-xz",
}


@dataclass(frozen=True, slots=True)
class Kept:
    """What the command line says of objects besides their bodies.

    Attributes:
        content_type: None guesses it from the name.
        metadata, tags: label pairs.
        storage_class: None is the store's own.
        if_absent: only where there is no object.
    """

    content_type: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    storage_class: str | None = None
    if_absent: bool = False


async def upload(objects: Objects, path: Path, key: str, kept: Kept, bar: Bar) -> ObjectInfo:
    """Keep the file, with its SHA-256; nothing is kept of one that is changed meanwhile.

    Raises as ``Objects.put``; ``Invalid`` for a directory and for a file that is changed;
    ``Corrupt`` if the store tells of another body than was sent.
    """
    try:
        status = await asyncio.to_thread(path.stat)
    except OSError as error:
        raise failure_of(error, path) from None
    if stat.S_ISDIR(status.st_mode):
        raise Invalid(f"'{path}' is a directory", hint="to copy what is in it: -r")
    if not stat.S_ISREG(status.st_mode):
        return await upload_stream(objects, opened_stream(path), key, kept, bar)
    size = status.st_size
    body: bytes | AsyncIterator[bytes]
    if size <= SMALL:
        body = await asyncio.to_thread(_read, path)
        size, digest = len(body), hashlib.sha256(body).hexdigest()
    else:
        digest = await of_file(path)
        body = _unchanged(path, digest)
    can = await objects.capabilities()
    known = 0

    def progress(done: int, total: int | None) -> None:
        nonlocal known
        bar.add(done - known)
        known = done

    guessed = kept.content_type or content_type_of(path.name)
    work = objects.put(
        key,
        body,
        content_type=guessed if can.content_type else kept.content_type,
        metadata=kept_with(kept.metadata, digest, can),
        tags=kept.tags,
        storage_class=kept.storage_class,
        if_absent=kept.if_absent,
        progress=progress,
    )
    del body  # no traceback shows it
    info = await work
    told = info.checksums.get("sha256", digest)
    if info.size != size or told != digest:
        raise Corrupt(
            f"the store tells of {info.size:,} bytes with the SHA-256 {told[:16]}… where "
            f"{size:,} with {digest[:16]}… were sent",
            hint="copy it again",
        )
    return info


async def upload_stream(
    objects: Objects, chunks: AsyncIterator[bytes], key: str, kept: Kept, bar: Bar
) -> ObjectInfo:
    """Keep what comes, of whatever length. Raises as ``Objects.put``."""
    counted = 0

    async def shown() -> AsyncIterator[bytes]:
        nonlocal counted
        async for chunk in chunks:
            counted += len(chunk)
            bar.add(len(chunk))
            yield chunk

    return await objects.put(
        key,
        shown(),
        content_type=kept.content_type,
        metadata=kept.metadata,
        tags=kept.tags,
        storage_class=kept.storage_class,
        if_absent=kept.if_absent,
    )


def content_type_of(name: str) -> str | None:
    """What the name says of the content, the same on every machine; None if nothing."""
    import mimetypes

    kind, packed = mimetypes.MimeTypes().guess_type(f"./{name}")
    return kind if packed is None else _PACKED.get(packed)


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(SMALL + 1)
    except OSError as error:
        raise failure_of(error, path) from None
    if len(data) > SMALL:
        raise _changed(path)
    return data


def _changed(path: Path) -> Invalid:
    return Invalid(
        f"'{path}' was changed while it was sent; nothing was kept",
        hint="copy it again when nobody writes to it",
    )


async def _unchanged(path: Path, digest: str) -> AsyncIterator[bytes]:
    """The file's blocks. Raises ``Invalid`` at their end, before the object becomes visible,
    if they are not what the digest was made of."""
    made = hashlib.sha256()

    def block(at: int) -> bytes:
        try:
            with path.open("rb") as file:
                file.seek(at)
                data = file.read(BLOCK)
        except OSError as error:
            raise failure_of(error, path) from None
        made.update(data)
        return data

    at = 0
    while data := await asyncio.to_thread(block, at):
        at += len(data)
        yield data
    if made.hexdigest() != digest:
        raise _changed(path)
