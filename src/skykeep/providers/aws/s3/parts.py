"""Objects of S3 are put together from parts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final, NamedTuple
from urllib.parse import unquote_plus

from skykeep.errors import Conflict, Invalid, NotFound, SkykeepError, Unavailable
from skykeep.interfaces.names import shown
from skykeep.interfaces.object_driver import (
    ALWAYS,
    NO_ATTRIBUTES,
    Condition,
    ObjectAttributes,
    ObjectInfo,
    Upload,
)
from skykeep.providers.aws.errors import Failure, read_failure
from skykeep.providers.aws.s3.bucket import MAX_PART, MAX_PARTS, MIN_PART, conditions
from skykeep.providers.aws.s3.headers import attribute_headers, http_moment
from skykeep.providers.aws.s3.reading import Reading
from skykeep.providers.aws.s3.signing import query_of
from skykeep.providers.aws.s3.xml import children, completion, etag_of, moment, root
from skykeep.providers.wire import Reply

_ALGORITHM: Final = {"sha256": "SHA256", "crc32": "CRC32", "none": ""}
_TOKEN: Final = re.compile(r"(\d{1,5}) (\d{1,13}) ([A-Za-z0-9+/=]*) ([!-~]+)")


class Part(NamedTuple):
    """What ``complete_upload`` needs of a part; its text is what ``write_part`` gives."""

    number: int
    size: int
    checksum: str
    etag: str

    def token(self) -> str:
        """Four fields, by spaces."""
        return f"{self.number} {self.size} {self.checksum} {self.etag}"

    @classmethod
    def of(cls, token: str) -> Part | None:
        """The part; None for what is no token of ours."""
        found = _TOKEN.fullmatch(token)
        if found is None:
            return None
        return cls(int(found[1]), int(found[2]), found[3], found[4])


class Parts(Reading):
    """Uploads in parts."""

    async def begin_upload(self, key: str, attributes: ObjectAttributes = NO_ATTRIBUTES) -> str:
        """Begin an upload in parts; its id."""
        self._check(attributes)
        headers = {**attribute_headers(attributes), **self._encryption}
        if self._kind != "none":
            headers["x-amz-checksum-algorithm"] = _ALGORITHM[self._kind]
        reply = await self._bucket.call(
            "CreateMultipartUpload",
            "POST",
            self._path(key),
            query_of({"uploads": ""}),
            subject=shown(key),
            headers=headers,
        )
        upload = root(reply, "CreateMultipartUpload").text("UploadId")
        if not upload:
            raise Unavailable("Amazon S3: an upload was begun and its id is not told")
        return upload

    async def write_part(self, key: str, upload: str, number: int, data: bytes) -> str:
        """Keep part ``number``; it may be sent again."""
        try:
            if not 1 <= number <= MAX_PARTS:
                raise Invalid(f"parts are numbered from 1 to {MAX_PARTS:,}, not {number}")
            size = len(data)
            if size > MAX_PART:
                raise Invalid(f"a part has {MAX_PART:,} bytes at most; this has {size:,}")
            headers, digest = await self._sums(data)
            reply = await self._bucket.call(
                "UploadPart",
                "PUT",
                self._path(key),
                query_of({"partNumber": str(number), "uploadId": upload}),
                subject=shown(key),
                headers=headers,
                body=data,
                digest=digest,
            )
        finally:
            del data
        checksum = next(iter(headers.values()), "")
        return Part(number, size, checksum, reply.headers.get("etag", "?")).token()

    async def complete_upload(
        self, key: str, upload: str, parts: Sequence[str], condition: Condition = ALWAYS
    ) -> ObjectInfo:
        """Put the parts together; their numbers go up in this order."""
        known = self._known(key, parts)
        body = completion(
            [(part.number, part.etag, part.checksum) for part in known], _ALGORITHM[self._kind]
        )
        headers, digest = conditions(condition), self._sums_of(body)[1]
        reply, failure = await self._bucket.ask(
            "POST",
            self._path(key),
            query_of({"uploadId": upload}),
            headers={**headers, "content-type": "application/xml"},
            body=body,
            digest=digest,
        )
        # S3 begins its answer before it knows what it will be: "200" may hold an error.
        done = None if failure is not None else root(reply, "CompleteMultipartUpload")
        if done is None or done.name == "Error":
            refused = failure or read_failure(reply)
            if refused.code == "PreconditionFailed":
                await self._check_upload(key, upload)
            raise self._not_complete(key, reply, refused, condition)
        etag = etag_of(done.text("ETag"))
        size = sum(part.size for part in known)
        return await self._completed(
            key, etag, size, http_moment(reply.headers.get("date", ""))
        )

    async def _check_upload(self, key: str, upload: str) -> None:
        """Raise ``NotFound`` for an upload that has ended: which of the two a store looks at
        first, this or the condition, is nowhere said."""
        asked = query_of({"uploadId": upload, "max-parts": "1"})
        reply, failure = await self._bucket.ask("GET", self._path(key), asked)
        if failure is not None and failure.code == "NoSuchUpload":
            raise self._refusal(reply, "ListParts", key)

    def _not_complete(
        self, key: str, reply: Reply, failure: Failure, condition: Condition
    ) -> SkykeepError:
        if failure.code == "ConditionalRequestConflict":
            # Its page says: begin anew with CreateMultipartUpload and send each part again.
            return Conflict(
                f"another write of {shown(key)} was under way",
                hint="send it again, whole",
                request_id=failure.request_id,
            )
        return self._unwritten(reply, failure, key, condition, action="CompleteMultipartUpload")

    async def _completed(self, key: str, etag: str, size: int, ended: datetime) -> ObjectInfo:
        """What is known of the object that was put together: its attributes are told by
        another call, whose failure is none of the write."""
        try:
            found = await self._head(key, etag or None)
        except SkykeepError:
            return ObjectInfo(key, size, etag, ended)
        return replace(found, size=size)

    def _known(self, key: str, tokens: Sequence[str]) -> list[Part]:
        """The parts. Raises ``Invalid`` for what makes no object."""
        parts = [part for part in map(Part.of, tokens) if part is not None]
        if not parts or len(parts) < len(tokens):
            raise Invalid(f"these are not the parts that the upload of {shown(key)} has")
        numbers = [part.number for part in parts]
        if numbers != sorted(set(numbers)):
            raise Invalid("S3 puts parts together in the order of their numbers only")
        if any(part.size < MIN_PART for part in parts[:-1]):
            raise Invalid(f"a part but the last has fewer than {MIN_PART:,} bytes")
        return parts

    async def abort_upload(self, key: str, upload: str) -> None:
        """End the upload and drop its parts."""
        try:
            await self._bucket.call(
                "AbortMultipartUpload",
                "DELETE",
                self._path(key),
                query_of({"uploadId": upload}),
                subject=shown(key),
            )
        except NotFound:
            pass  # it has ended

    async def uploads(self, prefix: str) -> Sequence[Upload]:
        """Uploads under the prefix that were begun and have not ended, the oldest first."""
        start = self._prefix + (f"{prefix}/" if prefix else "")
        asked = {"uploads": "", "prefix": start, "encoding-type": "url"}
        found: list[Upload] = []
        while True:
            reply = await self._bucket.call("ListMultipartUploads", "GET", "/", query_of(asked))
            page = root(reply, "ListMultipartUploads")
            encoded = page.text("EncodingType") == "url"
            for each in page.all("Upload"):
                fields = children(each)
                key = self._key(fields.get("Key", ""), encoded)
                if key is not None and (self._prefix + key).startswith(start):
                    begun = moment(fields.get("Initiated", ""))
                    found.append(Upload(key, fields.get("UploadId", ""), begun))
            marker, upload = page.text("NextKeyMarker"), page.text("NextUploadIdMarker")
            if page.text("IsTruncated") != "true" or not marker:
                break
            asked["key-marker"] = unquote_plus(marker) if encoded else marker
            asked["upload-id-marker"] = upload
        return sorted(found, key=lambda each: each.begun_at or datetime.min.replace(tzinfo=UTC))
