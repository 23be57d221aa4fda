"""Objects of S3 are copied by S3: in one call, or in ranges what is larger than one takes."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import quote

from skykeep.errors import Conflict, SkykeepError
from skykeep.interfaces.names import shown
from skykeep.interfaces.object_driver import (
    ALWAYS,
    Condition,
    ObjectAttributes,
    ObjectInfo,
)
from skykeep.providers.aws.errors import read_failure
from skykeep.providers.aws.s3.bucket import conditions
from skykeep.providers.aws.s3.headers import attribute_headers
from skykeep.providers.aws.s3.parts import Part, Parts
from skykeep.providers.aws.s3.signing import query_of
from skykeep.providers.aws.s3.xml import etag_of, moment, root
from skykeep.providers.wire import Reply

MAX_COPY = 5 * 1024**3
"""The largest that one CopyObject takes ("CopyObject", Amazon S3 API Reference: 5 GB)."""
RANGE = 1024**3
"""Bytes of a range of a larger one."""


class Copying(Parts):
    """Copies inside the bucket. Asks for the source first: its size decides how, and what is
    kept beside it is told to the caller; the copy is of that very object or none."""

    async def copy(self, source: str, key: str, condition: Condition = ALWAYS) -> ObjectInfo:
        """Copy the body and what is kept with it, its storage class included."""
        there = await self._head(source, None)
        if there.size > MAX_COPY:
            return await self._copy_in_parts(there, source, key, condition)
        headers = {
            **conditions(condition),
            **self._encryption,
            **self._source(source, there),
        }
        if there.storage_class is not None:
            headers["x-amz-storage-class"] = there.storage_class
        if source == key:
            # S3 copies nothing onto itself unless something about it is said anew.
            attributes = ObjectAttributes(there.content_type, there.metadata)
            headers |= attribute_headers(attributes)
            headers["x-amz-metadata-directive"] = "REPLACE"
        reply, failure = await self._bucket.ask("PUT", self._path(key), headers=headers)
        done = None if failure is not None else root(reply, "CopyObject")
        if done is None or done.name == "Error":
            refused = failure or read_failure(reply)
            raise self._not_copied(reply, refused.code, (source, key), condition)
        return replace(
            there,
            key=key,
            etag=etag_of(done.text("ETag")),
            modified_at=moment(done.text("LastModified")),
        )

    async def _copy_in_parts(
        self, there: ObjectInfo, source: str, key: str, condition: Condition
    ) -> ObjectInfo:
        attributes = ObjectAttributes(
            there.content_type, there.metadata, await self.tags(source), there.storage_class
        )
        upload = await self.begin_upload(key, attributes)
        try:
            size = max(RANGE, -(-there.size // self.capabilities.max_parts))
            tokens = [
                await self._copy_range(
                    there, source, key, upload, number, start=start, size=size
                )
                for number, start in enumerate(range(0, there.size, size), 1)
            ]
            return await self.complete_upload(key, upload, tokens, condition)
        except BaseException:
            try:
                await self.abort_upload(key, upload)
            except SkykeepError:
                pass  # the caller is told of the failure that led here
            raise

    async def _copy_range(
        self,
        there: ObjectInfo,
        source: str,
        key: str,
        upload: str,
        number: int,
        *,
        start: int,
        size: int,
    ) -> str:
        end = min(start + size, there.size)
        reply, failure = await self._bucket.ask(
            "PUT",
            self._path(key),
            query_of({"partNumber": str(number), "uploadId": upload}),
            headers={
                **self._source(source, there),
                "x-amz-copy-source-range": f"bytes={start}-{end - 1}",
            },
        )
        done = None if failure is not None else root(reply, "UploadPartCopy")
        if done is None or done.name == "Error":
            refused = failure or read_failure(reply)
            raise self._not_copied(reply, refused.code, (source, key), ALWAYS)
        checksum = "" if self._kind == "none" else done.text(f"Checksum{self._kind.upper()}")
        return Part(number, end - start, checksum, etag_of(done.text("ETag"))).token()

    def _source(self, source: str, there: ObjectInfo) -> dict[str, str]:
        place = quote(f"{self._name}/{self._prefix}{source}", safe="/-_.~")
        return {"x-amz-copy-source": place, "x-amz-copy-source-if-match": there.etag}

    def _not_copied(
        self, reply: Reply, code: str, keys: tuple[str, str], condition: Condition
    ) -> SkykeepError:
        source, key = keys
        error = self._refusal(reply, "CopyObject", key)
        if code == "PreconditionFailed" or (
            # The source was there a moment ago: it is the other one that is missing.
            code == "NoSuchKey" and condition.if_match is not None
        ):
            return Conflict(
                f"{shown(key)} is not as the condition wants it, or {shown(source)} was "
                "replaced meanwhile",
                request_id=error.request_id,
            )
        return error
