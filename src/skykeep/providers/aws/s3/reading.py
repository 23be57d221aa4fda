"""Objects of S3 are read: heads, ranges, listings, tags, URLs for others."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Final, Literal
from urllib.parse import unquote_plus

from skykeep.envelope.digests import sha256
from skykeep.errors import ConfigError, Conflict, Corrupt, Invalid, NotFound, Unavailable
from skykeep.interfaces.names import shown
from skykeep.interfaces.object_driver import Fragment, ObjectInfo, ObjectPage
from skykeep.interfaces.object_keys import MAX_SEGMENT_BYTES, PLAIN, is_key
from skykeep.providers.aws.cursors import cursor_of, token_of
from skykeep.providers.aws.s3.bucket import Objects, etag_header, not_here
from skykeep.providers.aws.s3.headers import DEFAULT_CLASS, info_of, start_of
from skykeep.providers.aws.s3.listing import page
from skykeep.providers.aws.s3.signing import query_of
from skykeep.providers.aws.s3.xml import children, moment, root
from skykeep.providers.wire import Reply

SEEN: Final = 60.0
"""Seconds for which a bucket that has answered is believed to be there: so long, "404" to a
HEAD, which has no words, is the object's."""
_LARGE: Final = 1024 * 1024


class Reading(Objects):
    """The half of the driver that changes nothing."""

    _seen = float("-inf")

    async def head(self, key: str) -> ObjectInfo:
        """What is known without the body. Raises ``NotFound``."""
        return await self._head(key, None)

    async def _head(self, key: str, if_match: str | None) -> ObjectInfo:
        path, headers = self._path(key), self._asking(if_match)
        reply, failure = await self._bucket.ask("HEAD", path, headers=headers)
        if failure is None:
            self._seen = time.monotonic()
            return info_of(key, reply)
        if reply.status == 404:
            await self._check_bucket()
            raise _absent(key)
        if reply.status == 412:
            raise _changed(key)
        # HEAD is refused without words: one byte is asked for, to be told why.
        headers["range"] = "bytes=0-0"
        told, failure = await self._bucket.ask("GET", path, headers=headers)
        if failure is None:
            return info_of(key, told)
        if failure.code == "InvalidRange":  # it is empty, and HEAD failed in passing
            raise self._refusal(reply, "HeadObject", key)
        raise self._explained(told, failure.code, "HeadObject", key)

    async def read(
        self,
        key: str,
        *,
        start: int = 0,
        length: int | None = None,
        if_match: str | None = None,
    ) -> Fragment:
        """``length`` bytes from ``start`` on, or all that follow."""
        if length == 0:
            return _empty(await self._head(key, if_match), start)
        headers = self._asking(if_match)
        if start or length is not None:
            end = "" if length is None else start + length - 1
            headers["range"] = f"bytes={start}-{end}"
        reply, failure = await self._bucket.ask("GET", self._path(key), headers=headers)
        if failure is not None:
            if reply.status == 416:
                return _empty(await self._head(key, if_match), start)
            raise self._explained(reply, failure.code, "GetObject", key)
        self._seen = time.monotonic()
        info = info_of(key, reply)
        if "range" not in headers or reply.status == 206:
            if start_of(reply) != start:
                raise Unavailable(
                    f"Amazon S3: another range of {shown(key)} came than was asked for",
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
        out."""
        start = self._prefix + (f"{prefix}/" if prefix else "")
        asked = {
            "list-type": "2",
            "prefix": start,
            "max-keys": str(limit),
            "encoding-type": "url",
        }
        if delimiter:
            asked["delimiter"] = "/"
        if cursor is not None:
            asked["continuation-token"] = token_of(cursor, f"{self._name}/{start}", delimiter)
        reply = await self._bucket.call("ListObjectsV2", "GET", "/", query_of(asked))
        self._seen = time.monotonic()
        found, objects = page(reply)
        encoded = found.text("EncodingType") == "url"
        items: list[ObjectInfo] = []
        before = self._prefix
        cut = len(before)
        most = cut + MAX_SEGMENT_BYTES
        plain = PLAIN.fullmatch
        for text, modified, etag, size, storage_class in objects:
            key: str | None
            if len(text) <= most and plain(text, cut) and text.startswith(before):
                key = text[cut:]
            else:
                key = self._key(text, encoded)
            if key is not None:
                at, kind = moment(modified), storage_class or DEFAULT_CLASS
                quoted = etag and f'"{etag}"'
                # By their places, which takes a fifth less than by their names.
                items.append(ObjectInfo(key, int(size or 0), quoted, at, None, {}, kind, {}))
        prefixes = []
        for each in found.all("CommonPrefixes"):
            text = children(each).get("Prefix", "")
            key = self._key(text, encoded, closing="/")
            if key is not None:
                prefixes.append(key)
        token = found.text("NextContinuationToken")
        more = found.text("IsTruncated") == "true" and token
        following = cursor_of(f"{self._name}/{start}", delimiter, token) if more else None
        return ObjectPage(items, prefixes, following)

    async def tags(self, key: str) -> Mapping[str, str]:
        """The label pairs. Raises ``NotFound``."""
        reply, failure = await self._bucket.ask(
            "GET", self._path(key), query_of({"tagging": ""})
        )
        if failure is not None:
            if failure.code == "NoSuchTagSet":
                return {}
            raise self._explained(reply, failure.code, "GetObjectTagging", key)
        found = root(reply, "GetObjectTagging")
        pairs = [children(tag) for group in found.all("TagSet") for tag in group]
        return {pair.get("Key", ""): pair.get("Value", "") for pair in pairs}

    async def presign(self, key: str, method: Literal["GET", "PUT"], seconds: int) -> str:
        """A URL with which anybody may do that, for so long; not longer than the credentials
        last that sign it. Raises ``Unsupported`` for a write with ``sse_key``: the URL could
        not say it."""
        if method == "PUT" and self._encryption:
            raise not_here("presign", "a URL for writing cannot name sse_key")
        return await self._bucket.presigned(method, self._path(key), seconds)

    # -- what the calls share

    def _asking(self, if_match: str | None) -> dict[str, str]:
        headers = {} if self._kind == "none" else {"x-amz-checksum-mode": "ENABLED"}
        if if_match is not None:
            headers["if-match"] = etag_header(if_match)
        return headers

    def _explained(self, reply: Reply, code: str, action: str, key: str) -> Exception:
        """Our error for a refusal of a read."""
        if code == "PreconditionFailed" or (reply.status == 412 and not code):
            return _changed(key)
        return self._refusal(reply, action, key)

    async def _check_bucket(self) -> None:
        """Raise ``ConfigError`` if the bucket is not there: not asked where it has answered
        lately."""
        if time.monotonic() - self._seen < SEEN:
            return
        reply, _ = await self._bucket.ask("HEAD", "/")
        if reply.status == 404:
            raise ConfigError(
                "Amazon S3: there is no such bucket",
                hint="see bucket, region and objects_endpoint",
            )
        self._seen = time.monotonic()

    def _key(self, text: str, encoded: bool, closing: str = "") -> str | None:
        """The portable key of what a listing names; None if it is none."""
        if encoded:
            try:
                text = unquote_plus(text, errors="strict")
            except UnicodeDecodeError:
                return None
        if not text.startswith(self._prefix) or not text.endswith(closing):
            return None
        key = text[len(self._prefix) : len(text) - len(closing)]
        return key if is_key(key) else None

    async def _verify(self, info: ObjectInfo, data: bytes) -> None:
        """Raise ``Corrupt`` if a whole body is not what its checksum says."""
        try:
            told = info.checksums.get("sha256")
            if told is None or len(data) != info.size:
                return
            small = len(data) < _LARGE
            digest = sha256(data) if small else await asyncio.to_thread(sha256, data)
        finally:
            del data
        if digest.hex() != told:
            raise Corrupt(
                f"{shown(info.key)} is damaged: its SHA-256 is not the one kept with it"
            )


def _empty(info: ObjectInfo, start: int) -> Fragment:
    """Of a range that has no bytes. Raises ``Invalid`` where it begins beyond the end."""
    if start > info.size:
        raise Invalid(f"{shown(info.key)} has {info.size:,} bytes, none at {start:,}")
    return Fragment(info, start, b"")


def _changed(key: str) -> Conflict:
    return Conflict(f"{shown(key)} has another etag than expected, or is not there")


def _absent(key: str) -> NotFound:
    return NotFound(f"there is no object {shown(key)}")
