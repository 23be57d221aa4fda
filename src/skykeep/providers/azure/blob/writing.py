"""Objects of Blob Storage are written whole and deleted."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import Final

from skykeep.errors import Conflict, Invalid, NotFound, SkykeepError
from skykeep.interfaces.names import shown
from skykeep.interfaces.object_driver import (
    ALWAYS,
    DEFAULT_CONTENT_TYPE,
    NO_ATTRIBUTES,
    Condition,
    ObjectAttributes,
    ObjectInfo,
)
from skykeep.interfaces.side_by_side import side_by_side
from skykeep.providers.azure.blob.container import (
    MAX_PART,
    MAX_WRITE,
    MISSING,
    NOT_SO,
    conditions,
)
from skykeep.providers.azure.blob.copying import Copying
from skykeep.providers.azure.blob.headers import attribute_headers, http_moment, md5_of
from skykeep.providers.azure.blob.parts import NotThere, block_of

AT_ONCE: Final = 16
"""Deletes side by side. Blob Batch would save connections, not transactions, and cannot be used
in accounts with a hierarchical namespace."""


class BlobObjects(Copying):
    """The whole driver."""

    async def write(
        self,
        key: str,
        data: bytes,
        attributes: ObjectAttributes = NO_ATTRIBUTES,
        condition: Condition = ALWAYS,
    ) -> ObjectInfo:
        """Keep the body whole, or nothing of it; what was there is replaced."""
        try:
            self._check(attributes)
            size = len(data)
            if size > MAX_WRITE:
                raise Invalid(f"one write takes {MAX_WRITE:,} bytes at most; this has {size:,}")
            kept = {
                **attribute_headers(attributes),
                **self._encryption,
                **conditions(condition),
                **await self._md5(data),
            }
            reply, failure = await self._container.ask(
                "PUT",
                self._path(key),
                headers={**kept, "x-ms-blob-type": "BlockBlob"},
                body=data,
            )
            if failure is None:
                modified = http_moment(reply.headers.get("last-modified", ""))
                made = ObjectInfo(key, size, reply.headers.get("etag", ""), modified)
            elif condition.if_absent and failure.code in NOT_SO and not await self._there(key):
                made = await self._created(key, data, attributes, condition)
            else:
                raise self._unwritten(failure, key, condition, "Put Blob")
        finally:
            del data
        return ObjectInfo(
            key,
            size,
            made.etag,
            made.modified_at,
            attributes.content_type or DEFAULT_CONTENT_TYPE,
            {name.lower(): value for name, value in attributes.metadata.items()},
            attributes.storage_class,
            md5_of("" if failure is not None else reply.headers.get("content-md5", "")),
        )

    async def _there(self, key: str) -> bool:
        """Whether there is such an object; parts that no list has named are none."""
        try:
            await self._head(key, None)
        except NotFound:
            return False
        return True

    async def _created(
        self, key: str, data: bytes, attributes: ObjectAttributes, condition: Condition
    ) -> ObjectInfo:
        """As ``write``, where parts of an upload that has not ended are at the key: Azurite,
        and perhaps Azure, takes them for an object when a blob is to be created whole, and not
        when one is put together."""
        upload = secrets.token_hex(16)
        blocks: list[str] = []
        try:
            for at in range(0, len(data), MAX_PART):
                block = block_of(upload, len(blocks) + 1, bytes(16))
                await self._staged(key, block, data[at : at + MAX_PART])
                blocks.append(block)
        finally:
            del data
        try:
            return await self._committed(key, blocks, attribute_headers(attributes), condition)
        except NotThere as gone:
            raise Conflict(
                f"another write of {shown(key)} came between", request_id=gone.request_id
            ) from None

    async def delete(self, key: str, *, if_match: str | None = None) -> None:
        """Remove it and its snapshots. One that is not there is removed already, unless
        ``if_match`` is given."""
        condition = Condition(if_match)
        _, failure = await self._container.ask(
            "DELETE",
            self._path(key),
            headers={**conditions(condition), "x-ms-delete-snapshots": "include"},
        )
        if failure is None or (failure.code in MISSING and if_match is None):
            return
        raise self._unwritten(failure, key, condition, "Delete Blob")

    async def delete_many(self, keys: Sequence[str]) -> Mapping[str, SkykeepError]:
        """Remove them, some side by side; the errors of those that are still there."""
        errors: dict[str, SkykeepError] = {}

        async def one(key: str) -> None:
            try:
                await self.delete(key)
            except SkykeepError as error:
                errors[key] = error

        await side_by_side(one, keys, AT_ONCE)
        return errors
