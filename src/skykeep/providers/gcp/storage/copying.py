"""Objects of Cloud Storage are copied by Cloud Storage."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from skykeep.errors import Conflict
from skykeep.interfaces.names import shown
from skykeep.interfaces.object_driver import ALWAYS, Condition, ObjectInfo
from skykeep.providers.gcp.storage.answers import FIELDS, Resource, Rewritten
from skykeep.providers.gcp.storage.bucket import absent, conditions
from skykeep.providers.gcp.storage.client import JSON, decoded, strange
from skykeep.providers.gcp.storage.errors import is_condition, is_gone
from skykeep.providers.gcp.storage.parts import Parts

_ALL: Final = f"{FIELDS},contentEncoding,contentDisposition,contentLanguage,cacheControl"


class Copying(Parts):
    """Copies inside the bucket, of any size: ``rewrite`` is called until it says that it is
    done. The copy is of the very object that was there when the first call was made."""

    async def copy(self, source: str, key: str, condition: Condition = ALWAYS) -> ObjectInfo:
        """Copy the body and what is kept with it, its storage class included."""
        there = await self._described(source)
        asked = {
            **conditions(condition, key),
            **self._encryption("destinationKmsKeyName"),
            "ifSourceGenerationMatch": there.generation,
            "ifSourceMetagenerationMatch": there.metageneration,
            "fields": f"done,rewriteToken,resource({FIELDS})",
        }
        body = msgspec.json.encode(_kept(there))
        # Where the other object is goes into the path like an object of its own.
        to = self._object(self._place(key)).removeprefix("/storage/v1")
        while True:
            reply, failure = await self._client.ask(
                "POST",
                self._object(self._place(source), f"/rewriteTo{to}", **asked),
                headers={"Content-Type": JSON},
                body=body,
            )
            if failure is not None:
                if is_condition(failure):
                    raise Conflict(
                        f"{shown(key)} is not as the condition wants it, or {shown(source)} "
                        "was replaced meanwhile",
                        request_id=failure.request_id,
                    )
                if is_gone(failure):
                    await self._check_bucket()
                    raise absent(source)
                raise await self._refused(failure, "objects.rewrite", key)
            done = decoded(reply, Rewritten)
            if done.done and done.resource is not None:
                return done.resource.info(key)
            if not done.rewrite_token:
                raise strange("says neither that the copy is done nor how to go on")
            asked["rewriteToken"] = done.rewrite_token

    async def _described(self, key: str) -> Resource:
        """All that is kept beside the body. Raises ``NotFound``."""
        target = self._object(self._place(key), fields=_ALL)
        reply, failure = await self._client.ask("GET", target)
        if failure is None:
            self._answered()
            return decoded(reply, Resource)
        if is_gone(failure):
            await self._check_bucket()
            raise absent(key)
        raise await self._refused(failure, "objects.get", key)


def _kept(there: Resource) -> dict[str, Any]:
    """What the copy is given. Said in full: what is left out of a body is not copied, and
    without a body the copy would have the bucket's default storage class."""
    found = {
        "contentType": there.content_type,
        "contentEncoding": there.content_encoding,
        "contentDisposition": there.content_disposition,
        "contentLanguage": there.content_language,
        "cacheControl": there.cache_control,
        "storageClass": there.storage_class,
        "metadata": there.metadata,
    }
    return {name: value for name, value in found.items() if value}
