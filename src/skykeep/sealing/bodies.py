"""Bodies of objects on their way: sealed as they are sent, opened as they are read."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from io import BytesIO
from typing import Final, Literal

from skykeep.envelope.sealed_object import (
    CHUNK,
    HEADER_BYTES,
    SEALED_CHUNK,
    TAG_BYTES,
    ObjectHeader,
    ObjectKey,
    chunks_of,
    is_sealed_object,
    opened_size,
    parse_header,
    plain_size,
    sealed_size,
)
from skykeep.errors import Conflict, Corrupt, Invalid, Unavailable
from skykeep.interfaces.names import shown
from skykeep.interfaces.object_driver import Fragment, ObjectInfo
from skykeep.interfaces.object_reading import ReadRange
from skykeep.interfaces.object_sources import Source
from skykeep.sealing.keks import Keks
from skykeep.sealing.told import told

AT_ONCE: Final = 16
"""Chunks between two turns of the event loop: 1 MiB, which takes a millisecond at 1 GB/s and a
fifth of one with vector instructions. In a thread it would take longer: each chunk is a call
that waits for the interpreter's lock, which the loop has.
"""


class SealedSource:
    """A source of the sealed object over the source of its body.

    A chunk is sealed when it is known whether another one follows: one is held back.

    Attributes:
        size: of the sealed object; None if nobody knows.
    """

    def __init__(
        self,
        source: Source,
        key: ObjectKey,
        header: bytes,
        count: Callable[[int], None],
    ) -> None:
        """``count`` is told, at the end, of the bytes of a body whose size nobody knew."""
        self.size: int | None = None if source.size is None else sealed_size(source.size)
        self._source = source
        self._key = key
        self._count = count
        self._given = 0
        self._ready = header
        self._held = b""
        self._number = 0
        self._ended = False

    async def next_part(self, length: int) -> bytes:
        if self.size is not None:
            # Room for what is left, and for one byte that shows that the body has grown.
            length = min(length, max(self.size - self._given, 0) + 1)
        part = BytesIO(bytes(length))
        with part.getbuffer() as into:
            at = self._take(into)
            while at < length and not self._ended:
                at += await self._seal(into[at:])
        self._given += at
        data = part.getvalue()
        return data if at == length else data[:at]

    def _take(self, into: memoryview) -> int:
        """Put what is ready into the part; how much."""
        count = min(len(into), len(self._ready))
        into[:count] = self._ready[:count]
        self._ready = self._ready[count:]
        return count

    async def _seal(self, into: memoryview) -> int:
        """Read as much as the rest of the part has room for, and seal it; how much."""
        wanted = -(-len(into) // SEALED_CHUNK) * CHUNK
        block = await self._source.next_part(wanted)
        self._ended = len(block) < wanted
        pieces, self._held = _cut(self._held, block, all_of_it=self._ended)
        try:
            return await self._fill(into, pieces)
        finally:
            del block, pieces  # no traceback shows a body

    async def _fill(self, into: memoryview, pieces: list[memoryview]) -> int:
        """Seal the pieces, in order; what has no room stays ready."""
        at = 0
        while pieces:
            piece = pieces.pop(0)
            room = 0 if self._ready else len(into) - at
            whole = room // SEALED_CHUNK * CHUNK
            if whole and len(piece) > (most := min(whole, AT_ONCE * CHUNK)):
                pieces.insert(0, piece[most:])
                piece = piece[:most]
            last = self._ended and not pieces
            chunks = chunks_of(len(piece))
            size = len(piece) + TAG_BYTES * chunks
            if size <= room:
                self._key.seal_into(self._number, piece, into[at : at + size], last=last)
                at += size
            else:
                self._ready += self._key.seal(self._number, piece, last=last)
            self._number += chunks
            if chunks == AT_ONCE:
                await asyncio.sleep(0)
        return at + self._take(into[at:])

    async def close(self) -> None:
        self._ready = b""
        self._held = b""
        self._ended = True
        if self.size is None:
            self._count(self._given)
            self._given = 0
        await self._source.close()


def _cut(held: bytes, block: bytes, *, all_of_it: bool) -> tuple[list[memoryview], bytes]:
    """What can be sealed now of what was held and what was read, and what is held."""
    view = memoryview(block)
    if all_of_it:
        if len(held) + len(view) == 0:
            return [view], b""  # an empty body has one empty chunk
        return [each for each in (memoryview(held), view) if each], b""
    keep = len(view) - CHUNK
    return [each for each in (memoryview(held), view[:keep]) if each], bytes(view[keep:])


async def _opened(key: ObjectKey, first: int, sealed: bytes | memoryview, last: bool) -> bytes:
    """The plain chunks of a large range, with turns for others in between."""
    made, view = BytesIO(bytes(opened_size(len(sealed)))), memoryview(sealed)
    with made.getbuffer() as into:
        for at in range(0, chunks_of(len(into)), AT_ONCE):
            some = view[at * SEALED_CHUNK : (at + AT_ONCE) * SEALED_CHUNK]
            is_end = last and (at + AT_ONCE) * SEALED_CHUNK >= len(view)
            key.open_into(
                first + at, some, into[at * CHUNK : (at + AT_ONCE) * CHUNK], last=is_end
            )
            await asyncio.sleep(0)
    return made.getvalue()


class Opening:
    """Reads ranges of one sealed object; for one reader.

    It is under the etag of its first range. Where the object is there under another one, with
    the same header but for the wrapped data key, it was rewrapped: the body is the same, and
    reading goes on.
    """

    def __init__(
        self, keks: Keks, resource: str, read: ReadRange, plain: Literal["refuse", "read"]
    ) -> None:
        self._keks = keks
        self._resource = resource
        self._read = read
        self._plain = plain
        self._key: ObjectKey | None = None
        self._info: ObjectInfo | None = None
        self._sealed = 0
        self._etag = ""
        self._following: asyncio.Lock | None = None

    async def __call__(self, at: int, wanted: int, etag: str | None) -> Fragment:
        """The range of the plain body.

        Raises ``Corrupt``, ``KeyFailure``, ``Invalid`` for one that begins beyond the end,
        and what reading raises.
        """
        if self._key is None or self._info is None:
            if self._info is not None:  # it is a plain one
                return await self._read(at, wanted, etag)
            return await self._first(at, wanted, etag)
        return await self._range(self._key, self._info, at, wanted, b"")

    async def _first(self, at: int, wanted: int, etag: str | None) -> Fragment:
        # With the first chunk, the header comes along; else it is a call of its own.
        ahead = chunks_of(at + wanted) * SEALED_CHUNK if at < CHUNK else 0
        fragment = await self._whole(0, HEADER_BYTES + ahead, etag)
        info = fragment.info
        if not is_sealed_object(fragment.data):
            return await self._unsealed(fragment, at, wanted, bool(ahead))
        header = parse_header(fragment.data)
        size = plain_size(info.size)
        if size is None:
            raise Corrupt("a sealed object was cut off, or something was added to it")
        self._key = await self._checked(header)
        self._etag, self._sealed = info.etag, info.size
        self._info = told(info)
        beginning = memoryview(fragment.data)[HEADER_BYTES:]
        return await self._range(self._key, self._info, at, wanted, beginning)

    async def _checked(self, header: ObjectHeader) -> ObjectKey:
        dek = await self._keks.to_open(header.key)
        key = ObjectKey(dek.reveal(), self._resource, header.salt)
        key.check(header)
        return key

    async def _unsealed(
        self, fragment: Fragment, at: int, wanted: int, ahead: bool
    ) -> Fragment:
        """The range, as it is, where that may be read."""
        info = fragment.info
        if self._plain == "refuse":
            del fragment  # no traceback shows a body
            raise Corrupt(
                "this object is not encrypted, and all objects of this store should be",
                hint="put it again; or set 'plain: read' of 'encryption' while the store is "
                "being encrypted",
            )
        self._info = info
        if not ahead:
            return await self._read(at, wanted, info.etag)
        self._check_start(info, at)
        return Fragment(info, at, fragment.data[at : at + wanted])

    def _check_start(self, info: ObjectInfo, at: int) -> None:
        if at > info.size:
            raise Invalid(f"{shown(info.key)} has {info.size:,} bytes, none at {at:,}")

    async def _range(
        self,
        key: ObjectKey,
        info: ObjectInfo,
        at: int,
        wanted: int,
        beginning: bytes | memoryview,
    ) -> Fragment:
        """Opens the chunks of a range; ``beginning`` is what is there of the first ones."""
        self._check_start(info, at)
        end = min(at + wanted, info.size)
        if at >= end and (info.size or not wanted):
            return Fragment(info, at, b"")
        first, beyond = at // CHUNK, chunks_of(end)
        length = min(
            (beyond - first) * SEALED_CHUNK, self._sealed - HEADER_BYTES - first * SEALED_CHUNK
        )
        if beginning and first == 0:
            sealed = beginning[:length]
        else:
            sealed = await self._under(HEADER_BYTES + first * SEALED_CHUNK, length)
        is_end = beyond == chunks_of(info.size)
        if length <= AT_ONCE * SEALED_CHUNK:
            plain = key.open(first, sealed, last=is_end)
        else:
            plain = await _opened(key, first, sealed, is_end)
        return Fragment(info, at, plain[at - first * CHUNK : end - first * CHUNK])

    async def _under(self, start: int, length: int) -> bytes:
        """Bytes of the sealed object, under its etag or that of its rewrapped self."""
        while True:
            etag = self._etag
            try:
                return (await self._whole(start, length, etag)).data
            except Conflict as error:
                refusal = error
            await self._follow(etag, refusal)

    async def _follow(self, etag: str, refusal: Conflict) -> None:
        """Find the rewrapped object. Raises the refusal if it is another one."""
        if self._following is None:
            self._following = asyncio.Lock()
        async with self._following:
            if self._etag != etag:
                return  # another range has found it
            key = self._key
            fragment = await self._whole(0, HEADER_BYTES, None)
            if (
                key is None
                or fragment.info.size != self._sealed
                or not is_sealed_object(fragment.data)
            ):
                raise refusal
            header = parse_header(fragment.data)
            if header.salt != key.salt:
                raise refusal
            key.check(header)  # by the keys of the one that was begun: no other data key fits
            self._etag = fragment.info.etag

    async def _whole(self, start: int, length: int, etag: str | None) -> Fragment:
        """The range, asked for again where an answer ended before it and the object did."""
        fragment = await self._read(start, length, etag)
        info, data = fragment.info, fragment.data
        while len(data) < (wanted := min(length, info.size - start)):
            at = start + len(data)
            rest = (await self._read(at, wanted - len(data), info.etag)).data
            if not rest:
                raise Unavailable(
                    f"the store gives no bytes at {at:,}, and the object has more"
                )
            data += rest
        return Fragment(info, start, data)
