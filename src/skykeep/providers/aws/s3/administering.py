"""The bucket itself: its lifecycle rules, and where it is."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from typing import Final

from skykeep.interfaces.object_driver import LifecycleRule
from skykeep.providers.aws.s3.bucket import Objects
from skykeep.providers.aws.s3.errors import real_region
from skykeep.providers.aws.s3.lifecycle import Lifecycle
from skykeep.providers.aws.s3.signing import query_of
from skykeep.providers.aws.s3.xml import root

_ASKED: Final = query_of({"lifecycle": ""})
_LEAST_SIZE: Final = "x-amz-transition-default-minimum-object-size"
"""What is too small to be moved: of the whole bucket, and told and set with its rules."""


class Administering(Objects):
    """What is said of the bucket."""

    async def lifecycle(self) -> Sequence[LifecycleRule]:
        """Our rules, in the order of their prefixes."""
        return (await self._lifecycle())[0].own()

    async def set_lifecycle(self, rules: Sequence[LifecycleRule]) -> None:
        """Make our rules these; others' stay. S3 knows no conditions here: of two who change
        rules at once, the later one counts."""
        there, kept = await self._lifecycle()
        body = there.replaced(rules)
        if body is None:
            await self._bucket.call("DeleteBucketLifecycle", "DELETE", "/", _ASKED)
            return
        headers, digest = self._sums_of(body)
        if not headers:  # S3 wants one of the two
            md5 = hashlib.md5(body, usedforsecurity=False).digest()
            headers = {"content-md5": base64.b64encode(md5).decode()}
        await self._bucket.call(
            "PutBucketLifecycleConfiguration",
            "PUT",
            "/",
            _ASKED,
            headers={**headers, **kept, "content-type": "application/xml"},
            body=body,
            digest=digest,
        )

    async def _lifecycle(self) -> tuple[Lifecycle, dict[str, str]]:
        """The rules, and the header that has to be sent again with them."""
        reply, failure = await self._bucket.ask("GET", "/", _ASKED)
        action = "GetBucketLifecycleConfiguration"
        if failure is not None:
            if failure.code == "NoSuchLifecycleConfiguration":
                return Lifecycle((), self._prefix), {}
            raise self._bucket.refusal(reply, action, "")
        least = reply.headers.get(_LEAST_SIZE)
        kept = {_LEAST_SIZE: least} if least else {}
        return Lifecycle(root(reply, action).all("Rule"), self._prefix), kept

    async def region(self) -> str | None:
        """Where the bucket is. Both requests carry the bucket's name and nothing else.

        S3 tells it with every answer to ``HeadBucket``, a refusal included
        (``GetBucketLocation``, Amazon S3 API Reference, which recommends it). Other stores tell
        it only when they are asked for the location, and then an empty one says nothing.
        """
        reply, _ = await self._bucket.ask("HEAD", "/")
        if told := real_region(reply):
            return told
        reply = await self._bucket.call(
            "GetBucketLocation", "GET", "/", query_of({"location": ""})
        )
        place = root(reply, "GetBucketLocation").own.strip()
        return {"EU": "eu-west-1"}.get(place, place) or None  # the oldest buckets of Ireland
