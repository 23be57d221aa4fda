"""A body as it is written: in one call if it is small, else in parts, a few at once.

A condition that is sent again after a lost answer meets our own object. So a conditional
write marks it: where the store says ``Conflict`` and what is there bears our mark, the write
has happened.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Final, Protocol

from skykeep.errors import Conflict, Invalid, NotFound, SkykeepError, Unsupported
from skykeep.interfaces.object_driver import (
    Condition,
    ObjectAttributes,
    ObjectCapabilities,
    ObjectInfo,
)
from skykeep.interfaces.object_sources import Source

PART: Final = 8 * 1024 * 1024
"""Bytes of a part, unless the object is so large that it would have too many."""
AT_ONCE: Final = 4
"""Parts under way at once: 32 MiB."""
STEP: Final = 1000
"""Where nobody knows the size, parts double after so many: 10,000 parts hold 7.8 TiB."""
MARK: Final = "skykeep-write"
"""The metadata pair by which a conditional write is known again."""
MARK_BYTES: Final = len(MARK) + 32
"""What it takes of the room for metadata."""
ENDING: Final = 10.0
"""Seconds that the end of a failed upload may take."""

Progress = Callable[[int, int | None], None]
"""Called with the bytes that the store has, and the bytes in all (None if nobody knows)."""


class Complete(Protocol):
    """Puts parts together; ``marked`` says that it is known again if it is sent again."""

    def __call__(
        self, upload: str, parts: list[str], condition: Condition, /, *, marked: bool
    ) -> Awaitable[ObjectInfo]:
        """The object."""
        ...


@dataclass(frozen=True, slots=True)
class Store:
    """The calls that a write is made of; each goes through the layers."""

    write: Callable[[bytes, ObjectAttributes, Condition], Awaitable[ObjectInfo]]
    begin: Callable[[ObjectAttributes], Awaitable[str]]
    part: Callable[[str, int, bytes], Awaitable[str]]
    complete: Complete
    abort: Callable[[str], Awaitable[None]]
    head: Callable[[], Awaitable[ObjectInfo]]


async def send(
    source: Source,
    store: Store,
    can: ObjectCapabilities,
    attributes: ObjectAttributes,
    condition: Condition,
    *,
    progress: Progress | None,
) -> ObjectInfo:
    """Write the whole body, or nothing that is visible."""
    size = part_size(source.size, can)
    if source.size is not None and source.size > can.max_object_bytes:
        raise Invalid(
            f"this store keeps objects of at most {can.max_object_bytes:,} bytes; "
            f"this one has {source.size:,}"
        )
    marked = attributes
    if not condition.empty and can.metadata:
        mark = secrets.token_hex(16)
        marked = replace(attributes, metadata={**attributes.metadata, MARK: mark})
    in_parts = source.size is not None and source.size > size
    if in_parts:
        _check_parts(can, condition, size)
    # One byte more tells whether there is more, and costs a copy of every part.
    first = await source.next_part(size if in_parts else size + 1)
    try:
        if len(first) < size + (not in_parts):
            _check_sent(len(first), source)
            info = await _settled(store.write(first, marked, condition), store, marked)
            if progress is not None:
                progress(info.size, info.size)
            return info
        _check_parts(can, condition, size)
        upload = await store.begin(marked)
        sending = _Parts(source, store, can, upload, progress).send(first, size)
    finally:
        del first  # no traceback shows a body, and no frame keeps it
    try:
        parts = await sending
        complete = store.complete(upload, parts, condition, marked=MARK in marked.metadata)
        return await _settled(complete, store, marked)
    except BaseException:
        await _abandon(store, upload)
        raise


def _check_parts(can: ObjectCapabilities, condition: Condition, size: int) -> None:
    """Raise where a body that is larger than ``size`` cannot go in parts."""
    if not can.parts:
        raise Invalid(
            f"this store takes objects of at most {size:,} bytes",
            hint="it cannot put an object together from parts",
        )
    if not condition.empty and not can.conditional_parts:
        raise Unsupported(
            f"this store takes conditions on objects of at most {size:,} bytes",
            hint="nothing happened",
        )


def _check_sent(sent: int, source: Source) -> None:
    if source.size is not None and sent != source.size:
        raise Invalid(
            f"the body had {source.size:,} bytes and now has another size; nothing was kept",
            hint="it was changed while it was sent",
        )


def part_size(size: int | None, can: ObjectCapabilities) -> int:
    """Bytes of a part, such that the object has no more parts than the store takes.

    For a store that takes no parts: the most that one write takes.
    """
    if not can.parts:
        return can.max_write_bytes
    wanted = max(PART, can.min_part_bytes)
    if size is not None and size > wanted * can.max_parts:
        mebibyte = 1024 * 1024
        wanted = -(-size // can.max_parts // mebibyte) * mebibyte + mebibyte
    return min(wanted, can.max_part_bytes, can.max_write_bytes)


class _Parts:
    """Parts that are sent side by side while the next are read."""

    def __init__(
        self,
        source: Source,
        store: Store,
        can: ObjectCapabilities,
        upload: str,
        progress: Progress | None,
    ) -> None:
        self._source = source
        self._store = store
        self._can = can
        self._upload = upload
        self._progress = progress
        self._sent = 0

    async def send(self, first: bytes, size: int) -> list[str]:
        """What ``complete`` needs of each part, in order."""
        tasks: list[asyncio.Task[str]] = []
        under_way: set[asyncio.Task[str]] = set()
        part, rest = first[:size], first[size:]
        del first
        read = len(part) + len(rest)
        try:
            while part:
                if read > self._can.max_object_bytes:
                    raise Invalid(
                        f"this store keeps objects of at most "
                        f"{self._can.max_object_bytes:,} bytes; this one has more"
                    )
                number = len(tasks) + 1
                if number > self._can.max_parts:
                    raise Invalid(
                        f"this body has more than the {self._can.max_parts:,} parts that the "
                        "store takes",
                        hint="give it as a file: parts are larger where the size is known",
                    )
                task = asyncio.ensure_future(self._one(number, part))
                tasks.append(task)
                under_way.add(task)
                if self._source.size is None and number % STEP == 0:
                    size = min(size * 2, self._can.max_part_bytes)
                del part
                if len(under_way) >= AT_ONCE:
                    under_way = await _first_of(under_way)
                part = await self._source.next_part(size - len(rest))
                read += len(part)
                part, rest = rest + part, b""
            _check_sent(read, self._source)
            while under_way:
                under_way = await _first_of(under_way)
            return [task.result() for task in tasks]
        except BaseException:
            part = rest = b""  # no traceback shows a body
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            raise

    async def _one(self, number: int, part: bytes) -> str:
        length = len(part)
        try:
            done = await self._store.part(self._upload, number, part)
        finally:
            del part
        self._sent += length
        if self._progress is not None:
            self._progress(self._sent, self._source.size)
        return done


async def _first_of(under_way: set[asyncio.Task[str]]) -> set[asyncio.Task[str]]:
    """Wait until one has ended; those that have not. Raises what one of them raised."""
    done, rest = await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
    for task in done:
        task.result()
    return rest


async def _settled(
    work: Awaitable[ObjectInfo], store: Store, attributes: ObjectAttributes
) -> ObjectInfo:
    """What the write gives; if it lost to itself, what it wrote."""
    try:
        return await work
    except (Conflict, NotFound) as error:  # NotFound: the upload has ended
        refusal = error
    mark = attributes.metadata.get(MARK)
    if mark is not None:
        try:
            there = await store.head()
        except NotFound:
            raise refusal from None
        if there.metadata.get(MARK) == mark:
            return there
    raise refusal


async def _abandon(store: Store, upload: str) -> None:
    """End the upload, so that no parts are kept and paid for; what cannot be ended stays
    for ``Objects.collect``."""
    try:
        async with asyncio.timeout(ENDING):
            await store.abort(upload)
    except (SkykeepError, TimeoutError):
        pass  # the caller is told of the failure that led here
