"""An object becomes a file, or goes into a stream."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from skykeep.apps.cli.transfers.bar import Bar
from skykeep.apps.cli.transfers.digests import known_of
from skykeep.apps.cli.transfers.files import failure_of
from skykeep.apps.cli.transfers.partial import Partial
from skykeep.apps.cli.transfers.streams import in_thread, to_its_end
from skykeep.errors import Conflict, Corrupt, Invalid
from skykeep.interfaces.object_driver import ObjectInfo

if TYPE_CHECKING:
    from skykeep.interfaces.objects import Objects


async def download(
    objects: Objects, key: str, path: Path, bar: Bar, *, store: str, replace: bool = True
) -> ObjectInfo:
    """Write the object to a file: whole, verified, on the disk, or not at all.

    One that broke off is gone on with, if it is still the same object. The file gets the
    object's time. ``store`` tells one store from another. Raises as ``Objects.get``;
    ``Corrupt`` if what came is not what was kept; ``Conflict`` if there is a file that is not
    to be replaced, or another process receives it.
    """
    target, kind = await asyncio.to_thread(_target_of, path)
    if kind == "directory":
        raise Invalid(f"'{path}' is a directory", hint=f"to put it there: '{path}/'")
    if kind and not replace:
        raise Conflict(f"'{path}' is there already; it was left")
    if kind == "stream":
        with await in_thread(lambda: _opened(target)) as stream:
            return await pour(objects, key, stream.write, bar)
    partial = await to_its_end(lambda: Partial(target, f"{store}:{key}"))
    keep = True
    try:
        await to_its_end(partial.recall)
        if partial.have:
            try:
                return await _received(objects, key, partial, bar, replace=replace)
            except (Conflict, Corrupt, Invalid):  # another object by now, or a damaged part
                bar.add(-partial.have)
                await to_its_end(partial.restart)
        return await _received(objects, key, partial, bar, replace=replace)
    except Corrupt:
        keep = False
        raise
    finally:
        partial.close(keep=keep)


async def _received(
    objects: Objects, key: str, partial: Partial, bar: Bar, *, replace: bool
) -> ObjectInfo:
    bar.add(partial.have)
    async with objects.stream(key, start=partial.have, if_match=partial.etag or None) as body:
        info = body.info
        partial.etag = info.etag
        async for chunk in body:
            await to_its_end(lambda chunk=chunk: partial.add(chunk))  # type: ignore[misc]  # mypy has no type for a lambda's default
            bar.add(len(chunk))
            del chunk
    check(info, partial.have, partial.digest)
    at = info.modified_at.timestamp()
    await to_its_end(lambda: partial.finish(at, replace=replace))
    return info


async def pour(
    objects: Objects,
    key: str,
    write: Callable[[bytes], object],
    bar: Bar,
    *,
    start: int = 0,
    length: int | None = None,
    if_match: str | None = None,
) -> ObjectInfo:
    """Give the body, or a range of it, to ``write``, which may take its time.

    A whole body is held against its checksum; by then all of it has been given away. Raises
    as ``Objects.get``, ``Corrupt``.
    """
    import hashlib

    made, count = hashlib.sha256(), 0
    async with objects.stream(key, start=start, length=length, if_match=if_match) as body:
        info = body.info
        async for chunk in body:
            await in_thread(lambda chunk=chunk: write(chunk))  # type: ignore[misc]  # mypy has no type for a lambda's default
            made.update(chunk)
            count += len(chunk)
            bar.add(len(chunk))
            del chunk
    if start == 0 and length is None:
        check(info, count, made.hexdigest())
    return info


def check(info: ObjectInfo, size: int, digest: str) -> None:
    """Raise ``Corrupt`` if these are not the object's."""
    known = known_of(info)
    if size != info.size or (known is not None and digest != known):
        raise Corrupt(
            f"what came of ':{info.key}' is not what was kept: {size:,} of {info.size:,} "
            f"bytes, SHA-256 {digest[:16]}… where {(known or 'unknown')[:16]}… was kept",
            hint="the object is damaged, or others changed it and left its metadata 'sha256'",
            resource=info.key,
        )


def _target_of(path: Path) -> tuple[Path, str]:
    """Where links lead, and what is there: ``""``, file, directory or stream."""
    target = Path(os.path.realpath(path))
    try:
        mode = target.stat().st_mode
    except FileNotFoundError:
        return target, ""
    except OSError as error:
        raise failure_of(error, path) from None
    if stat.S_ISDIR(mode):
        return target, "directory"
    return target, "file" if stat.S_ISREG(mode) else "stream"


class _Stream:
    """A pipe or a device, open for writing. Raises as ``failure_of``."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
        except OSError as error:
            raise failure_of(error, path) from None

    def write(self, data: bytes) -> None:
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        except BrokenPipeError:
            raise
        except OSError as error:
            raise failure_of(error, self._path) from None

    def __enter__(self) -> _Stream:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)


def _opened(path: Path) -> _Stream:
    return _Stream(path)
