"""What reading and writing of objects share: the container, its limits, keys."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from skykeep.errors import Conflict, Invalid, SkykeepError, Unsupported
from skykeep.interfaces.names import shown
from skykeep.interfaces.object_driver import (
    Condition,
    LifecycleRule,
    ObjectAttributes,
    ObjectCapabilities,
    ObjectDriver,
)
from skykeep.interfaces.object_keys import MAX_KEY_BYTES, check_key
from skykeep.interfaces.object_writing import MARK
from skykeep.providers.azure.blob.client import Container, path_of
from skykeep.providers.azure.blob.errors import Failure
from skykeep.providers.azure.blob.management import Management
from skykeep.providers.azure.blob.names import stored
from skykeep.providers.azure.settings import AzureSettings

_MEBIBYTE: Final = 1024 * 1024
# "Scale targets for Blob storage", azure-docs ``storage-blob-scale-targets.md``.
MAX_WRITE: Final = 5000 * _MEBIBYTE
MAX_PART: Final = 4000 * _MEBIBYTE
MAX_PARTS: Final = 50_000
# "Setting and retrieving properties and metadata for blob resources": 8 KiB of names and
# values. A conditional write adds its mark, whose value has 32 bytes.
ALL_METADATA: Final = 8 * 1024
MARK_ROOM: Final = len(stored(MARK)) + 32
MAX_METADATA: Final = ALL_METADATA - MARK_ROOM

CLASSES: Final = ("Hot", "Cool", "Cold", "Archive")
"""The access tiers of block blobs ("Access tiers for blob data")."""

MISSING: Final = frozenset({"BlobNotFound", "ResourceNotFound"})
"""Said where a condition wants an etag of what is not there."""
NOT_SO: Final = frozenset({"ConditionNotMet", "BlobAlreadyExists", "TargetConditionNotMet"})
_LARGE: Final = 1 * _MEBIBYTE
"""From this size on a body's digest is made in a thread; it takes a millisecond."""

CAPABILITIES: Final = ObjectCapabilities(
    storage_classes=CLASSES,
    ordered=False,
    max_write_bytes=MAX_WRITE,
    max_part_bytes=MAX_PART,
    max_parts=MAX_PARTS,
    max_object_bytes=MAX_PARTS * MAX_PART,
    max_metadata_bytes=MAX_METADATA,
)


class Objects(ObjectDriver):
    """One container."""

    def __init__(
        self, settings: AzureSettings, container: Container, management: Management | None
    ) -> None:
        """``management``: of the account; None where the settings do not say where it is."""
        self._container = container
        self._management = management
        self._prefix = settings.objects_prefix or ""
        self._checked = settings.object_checksum == "md5"
        self._scope = settings.encryption_scope or ""
        self._encryption = {"x-ms-encryption-scope": self._scope} if self._scope else {}
        self._live: dict[tuple[str, str], float] = {}
        self.capabilities = replace(
            CAPABILITIES, lifecycle=management is not None, presign=container.access.signs
        )

    async def close(self) -> None:
        """Close the connections."""
        try:
            if self._management is not None:
                await self._management.close()
        finally:
            await self._container.close()

    def after_fork(self) -> None:
        """In a forked child: nothing of the parent's is used again."""
        if self._management is not None:
            self._management.after_fork()
        self._container.after_fork()

    async def lifecycle(self) -> Sequence[LifecycleRule]:
        """Our rules of the container, in the order of their prefixes."""
        if self._management is None:
            raise self._unmanaged("lifecycle")
        return await self._management.lifecycle()

    async def set_lifecycle(self, rules: Sequence[LifecycleRule]) -> None:
        """Make our rules of the container these; others' stay as they are."""
        if self._management is None:
            raise self._unmanaged("set_lifecycle")
        await self._management.set_lifecycle(rules)

    async def region(self) -> str | None:
        """Where the account is, as Azure names it (``westeurope``); None where the settings do
        not say where it is managed."""
        return None if self._management is None else await self._management.region()

    def _unmanaged(self, what: str) -> Unsupported:
        return Unsupported(
            f"Azure cannot do '{what}' here: nothing says where the account is managed",
            hint="nothing happened; set subscription and resource_group",
        )

    def _path(self, key: str) -> str:
        """Where the object is. Raises ``Invalid`` for a key too long with its prefix."""
        place = self._prefix + key
        # Azure's limit is 1,024 characters; ours is that of keys everywhere.
        if len(place) > MAX_KEY_BYTES // 4 and len(place.encode()) > MAX_KEY_BYTES:
            raise Invalid(
                f"{shown(key)} with objects_prefix has more than {MAX_KEY_BYTES:,} bytes"
            )
        return path_of(self._container.name, place)

    def _key(self, text: str, closing: str = "") -> str | None:
        """The portable key of what a listing names; None if it is none."""
        if not text.startswith(self._prefix) or not text.endswith(closing):
            return None
        try:
            return check_key(text[len(self._prefix) : len(text) - len(closing)])
        except Invalid:
            return None

    def _refusal(self, failure: Failure, action: str, key: str) -> SkykeepError:
        return self._container.refusal(failure, action, shown(key))

    def _unwritten(
        self, failure: Failure, key: str, condition: Condition, action: str
    ) -> SkykeepError:
        """Our error for a write that was refused."""
        if condition.if_match is not None and failure.code in MISSING:
            return Conflict(f"{shown(key)} is not there", request_id=failure.request_id)
        if failure.code in NOT_SO:
            said = (
                f"there is an object {shown(key)} already"
                if condition.if_absent
                else f"{shown(key)} has another etag than expected, or is not there"
            )
            return Conflict(said, request_id=failure.request_id)
        return self._refusal(failure, action, key)

    async def _md5(self, data: bytes) -> dict[str, str]:
        """The header that says the body's checksum; none where none is wanted."""
        try:
            if not self._checked:
                return {}
            large = len(data) >= _LARGE
            digest = await asyncio.to_thread(md5, data) if large else md5(data)
            return {"content-md5": base64.b64encode(digest).decode()}
        finally:
            del data

    def _check(self, attributes: ObjectAttributes) -> None:
        """Raise ``Invalid`` for what can never be kept."""
        wanted = attributes.storage_class
        if wanted is not None and wanted not in CLASSES:
            raise Invalid(
                f"Azure has no access tier {wanted!a}", hint=f"it has {', '.join(CLASSES)}"
            )
        given = attributes.metadata
        size = sum(len(k.encode()) + len(v.encode()) for k, v in given.items())
        kept = sum(len(stored(k.lower())) + len(v.encode()) for k, v in given.items())
        marked = MARK in given
        if size > MAX_METADATA + (len(MARK) + 32 if marked else 0) or kept > (
            ALL_METADATA if marked else MAX_METADATA
        ):
            raise Invalid(
                f"Azure keeps at most {MAX_METADATA:,} bytes of metadata; these are "
                f"{max(size, kept):,}, as it writes their names"
            )


def md5(data: bytes) -> bytes:
    """What Azure checks bodies by, against damage and nothing else."""
    try:
        return hashlib.md5(data, usedforsecurity=False).digest()
    finally:
        del data


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
