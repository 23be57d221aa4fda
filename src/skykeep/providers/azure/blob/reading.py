"""Objects of Blob Storage are read: heads, ranges, listings, tags."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final
from xml.etree.ElementTree import Element

from skykeep.errors import Conflict, Corrupt, Invalid, Unavailable
from skykeep.interfaces.cursor import cursor as cursor_of
from skykeep.interfaces.cursor import position
from skykeep.interfaces.names import shown
from skykeep.interfaces.object_driver import Fragment, ObjectInfo, ObjectPage
from skykeep.providers.azure.blob.client import path_of
from skykeep.providers.azure.blob.container import Objects, etag_header, md5
from skykeep.providers.azure.blob.errors import Failure
from skykeep.providers.azure.blob.headers import (
    etag_of,
    http_moment,
    info_of,
    md5_of,
    start_of,
)
from skykeep.providers.azure.blob.xml import children, name_of, root
from skykeep.providers.wire import Reply

_LARGE: Final = 1024 * 1024


class Reading(Objects):
    """The half of the driver that changes nothing."""

    async def head(self, key: str) -> ObjectInfo:
        """What is known without the body. Raises ``NotFound``."""
        return info_of(key, await self._head(key, None))

    async def _head(self, key: str, if_match: str | None) -> Reply:
        asked = _asking(if_match)
        reply, failure = await self._container.ask("HEAD", self._path(key), headers=asked)
        if failure is not None:
            raise await self._unread(failure, key, if_match, "Get Blob Properties")
        return reply

    async def read(
        self,
        key: str,
        *,
        start: int = 0,
        length: int | None = None,
        if_match: str | None = None,
    ) -> Fragment:
        """``length`` bytes from ``start`` on, or all that follow. ``info`` has no storage
        class: only the answer to HEAD tells the tier."""
        if length == 0:
            return _empty(info_of(key, await self._head(key, if_match)), start)
        headers = _asking(if_match)
        if start or length is not None:
            end = "" if length is None else start + length - 1
            headers["x-ms-range"] = f"bytes={start}-{end}"
        reply, failure = await self._container.ask("GET", self._path(key), headers=headers)
        if failure is not None:
            if failure.status == 416:
                return _empty(info_of(key, await self._head(key, if_match)), start)
            raise await self._unread(failure, key, if_match, "Get Blob")
        info = info_of(key, reply)
        if "x-ms-range" not in headers or reply.status == 206:
            if start_of(reply) != start:
                raise Unavailable(
                    f"Azure Blob Storage: another range of {shown(key)} came than asked for",
                    hint="look at objects_endpoint and at the proxy",
                )
            data = reply.body
        else:  # the range was ignored
            if start >= info.size:
                return _empty(info, start)
            data = reply.body[start : None if length is None else start + length]
        await self._verify(info, data)
        return Fragment(info, start, data)

    async def list(
        self, prefix: str, *, cursor: str | None, limit: int, delimiter: bool = False
    ) -> ObjectPage:
        """Objects whose key lies under ``prefix``. Keys that are no portable ones are left
        out, and so are the directories of accounts with a hierarchical namespace."""
        start = self._prefix + (f"{prefix}/" if prefix else "")
        place = f"{self._container.account}/{self._container.name}/{start}"
        marker = "" if cursor is None else position(cursor, place, delimiter)
        asked = {"delimiter": "/"} if delimiter else {}
        found = await self._listed(start, marker, limit, asked)
        items, prefixes = [], []
        for each in found.iterfind("Blobs/Blob"):
            key = self._key(name_of(each))
            told = children(each.find("Properties"))
            if key is not None and told.get("ResourceType") != "directory":
                items.append(_entry(key, told))
        for each in found.iterfind("Blobs/BlobPrefix"):
            key = self._key(name_of(each), closing="/")
            if key is not None:
                prefixes.append(key)
        more = found.findtext("NextMarker")
        return ObjectPage(items, prefixes, cursor_of(place, more, delimiter) if more else None)

    async def _listed(
        self, start: str, marker: str, limit: int, asked: Mapping[str, str]
    ) -> Element:
        """A page of List Blobs."""
        query = {
            "restype": "container",
            "comp": "list",
            "prefix": start,
            "maxresults": str(limit),
            **asked,
        }
        if marker:
            query["marker"] = marker
        path = path_of(self._container.name)
        return root(await self._container.call("List Blobs", "GET", path, query), "List Blobs")

    async def tags(self, key: str) -> Mapping[str, str]:
        """The label pairs. Raises ``NotFound``."""
        reply = await self._container.call(
            "Get Blob Tags", "GET", self._path(key), {"comp": "tags"}, subject=shown(key)
        )
        pairs = [children(tag) for tag in root(reply, "Get Blob Tags").iterfind("TagSet/Tag")]
        return {pair.get("Key", ""): pair.get("Value", "") for pair in pairs}

    # -- what the calls share

    async def _unread(
        self, failure: Failure, key: str, if_match: str | None, action: str
    ) -> Exception:
        """Our error for a refusal of a read."""
        if failure.code in {"ConditionNotMet", "TargetConditionNotMet"}:
            if if_match is not None:
                # Nowhere is it said which of the two a blob that is not there is told by.
                await self._head(key, None)
            return Conflict(
                f"{shown(key)} has another etag than expected", request_id=failure.request_id
            )
        return self._refusal(failure, action, key)

    async def _verify(self, info: ObjectInfo, data: bytes) -> None:
        """Raise ``Corrupt`` if a whole body is not what its checksum says."""
        try:
            told = info.checksums.get("md5")
            if told is None or len(data) != info.size or not self._checked:
                return
            small = len(data) < _LARGE
            digest = md5(data) if small else await asyncio.to_thread(md5, data)
        finally:
            del data
        if digest.hex() != told:
            raise Corrupt(f"{shown(info.key)} is damaged: its MD5 is not the one kept with it")


def _asking(if_match: str | None) -> dict[str, str]:
    return {} if if_match is None else {"if-match": etag_header(if_match)}


def _entry(key: str, told: Mapping[str, str]) -> ObjectInfo:
    """What a listing tells of an object."""
    size = told.get("Content-Length", "")
    inferred = told.get("AccessTierInferred", "").lower() == "true"
    return ObjectInfo(
        key,
        int(size) if size.isdigit() else 0,
        etag_of(told.get("Etag", "")),
        http_moment(told.get("Last-Modified", "")),
        told.get("Content-Type") or None,
        storage_class=None if inferred else told.get("AccessTier") or None,
        checksums=md5_of(told.get("Content-MD5", "")),
    )


def _empty(info: ObjectInfo, start: int) -> Fragment:
    """Of a range that has no bytes. Raises ``Invalid`` where it begins beyond the end."""
    if start > info.size:
        raise Invalid(f"{shown(info.key)} has {info.size:,} bytes, none at {start:,}")
    return Fragment(info, start, b"")
