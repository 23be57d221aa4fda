"""What reading and writing of objects share: the bucket, its limits, keys."""

from __future__ import annotations

import asyncio
import base64
import zlib
from typing import Final

from skykeep.envelope.digests import sha256
from skykeep.errors import Conflict, Invalid, SkykeepError, Unsupported
from skykeep.interfaces.names import shown
from skykeep.interfaces.object_driver import (
    Condition,
    ObjectAttributes,
    ObjectCapabilities,
    ObjectDriver,
)
from skykeep.interfaces.object_keys import MAX_KEY_BYTES
from skykeep.interfaces.object_writing import MARK
from skykeep.providers.aws.errors import Failure
from skykeep.providers.aws.s3.client import Bucket, path_of
from skykeep.providers.aws.settings import AwsSettings
from skykeep.providers.wire import Reply

# "Amazon S3 multipart upload limits", Amazon S3 User Guide; 10,000 parts of 5 GiB.
_MEBIBYTE: Final = 1024 * 1024
MIN_PART: Final = 5 * _MEBIBYTE
MAX_PART: Final = 5 * 1024 * _MEBIBYTE
MAX_PARTS: Final = 10_000
# "User-defined object metadata": 2 KB of names and values. A conditional write adds its mark,
# whose value has 32 bytes.
MARK_ROOM: Final = len(MARK) + 32
MAX_METADATA: Final = 2 * 1024 - MARK_ROOM

# Those of ``StorageClass`` in botocore's model that PutObject takes in a region.
CLASSES: Final = (
    "STANDARD",
    "STANDARD_IA",
    "ONEZONE_IA",
    "INTELLIGENT_TIERING",
    "GLACIER_IR",
    "GLACIER",
    "DEEP_ARCHIVE",
    "REDUCED_REDUNDANCY",
)

_LARGE: Final = 1 * _MEBIBYTE
"""From this size on a body's digest is made in a thread; it takes a millisecond."""


class Objects(ObjectDriver):
    """One bucket."""

    capabilities = ObjectCapabilities(
        storage_classes=CLASSES,
        lifecycle=True,
        etag_of_attributes=False,
        max_write_bytes=MAX_PART,
        min_part_bytes=MIN_PART,
        max_part_bytes=MAX_PART,
        max_parts=MAX_PARTS,
        max_object_bytes=MAX_PARTS * MAX_PART,
        max_metadata_bytes=MAX_METADATA,
    )

    def __init__(self, settings: AwsSettings, bucket: Bucket) -> None:
        self._bucket = bucket
        self._name = settings.bucket or ""
        self._prefix = settings.objects_prefix or ""
        self._kind = settings.object_checksum
        self._encryption: dict[str, str] = {}
        if settings.sse_key:
            self._encryption = {
                "x-amz-server-side-encryption": "aws:kms",
                "x-amz-server-side-encryption-aws-kms-key-id": settings.sse_key,
            }

    async def close(self) -> None:
        """Close the connections."""
        await self._bucket.close()

    def after_fork(self) -> None:
        """In a forked child: nothing of the parent's is used again."""
        self._bucket.after_fork()

    def _path(self, key: str) -> str:
        """Where the object is. Raises ``Invalid`` for a key too long with its prefix."""
        place = self._prefix + key
        if len(place) > MAX_KEY_BYTES // 4 and len(place.encode()) > MAX_KEY_BYTES:
            raise Invalid(
                f"{shown(key)} with objects_prefix has more than {MAX_KEY_BYTES:,} bytes"
            )
        return path_of(place)

    def _refusal(self, reply: Reply, action: str, key: str) -> SkykeepError:
        return self._bucket.refusal(reply, action, shown(key))

    def _unwritten(
        self,
        reply: Reply,
        failure: Failure,
        key: str,
        condition: Condition,
        *,
        action: str,
    ) -> SkykeepError:
        """Our error for a write that was refused."""
        if condition.if_match is not None and failure.code == "NoSuchKey":
            return Conflict(f"{shown(key)} is not there", request_id=failure.request_id)
        if failure.code == "PreconditionFailed":
            said = (
                f"there is an object {shown(key)} already"
                if condition.if_absent
                else f"{shown(key)} has another etag than expected"
            )
            return Conflict(said, request_id=failure.request_id)
        return self._refusal(reply, action, key)

    async def _sums(self, data: bytes) -> tuple[dict[str, str], str | None]:
        """The headers that say the body's checksum, and what the signature says of the body."""
        try:
            if len(data) < _LARGE:
                return self._sums_of(data)
            return await asyncio.to_thread(self._sums_of, data)
        finally:
            del data

    def _sums_of(self, data: bytes) -> tuple[dict[str, str], str | None]:
        if self._kind == "sha256":
            digest = sha256(data)
            encoded = base64.b64encode(digest).decode()
            return {"x-amz-checksum-sha256": encoded}, digest.hex()
        signed = None if self._bucket.over_tls else sha256(data).hex()
        if self._kind == "crc32":
            encoded = base64.b64encode(zlib.crc32(data).to_bytes(4, "big")).decode()
            return {"x-amz-checksum-crc32": encoded}, signed
        return {}, signed

    def _check(self, attributes: ObjectAttributes) -> None:
        """Raise ``Invalid`` for what can never be kept."""
        wanted = attributes.storage_class
        if wanted is not None and wanted not in CLASSES:
            raise Invalid(
                f"S3 has no storage class {wanted!a}", hint=f"it has {', '.join(CLASSES)}"
            )
        size = sum(len(k.encode()) + len(v.encode()) for k, v in attributes.metadata.items())
        room = MAX_METADATA + (MARK_ROOM if MARK in attributes.metadata else 0)
        if size > room:
            raise Invalid(
                f"S3 keeps at most {MAX_METADATA:,} bytes of metadata; these are {size:,}"
            )


def conditions(condition: Condition) -> dict[str, str]:
    """A condition as headers."""
    if condition.if_absent:
        return {"if-none-match": "*"}
    return {} if condition.if_match is None else {"if-match": etag_header(condition.if_match)}


def etag_header(etag: str) -> str:
    """An etag as it is sent. Raises ``Invalid`` for one of another store, which no header can
    carry."""
    if not etag.isprintable() or not etag.isascii():
        raise Invalid("this etag is of another store")
    return etag


def not_here(what: str, why: str) -> Unsupported:
    """The error for what S3 could do and this target cannot."""
    return Unsupported(f"S3 cannot do '{what}' here: {why}", hint="nothing happened")
