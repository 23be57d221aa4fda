"""Objects of Cloud Storage are read: heads, ranges, listings, tags, the bucket's place."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

from skykeep.errors import Conflict, Corrupt, Invalid, SkykeepError
from skykeep.interfaces.cursor import cursor as cursor_of
from skykeep.interfaces.cursor import position
from skykeep.interfaces.names import shown
from skykeep.interfaces.object_driver import Fragment, ObjectInfo, ObjectPage
from skykeep.interfaces.object_keys import check_key
from skykeep.providers.gcp.errors import Failure
from skykeep.providers.gcp.storage.answers import (
    LISTED,
    BucketResource,
    Page,
    header_pairs,
    info_of,
    numbers_of,
    start_of,
    tags_of,
)
from skykeep.providers.gcp.storage.bucket import Objects, absent, changed, no_bucket
from skykeep.providers.gcp.storage.client import decoded, strange
from skykeep.providers.gcp.storage.errors import explain, is_condition, is_gone, row_of
from skykeep.providers.wire import Reply

_LARGE: Final = 1024 * 1024
# What is asked for is given as it is kept: without this, gzip is unpacked on the way, and its
# ranges are ignored ("Transcoding of gzip-compressed files").
_AS_KEPT: Final = {"accept-encoding": "gzip"}


class Reading(Objects):
    """The half of the driver that changes nothing."""

    async def head(self, key: str) -> ObjectInfo:
        """What is known without the body. Raises ``NotFound``."""
        return info_of(key, await self._head(key))

    async def _head(self, key: str) -> Reply:
        target = self._media(self._place(key))
        reply, failure = await self._client.ask("HEAD", target, headers=_AS_KEPT)
        if failure is None:
            self._answered()
            return reply
        if reply.status == 404:
            await self._check_bucket()
            raise absent(key)
        # HEAD is refused without words: one byte is asked for, to be told why.
        headers = {**_AS_KEPT, "range": "bytes=0-0"}
        told, why = await self._client.ask("GET", target, headers=headers)
        if why is None or told.status == 416:  # HEAD failed in passing
            raise await self._refused(failure, "HEAD Object", key)
        raise await self._refused(why, "HEAD Object", key)

    async def read(
        self,
        key: str,
        *,
        start: int = 0,
        length: int | None = None,
        if_match: str | None = None,
    ) -> Fragment:
        """``length`` bytes from ``start`` on, or all that follow."""
        headers = dict(_AS_KEPT)
        if if_match is not None:
            numbers = numbers_of(if_match)
            if numbers is None:  # an etag of another store, which no object here has
                await self._head(key)
                raise changed(key)
            headers["x-goog-if-generation-match"] = numbers[0]
            headers["x-goog-if-metageneration-match"] = numbers[1]
        if length == 0:
            return await self._empty(key, start, if_match)
        if start or length is not None:
            end = "" if length is None else start + length - 1
            headers["range"] = f"bytes={start}-{end}"
        target = self._media(self._place(key))
        reply, failure = await self._client.ask("GET", target, headers=headers)
        if failure is not None:
            if reply.status == 416:
                return await self._empty(key, start, if_match)
            raise await self._unread(failure, key)
        self._answered()
        info = info_of(key, reply)
        # A cache on the way, Google's own for public objects among them, may not heed the
        # conditions; what is told must hold.
        if if_match is not None and info.etag != if_match:
            raise changed(key)
        if "range" not in headers or reply.status == 206:
            if start_of(reply) != start:
                raise strange(f"is another range of {shown(key)} than was asked for")
            data = reply.body
        else:  # the range was ignored
            if start > info.size:
                raise _beyond(info, start)
            data = reply.body[start : None if length is None else start + length]
        await self._verify(info, data)
        return Fragment(info, start, data)

    async def list(
        self, prefix: str, *, cursor: str | None, limit: int, delimiter: bool = False
    ) -> ObjectPage:
        """Objects whose key lies under ``prefix``. Keys that are no portable ones are left
        out, and so are the parts of uploads."""
        start = self._prefix + (f"{prefix}/" if prefix else "")
        listing = f"{self._name}/{start}"
        asked = {"maxResults": str(limit), "fields": LISTED}
        if start:
            asked["prefix"] = start
        if delimiter:
            asked["delimiter"] = "/"
        if cursor is not None:
            asked["pageToken"] = position(cursor, listing, delimiter)
        page = await self._page(asked)
        items = []
        for each in page.items:
            key = self._key(each.name)
            if key is not None:
                items.append(each.info(key))
        prefixes = [
            key for each in page.prefixes if (key := self._key(each, closing="/")) is not None
        ]
        token = page.next_page_token
        following = cursor_of(listing, token, delimiter) if token else None
        return ObjectPage(items, prefixes, following)

    async def _page(self, asked: Mapping[str, str]) -> Page:
        """A page of ``objects.list``. Raises ``ConfigError`` for a bucket that is gone."""
        reply, failure = await self._client.ask("GET", self._json("/o", **asked))
        if failure is not None:
            if is_gone(failure):
                raise no_bucket(failure.request_id)
            raise explain(failure, subject="", action="objects.list")
        self._answered()
        return decoded(reply, Page)

    async def tags(self, key: str) -> Mapping[str, str]:
        """The label pairs. Raises ``NotFound``."""
        return tags_of(header_pairs((await self._head(key)).headers))

    async def region(self) -> str | None:
        """The bucket's location, in lower case: ``europe-west3``, ``eu``, ``eur4``.

        Raises ``Denied`` without ``storage.buckets.get``, which roles for objects lack
        (roles/storage.bucketViewer has it).
        """
        found = await self._bucket("location")
        return found.location.lower() or None

    async def _bucket(self, fields: str) -> BucketResource:
        reply, failure = await self._client.ask("GET", self._json("", fields=fields))
        if failure is not None:
            if is_gone(failure):
                raise no_bucket(failure.request_id)
            raise explain(failure, subject=self._name, action="buckets.get")
        self._answered()
        return decoded(reply, BucketResource)

    # -- what the calls share

    async def _empty(self, key: str, start: int, if_match: str | None) -> Fragment:
        """A range that has no bytes. Raises ``Conflict``; ``Invalid`` where it begins beyond
        the end."""
        info = await self.head(key)
        if if_match is not None and info.etag != if_match:
            raise changed(key)
        if start > info.size:
            raise _beyond(info, start)
        return Fragment(info, start, b"")

    async def _unread(self, failure: Failure, key: str) -> SkykeepError:
        """Our error for a refusal of a read."""
        if is_condition(failure):
            await self._head(key)  # which of the two it says of what is not there, nobody says
            return Conflict(changed(key).message, request_id=failure.request_id)
        if await self._is_absent(self._place(key), failure):
            return absent(key)
        return explain(failure, subject=shown(key), action="GET Object")

    async def _is_absent(self, place: str, failure: Failure) -> bool:
        """Whether a refused GET of the XML API says that the object is not there. Raises
        ``ConfigError`` if it is the bucket."""
        if failure.status == 404 and row_of(failure) is None:
            # Without words it may be anybody's on the way: the JSON API is asked.
            _, found = await self._client.ask("GET", self._object(place, fields="size"))
            failure = found or failure
        if not is_gone(failure):
            return False
        await self._check_bucket()
        return True

    def _key(self, place: str, closing: str = "") -> str | None:
        """The portable key of what a listing names; None if it is none."""
        if not place.startswith(self._prefix) or not place.endswith(closing):
            return None
        key = place[len(self._prefix) : len(place) - len(closing)]
        try:
            return check_key(key)
        except Invalid:
            return None

    async def _verify(self, info: ObjectInfo, data: bytes) -> None:
        """Raise ``Corrupt`` if a whole body is not what its checksum says."""
        try:
            told = info.checksums.get("crc32c")
            if told is None or len(data) != info.size:
                return
            small = len(data) < _LARGE
            value = self._crc(data) if small else await asyncio.to_thread(self._crc, data)
        finally:
            del data
        if f"{value:08x}" != told:
            raise Corrupt(
                f"{shown(info.key)} is damaged: its CRC-32C is not the one kept with it"
            )


def _beyond(info: ObjectInfo, start: int) -> Invalid:
    return Invalid(f"{shown(info.key)} has {info.size:,} bytes, none at {start:,}")
