"""The objects of an archive: written once, read by their place."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import date, timedelta
from typing import Final

from skykeep.archive import ids, zstd
from skykeep.archive.batches import Parcel
from skykeep.archive.days import Found, Span, days, files
from skykeep.archive.entries import Archived
from skykeep.archive.records import MAX_OBJECT, MAX_RESULT, line_of, lines_of
from skykeep.errors import Conflict, Corrupt, Invalid, NotFound
from skykeep.interfaces.objects import Objects
from skykeep.interfaces.side_by_side import side_by_side

AT_ONCE: Final = 8
"""Days that a search asks side by side."""
INLINE: Final = 64 * 1024
"""More is compressed in a thread: it takes longer than other tasks should wait."""
MAX_SEARCH_DAYS: Final = 366


class Store:
    """Objects under one prefix."""

    def __init__(self, objects: Objects, prefix: str) -> None:
        self._objects = objects
        self._prefix = prefix

    def _key(self, day: date, name: str) -> str:
        return f"{self._prefix}{ids.day_path(day)}/{name}"

    async def write(self, parcel: Parcel) -> None:
        """Write an object that is not there yet. Raises what the store raises."""
        name = ids.file_name(parcel.object, packed=parcel.packed, batch=parcel.batch)
        key = self._key(parcel.at.date(), name)
        if parcel.body is None:
            body = b"".join(parcel.results.values())
            if parcel.packed and len(body) > INLINE:
                body = await asyncio.to_thread(zstd.compress, body)
            elif parcel.packed:
                body = zstd.compress(body)
            parcel.body = body
        can = await self._objects.capabilities()
        kind = "application/x-ndjson" if parcel.batch else "application/json"
        kind = "application/zstd" if parcel.packed else kind
        again, parcel.tried = parcel.tried, True
        try:
            await self._objects.put(
                key,
                parcel.body,
                content_type=kind if can.content_type else None,
                if_absent=can.exclusive_create,
            )
        except Conflict:
            # An earlier try may have come through, and its answer have been lost.
            if not again or await self._body(key, len(parcel.body)) != parcel.body:
                raise

    async def _body(self, key: str, most: int) -> bytes:
        """A whole object. Raises ``Corrupt`` if it has more bytes."""
        data = (await self._objects.get(key, length=most + 1)).data
        if len(data) > most:
            raise Corrupt(
                f"{key} has more than {most:,} bytes, which no object of an archive has"
            )
        return data

    async def data(self, wanted: ids.ResultId, day: date) -> bytes | None:
        """The JSON of a result; None if it is not there."""
        place = wanted.place
        name = ids.file_name(wanted.object, packed=wanted.packed, batch=place is not None)
        key = self._key(day, name)
        try:
            if place is not None and not wanted.packed:
                data = await self._range(key, place)
            else:
                data = await self._body(key, MAX_OBJECT)
        except NotFound:
            return None
        if wanted.packed:
            data = await self._unpacked(data, MAX_RESULT if place is None else MAX_OBJECT)
            if place is not None:
                data = data[place.start : place.start + place.size]
        if place is None:
            return data
        return bytes(line_of(wanted, data).result) if data else None

    async def _range(self, key: str, place: ids.Place) -> bytes:
        try:
            return (await self._objects.get(key, start=place.start, length=place.size)).data
        except Invalid:
            return b""  # the batch ends before that place: the id was made up

    async def _unpacked(self, data: bytes, most: int) -> bytes:
        if len(data) > INLINE:
            return await asyncio.to_thread(zstd.decompress, data, most)
        return zstd.decompress(data, most)

    async def searched(self, wanted: ids.ResultId, today: date, within: int) -> bytes | None:
        """The JSON of a result of one of so many days; None if it is not there.

        Raises ``Invalid`` for a number of days that is too large.
        """
        if not 1 <= within <= MAX_SEARCH_DAYS:
            raise Invalid(f"within_days is 1 to {MAX_SEARCH_DAYS}, not {within}")
        for first in range(0, within, AT_ONCE):
            some = [
                today - timedelta(days=ago)
                for ago in range(first, min(first + AT_ONCE, within))
            ]
            answers = await side_by_side(lambda day: self.data(wanted, day), some, AT_ONCE)
            for data in answers:
                if data is not None:
                    return data
        return None

    async def batch(self, found: Found) -> Sequence[tuple[Archived, bytes]]:
        """The results of a batch."""
        data = await self._body(found.info.key, MAX_OBJECT)
        if found.file.packed:
            data = await self._unpacked(data, MAX_OBJECT)
        return [
            (Archived(line.id, line.at, found.day, size), bytes(line.result))
            for line, size in lines_of(data, found.info.key)
        ]

    async def files(
        self, day: date | None, since: date | None, until: date | None
    ) -> AsyncIterator[Found]:
        """The archive's objects of a day, or of a span of days. Raises ``Invalid``."""
        if day is not None and (since is not None or until is not None):
            raise Invalid("give a day, or since and until")
        there = [day] if day else await days(self._objects, self._prefix, Span(since, until))
        for each in there:
            async for found in files(self._objects, self._prefix, each):
                if isinstance(found, Found):
                    yield found
