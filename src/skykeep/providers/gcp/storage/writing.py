"""Objects of Cloud Storage are written whole, and deleted."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from skykeep.errors import Invalid, SkykeepError, Unavailable
from skykeep.interfaces.object_driver import (
    ALWAYS,
    DEFAULT_CONTENT_TYPE,
    NO_ATTRIBUTES,
    Condition,
    ObjectAttributes,
    ObjectInfo,
)
from skykeep.interfaces.side_by_side import side_by_side
from skykeep.providers.gcp.storage.answers import FIELDS, Resource, kept_metadata
from skykeep.providers.gcp.storage.bucket import (
    AT_ONCE,
    MAX_WRITE,
    conditions,
    no_bucket,
    query_of,
)
from skykeep.providers.gcp.storage.client import decoded, strange
from skykeep.providers.gcp.storage.errors import DAMAGED, TITLE, is_gone
from skykeep.providers.gcp.storage.reading import Reading

_FIELDS: Final = query_of({"fields": FIELDS})


class Writing(Reading):
    """Writes of one call, and deletes."""

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
            place = self._place(key)
            query = conditions(condition, key)
            written = await self._insert(
                place, data, resource_of(attributes), query, key=key, condition=condition
            )
        finally:
            del data
        return written.info(key)

    async def _insert(
        self,
        place: str,
        data: bytes,
        resource: Mapping[str, Any],
        query: Mapping[str, str],
        *,
        key: str,
        condition: Condition = ALWAYS,
    ) -> Resource:
        """One ``objects.insert`` with metadata and body ("multipart upload"): the service
        refuses a body of another CRC-32C than is sent with it."""
        try:
            size = len(data)
            named = {**resource, "name": place, "crc32c": await self._sum(data)}
            kind = resource["contentType"]
            boundary = secrets.token_hex(16)  # 128 bits: in no body
            first = f"--{boundary}\r\ncontent-type: application/json; charset=UTF-8\r\n\r\n"
            second = f"\r\n--{boundary}\r\ncontent-type: {kind}\r\n\r\n"
            last = f"\r\n--{boundary}--"
            about = msgspec.json.encode(named)
            body = b"".join((first.encode(), about, second.encode(), data, last.encode()))
            written = await self._uploaded(
                {"uploadType": "multipart", **query},
                f"multipart/related; boundary={boundary}",
                body,
                key=key,
                condition=condition,
            )
        finally:
            body = b""
            del data
        if written.size != str(size) or not written.generation:
            raise strange("tells another object than was sent")
        return written

    async def _insert_alone(self, place: str, key: str, data: bytes) -> None:
        """The same without metadata ("simple upload"), which sends the body as it is and makes
        no copy of it. The checksum is compared here, so only for what nobody sees yet."""
        try:
            size, sum_ = len(data), await self._sum(data)
            asked = {"uploadType": "media", "name": place}
            written = await self._uploaded(asked, DEFAULT_CONTENT_TYPE, data, key=key)
        finally:
            del data
        if written.size != str(size) or not written.generation:
            raise strange("tells another object than was sent")
        if written.crc32c != sum_:
            raise Unavailable(f"{TITLE}: {DAMAGED.says}", hint=DAMAGED.hint)

    async def _uploaded(
        self,
        asked: Mapping[str, str],
        kind: str,
        body: bytes,
        *,
        key: str,
        condition: Condition = ALWAYS,
    ) -> Resource:
        try:
            query = query_of({**asked, **self._encryption()})
            reply, failure = await self._client.ask(
                "POST",
                f"/upload/storage/v1/b/{self._name}/o?{query}&{_FIELDS}",
                headers={"Content-Type": kind},
                body=body,
            )
        finally:
            del body
        if failure is not None:
            if is_gone(failure):  # nothing else can be missing
                raise no_bucket(failure.request_id)
            raise await self._unwritten(failure, "objects.insert", key, condition)
        self._answered()
        return decoded(reply, Resource)

    async def delete(self, key: str, *, if_match: str | None = None) -> None:
        """Remove it. One that is not there is removed already, unless ``if_match`` is given."""
        condition = Condition(if_match)
        target = self._object(self._place(key), **conditions(condition, key))
        _, failure = await self._client.ask("DELETE", target)
        if failure is None:
            self._answered()
        elif is_gone(failure) and if_match is None:
            await self._check_bucket()
        else:
            raise await self._unwritten(failure, "objects.delete", key, condition)

    async def delete_many(self, keys: Sequence[str]) -> Mapping[str, SkykeepError]:
        """Remove them side by side; the errors of those that are still there, by key.

        Not by the batch endpoint: it does the same calls behind one connection, a hundred at
        most, and tells each answer as HTTP inside of HTTP; each counts and costs as one.
        """

        async def one(key: str) -> SkykeepError | None:
            try:
                await self.delete(key)
            except SkykeepError as error:
                return error
            return None

        errors = await side_by_side(one, keys, AT_ONCE)
        return {key: error for key, error in zip(keys, errors, strict=True) if error}


def resource_of(attributes: ObjectAttributes) -> dict[str, Any]:
    """What a write sends of what is kept beside the body. Checked before."""
    found: dict[str, Any] = {"contentType": attributes.content_type or DEFAULT_CONTENT_TYPE}
    if pairs := kept_metadata(attributes):
        found["metadata"] = pairs
    if attributes.storage_class is not None:
        found["storageClass"] = attributes.storage_class
    return found
