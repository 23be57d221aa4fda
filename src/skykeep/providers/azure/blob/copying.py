"""Objects of Blob Storage are copied by it, from an address that it may read.

What is larger than one call copies is put together from ranges, each a block: nothing is
visible until all of it is there. The other way, a copy that Azure makes behind its answer,
shows a blob that is not whole yet, and goes on if nobody waits for it any more.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from skykeep.errors import Conflict, SkykeepError
from skykeep.interfaces.names import shown
from skykeep.interfaces.object_driver import (
    ALWAYS,
    Condition,
    ObjectAttributes,
    ObjectInfo,
)
from skykeep.providers.azure.blob.container import MAX_PARTS, NOT_SO, conditions
from skykeep.providers.azure.blob.errors import Failure
from skykeep.providers.azure.blob.headers import (
    TIER,
    attribute_headers,
    http_moment,
    info_of,
    served_headers,
    tagging,
)
from skykeep.providers.azure.blob.parts import NotThere, Parts, block_of
from skykeep.providers.azure.blob.signing import query_of
from skykeep.providers.wire import Reply

MAX_COPY: Final = 256 * 1024 * 1024
"""Bytes that one Copy Blob From URL takes (its page: 256 MiB)."""
RANGE: Final = 1024 * 1024 * 1024
"""Bytes of a range of a larger one; Put Block From URL takes 4,000 MiB."""
PATIENCE: Final = 3600
"""Seconds for which Azure may read the source by a URL that we sign."""


class Copying(Parts):
    """Copies inside the container. Asks for the source first: its size decides how, and what is
    kept beside it is told to the caller; the copy is of that very object or none."""

    async def copy(self, source: str, key: str, condition: Condition = ALWAYS) -> ObjectInfo:
        """Copy the body and what is kept with it, its tier included. A copy onto itself is what
        is there."""
        found = await self._head(source, None)
        there = info_of(source, found)
        if source == key:
            if condition.if_absent or condition.if_match not in {None, there.etag}:
                raise Conflict(f"{shown(key)} is not as the condition wants it")
            return there
        tags = await self.tags(source) if found.headers.get("x-ms-tag-count") else {}
        if there.size > MAX_COPY:
            return await self._copied_in_parts(found, there, tags, key, condition)
        headers = {
            **await self._source(there),
            **conditions(condition),
            **self._encryption,
            "x-ms-requires-sync": "true",
        }
        if there.storage_class is not None:
            headers[TIER] = there.storage_class
        if tags:
            headers["x-ms-tags"] = tagging(tags)
        try:
            reply, failure = await self._container.ask("PUT", self._path(key), headers=headers)
        finally:
            del headers  # it may hold a signature
        if failure is not None:
            raise self._not_copied(failure, source, key, condition)
        return replace(
            there,
            key=key,
            etag=reply.headers.get("etag", ""),
            modified_at=http_moment(reply.headers.get("last-modified", "")),
        )

    async def _copied_in_parts(
        self,
        found: Reply,
        there: ObjectInfo,
        tags: Mapping[str, str],
        key: str,
        condition: Condition,
    ) -> ObjectInfo:
        size = max(RANGE, -(-there.size // MAX_PARTS))
        upload = secrets.token_hex(16)
        blocks = []
        for number, start in enumerate(range(0, there.size, size), 1):
            block = block_of(upload, number, bytes(16))
            end = min(start + size, there.size) - 1
            headers = {
                **await self._source(there),
                **self._encryption,
                "x-ms-source-range": f"bytes={start}-{end}",
            }
            asked = {"comp": "block", "blockid": block}
            try:
                _, failure = await self._container.ask(
                    "PUT", self._path(key), asked, headers=headers
                )
            finally:
                del headers
            if failure is not None:
                raise self._not_copied(failure, there.key, key, ALWAYS)
            blocks.append(block)
        kept = ObjectAttributes(there.content_type, there.metadata, tags, there.storage_class)
        try:
            made = await self._committed(
                key, blocks, {**attribute_headers(kept), **served_headers(found)}, condition
            )
        except NotThere as gone:
            raise Conflict(
                f"another write of {shown(key)} came between",
                hint="copy it again",
                request_id=gone.request_id,
            ) from None
        return replace(
            there, key=key, etag=made.etag, modified_at=made.modified_at, checksums={}
        )

    async def _source(self, there: ObjectInfo) -> dict[str, str]:
        """Where Azure reads, by what right, and which object it has to be."""
        pairs, headers = await self._container.access.of_source()
        if self._container.access.key is not None:
            place = await self._signed_url(there.key, "r", PATIENCE)
        else:
            place = self._container.place_of(self._path(there.key))
        if pairs:
            place += f"?{query_of(pairs)}"
        return {
            **headers,
            "x-ms-copy-source": place,
            "x-ms-source-if-match": there.etag,
        }

    def _not_copied(
        self, failure: Failure, source: str, key: str, condition: Condition
    ) -> SkykeepError:
        if failure.code in NOT_SO or failure.code == "SourceConditionNotMet":
            return Conflict(
                f"{shown(key)} is not as the condition wants it, or {shown(source)} was "
                "replaced meanwhile",
                request_id=failure.request_id,
            )
        return self._unwritten(failure, key, condition, "Copy Blob From URL")
