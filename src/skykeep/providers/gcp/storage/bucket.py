"""What reading and writing of objects share: the bucket, its limits, keys, checksums."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote, urlencode

from skykeep.errors import ConfigError, Conflict, Invalid, NotFound, SkykeepError
from skykeep.interfaces.names import shown
from skykeep.interfaces.object_driver import (
    Condition,
    ObjectAttributes,
    ObjectCapabilities,
    ObjectDriver,
)
from skykeep.interfaces.object_keys import MAX_KEY_BYTES
from skykeep.interfaces.object_writing import MARK
from skykeep.providers.gcp.checksums import checksum
from skykeep.providers.gcp.errors import Failure
from skykeep.providers.gcp.settings import GcpSettings
from skykeep.providers.gcp.storage.answers import kept_metadata, numbers_of
from skykeep.providers.gcp.storage.client import Client
from skykeep.providers.gcp.storage.errors import (
    BUCKET,
    TITLE,
    explain,
    is_condition,
    is_gone,
)

# "Quotas & limits" of Cloud Storage: 5 TiB an object, 8 KiB of names and values of custom
# metadata; parts are objects themselves. 5 GiB of one call is ours: a body is held in memory.
MAX_OBJECT: Final = 5 * 1024**4
MAX_WRITE: Final = 5 * 1024**3
MAX_PARTS: Final = 10_000
MARK_ROOM: Final = len(MARK) + 32
"""A conditional write adds its mark, whose value has 32 bytes."""
MAX_METADATA: Final = 8 * 1024 - MARK_ROOM

CLASSES: Final = ("STANDARD", "NEARLINE", "COLDLINE", "ARCHIVE")
"""Those that an object can be given ("Storage classes"); others are of old."""

AT_ONCE: Final = 16
"""Calls side by side where one call of ours is many of theirs."""
SEEN: Final = 60.0
"""Seconds for which a bucket that has answered is believed to be there: so long, a "404" that
does not say of what is the object's."""
_LARGE: Final = 1024 * 1024
"""From this size on a body's checksum is made in a thread."""


class Objects(ObjectDriver):
    """One bucket."""

    capabilities = ObjectCapabilities(
        storage_classes=CLASSES,
        lifecycle=True,
        max_write_bytes=MAX_WRITE,
        max_part_bytes=MAX_WRITE,
        max_parts=MAX_PARTS,
        max_object_bytes=MAX_OBJECT,
        max_metadata_bytes=MAX_METADATA,
    )

    def __init__(self, settings: GcpSettings, client: Client) -> None:
        """Raises ``MissingExtra``: bodies are checked."""
        self._client = client
        self._name = settings.bucket or ""
        self._prefix = settings.objects_prefix or ""
        self._kms = settings.sse_key
        self._crc = checksum()
        self._seen = float("-inf")

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    def after_fork(self) -> None:
        """In a forked child: nothing of the parent's is used again."""
        self._client.after_fork()

    # -- addresses

    def _place(self, key: str) -> str:
        """The object's name. Raises ``Invalid`` for a key too long with its prefix."""
        place = self._prefix + key
        if len(place) > MAX_KEY_BYTES // 4 and len(place.encode()) > MAX_KEY_BYTES:
            raise Invalid(
                f"{shown(key)} with objects_prefix has more than {MAX_KEY_BYTES:,} bytes"
            )
        return place

    def _object(self, place: str, call: str = "", **query: str) -> str:
        """The target of a call of the JSON API about an object."""
        return self._json(f"/o/{quote(place, safe='')}{call}", **query)

    def _json(self, path: str, **query: str) -> str:
        target = f"/storage/v1/b/{self._name}{path}"
        return f"{target}?{urlencode(query, quote_via=quote)}" if query else target

    def _media(self, place: str) -> str:
        """The target of a call of the XML API about an object."""
        return f"/{self._name}/{quote(place, safe='/-_.~')}"

    def _encryption(self, name: str = "kmsKeyName") -> dict[str, str]:
        return {name: self._kms} if self._kms else {}

    # -- refusals

    async def _refused(self, failure: Failure, action: str, key: str) -> SkykeepError:
        """Our error; where it says that something is not there, of the bucket if it is that."""
        if is_gone(failure):
            await self._check_bucket()
        return explain(failure, subject=shown(key), action=action)

    async def _unwritten(
        self, failure: Failure, action: str, key: str, condition: Condition
    ) -> SkykeepError:
        """Our error for a write that was refused."""
        if is_condition(failure):
            said = (
                f"there is an object {shown(key)} already"
                if condition.if_absent
                else f"{shown(key)} has another etag than expected, or is not there"
            )
            return Conflict(said, request_id=failure.request_id)
        if is_gone(failure) and condition.if_match is not None:
            await self._check_bucket()
            return Conflict(f"{shown(key)} is not there", request_id=failure.request_id)
        return await self._refused(failure, action, key)

    async def _check_bucket(self) -> None:
        """Raise ``ConfigError`` if the bucket is not there: not asked where it has answered
        lately. A page of a listing tells it to those who may list; others are believed."""
        if time.monotonic() - self._seen < SEEN:
            return
        target = self._json("/o", maxResults="1", fields="kind")
        _, failure = await self._client.ask("GET", target)
        if failure is not None and is_gone(failure):
            raise no_bucket(failure.request_id)
        self._answered()

    def _answered(self) -> None:
        self._seen = time.monotonic()

    # -- what is sent

    async def _sum(self, data: bytes) -> str:
        """The body's CRC-32C, base64 of four bytes, most significant first."""
        try:
            small = len(data) < _LARGE
            value = self._crc(data) if small else await asyncio.to_thread(self._crc, data)
        finally:
            del data
        return base64.b64encode(value.to_bytes(4, "big")).decode()

    def _check(self, attributes: ObjectAttributes) -> None:
        """Raise ``Invalid`` for what can never be kept."""
        wanted = attributes.storage_class
        if wanted is not None and wanted not in CLASSES:
            raise Invalid(
                f"Cloud Storage has no storage class {wanted!a}",
                hint=f"it has {', '.join(CLASSES)}",
            )
        pairs = kept_metadata(attributes)
        size = sum(len(k.encode()) + len(v.encode()) for k, v in pairs.items())
        room = MAX_METADATA + (MARK_ROOM if MARK in pairs else 0)
        if size > room:
            raise Invalid(
                f"Cloud Storage keeps at most {MAX_METADATA:,} bytes of metadata with what its "
                f"tags take of it; these are {size:,}"
            )


def conditions(condition: Condition, key: str) -> dict[str, str]:
    """A condition as parameters. Raises ``Conflict`` for an etag of another store, which no
    object here has."""
    if condition.if_absent:
        return {"ifGenerationMatch": "0"}
    if condition.if_match is None:
        return {}
    numbers = numbers_of(condition.if_match)
    if numbers is None:
        raise changed(key)
    return {"ifGenerationMatch": numbers[0], "ifMetagenerationMatch": numbers[1]}


def changed(key: str) -> Conflict:
    """The error for an object that is another one than was expected."""
    return Conflict(f"{shown(key)} has another etag than expected, or is not there")


def absent(key: str) -> NotFound:
    """The error for an object that is not there."""
    return NotFound(f"there is no object {shown(key)}")


def no_bucket(request_id: str = "") -> ConfigError:
    """The error for a bucket that is not there."""
    error = ConfigError(f"{TITLE}: {BUCKET.says}", hint=BUCKET.hint)
    error.request_id = request_id
    return error


def query_of(pairs: Mapping[str, str]) -> str:
    """A query; ``""`` if it is empty."""
    return urlencode(pairs, quote_via=quote)
