"""Objects of S3 are written whole, deleted and copied."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence

from skykeep.errors import Invalid, SkykeepError
from skykeep.interfaces.names import shown
from skykeep.interfaces.object_driver import (
    ALWAYS,
    DEFAULT_CONTENT_TYPE,
    NO_ATTRIBUTES,
    Condition,
    ObjectAttributes,
    ObjectInfo,
)
from skykeep.providers.aws.errors import Failure, printable
from skykeep.providers.aws.s3.administering import Administering
from skykeep.providers.aws.s3.bucket import MAX_PART, conditions, etag_header
from skykeep.providers.aws.s3.copying import Copying
from skykeep.providers.aws.s3.errors import of_failure
from skykeep.providers.aws.s3.headers import (
    DEFAULT_CLASS,
    attribute_headers,
    http_moment,
)
from skykeep.providers.aws.s3.signing import query_of
from skykeep.providers.aws.s3.xml import children, deletion, in_xml, root


class S3Objects(Copying, Administering):
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
            if size > MAX_PART:
                raise Invalid(f"one write takes {MAX_PART:,} bytes at most; this has {size:,}")
            kept = {
                **attribute_headers(attributes),
                **self._encryption,
                **conditions(condition),
            }
            sums, digest = await self._sums(data)
            reply, failure = await self._bucket.ask(
                "PUT", self._path(key), headers={**kept, **sums}, body=data, digest=digest
            )
        finally:
            del data
        if failure is not None:
            raise self._unwritten(reply, failure, key, condition, action="PutObject")
        return ObjectInfo(
            key,
            size,
            reply.headers.get("etag", ""),
            http_moment(reply.headers.get("date", "")),
            attributes.content_type or DEFAULT_CONTENT_TYPE,
            {name.lower(): value for name, value in attributes.metadata.items()},
            attributes.storage_class or DEFAULT_CLASS,
            {"sha256": digest} if digest and self._kind == "sha256" else {},
        )

    async def delete(self, key: str, *, if_match: str | None = None) -> None:
        """Remove it. One that is not there is removed already, unless ``if_match`` is given."""
        headers = {} if if_match is None else {"if-match": etag_header(if_match)}
        reply, failure = await self._bucket.ask("DELETE", self._path(key), headers=headers)
        if failure is None or (failure.code == "NoSuchKey" and if_match is None):
            return
        raise self._unwritten(reply, failure, key, Condition(if_match), action="DeleteObject")

    async def delete_many(self, keys: Sequence[str]) -> Mapping[str, SkykeepError]:
        """Remove them, a thousand with each call; the errors of those that are still there."""
        errors: dict[str, SkykeepError] = {}
        for key in keys:
            if not in_xml(key):
                try:
                    await self.delete(key)
                except SkykeepError as error:
                    errors[key] = error
        listed = [key for key in keys if in_xml(key)]
        for at in range(0, len(listed), 1000):
            errors |= await self._delete_some(listed[at : at + 1000])
        return errors

    async def _delete_some(self, keys: Sequence[str]) -> dict[str, SkykeepError]:
        body = deletion([self._prefix + key for key in keys])
        headers, digest = self._sums_of(body)
        if not headers:  # S3 wants one of the two
            md5 = hashlib.md5(body, usedforsecurity=False).digest()
            headers = {"content-md5": base64.b64encode(md5).decode()}
        reply = await self._bucket.call(
            "DeleteObjects",
            "POST",
            "/",
            query_of({"delete": ""}),
            headers={**headers, "content-type": "application/xml"},
            body=body,
            digest=digest,
        )
        done = root(reply, "DeleteObjects")
        if done.name == "Error":
            raise self._bucket.refusal(reply, "DeleteObjects", "")
        errors: dict[str, SkykeepError] = {}
        for each in done.all("Error"):
            fields = children(each)
            key = fields.get("Key", "").removeprefix(self._prefix)
            code = fields.get("Code", "")
            failure = Failure(
                reply.status,
                code,
                printable(fields.get("Message", "")),
                reply.headers.get("x-amz-request-id", ""),
            )
            if code != "NoSuchKey":
                errors[key] = of_failure(failure, subject=shown(key), action="DeleteObjects")
        return errors
