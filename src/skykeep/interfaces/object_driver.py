"""What a provider writes to keep objects, and the data that it exchanges.

A driver raises our errors (``skykeep.errors``), never retries, never logs, never caches and
opens no task that outlives a call. No answer holds an open stream: a body comes as ranges,
each one call, and goes as one write or as numbered parts, so that the layers above can try
each of them again. The suite ``skykeep.conformance.objects`` is the executable form of this
contract.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal

from skykeep.errors import SkykeepError, Unsupported

Checksum = Literal["sha256", "crc32c", "crc64nvme", "md5"]

DEFAULT_CONTENT_TYPE: Final = "application/octet-stream"


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectCapabilities:
    """What a store can do. Each flag is tested both ways by the conformance suite.

    A driver whose flag is off raises ``Unsupported`` for what the flag names, before any
    side effect.

    Attributes:
        write: the store can be written at all.
        exclusive_create: ``if_absent``, decided by the store.
        compare_and_set: ``if_match`` of writes, decided by the store.
        conditional_delete: ``if_match`` of deletes, decided by the store.
        parts: an object can be put together from parts (``begin_upload`` and what follows).
        conditional_parts: ``complete_upload`` takes conditions, too.
        metadata: free text pairs are kept with the object.
        content_type: it is kept with the object.
        tags: short label pairs are kept with the object, beside its metadata.
        copy: the store copies by itself.
        conditional_copy: ``copy`` takes conditions, too.
        presign: a URL can be made with which others read or write without credentials.
        storage_classes: the names that the store knows; empty where there are none.
        lifecycle: the store ages objects by rules (``lifecycle``, ``set_lifecycle``).
        nested_keys: a key may be the beginning of another: ``a`` beside ``a/b``.
        ordered: listings are in the order of the keys' UTF-8 bytes.
        etag_of_attributes: the etag changes with what is kept beside the body, too; off, it
            changes with the body only and may come back with it, as S3's does.
        max_write_bytes: the largest object that one ``write`` takes.
        min_part_bytes, max_part_bytes, max_parts: of an upload in parts; the last part may
            be smaller than the least.
        max_object_bytes: the largest object.
        max_metadata_bytes: names and values of all pairs together.
    """

    write: bool = True
    exclusive_create: bool = True
    compare_and_set: bool = True
    conditional_delete: bool = True
    parts: bool = True
    conditional_parts: bool = True
    metadata: bool = True
    content_type: bool = True
    tags: bool = True
    copy: bool = True
    conditional_copy: bool = True
    presign: bool = True
    storage_classes: tuple[str, ...] = ()
    lifecycle: bool = False
    nested_keys: bool = True
    ordered: bool = True
    etag_of_attributes: bool = True
    max_write_bytes: int = 5 * 1024**3
    min_part_bytes: int = 1
    max_part_bytes: int = 5 * 1024**3
    max_parts: int = 10_000
    max_object_bytes: int = 5 * 1024**4
    max_metadata_bytes: int = 2048


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """What is known of an object without its body.

    Attributes:
        key: the portable key.
        size: bytes.
        etag: the store's token for this body and what is kept with it; only equality means
            anything. It is no checksum.
        modified_at: when it was written, UTC.
        content_type: as it was given; None where the store keeps none or a listing does
            not tell it.
        metadata: free text pairs, names in lower case; empty in listings.
        storage_class: by the store's name; None where there is none.
        checksums: of the whole body, lower-case hexadecimal, by algorithm; what the store
            tells, which may be nothing.
    """

    key: str
    size: int
    etag: str
    modified_at: datetime
    content_type: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    storage_class: str | None = None
    checksums: Mapping[Checksum, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ObjectAttributes:
    """What a write says of the object besides its body.

    Attributes:
        content_type: RFC 9110's; None is the store's own default.
        metadata: free text pairs; names are lower-cased.
        tags: short label pairs.
        storage_class: by the store's name; None is its default.
    """

    content_type: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    storage_class: str | None = None


NO_ATTRIBUTES: Final = ObjectAttributes()


@dataclass(frozen=True, slots=True)
class Condition:
    """What must be so for a write to happen; the store decides.

    Attributes:
        if_match: the etag that the object must have; a missing object has none.
        if_absent: there must be no object.
    """

    if_match: str | None = None
    if_absent: bool = False

    @property
    def empty(self) -> bool:
        """Whether nothing is asked."""
        return self.if_match is None and not self.if_absent


ALWAYS: Final = Condition()


@dataclass(frozen=True, slots=True)
class Fragment:
    """A range of an object's body, with what is known of the object.

    Attributes:
        info: of the whole object, at the moment of the read.
        start: where the range begins, bytes from the object's start.
        data: the bytes; fewer than were asked for where the object ends. Not in ``repr``.
    """

    info: ObjectInfo
    start: int
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class ObjectPage:
    """Some of a listing, and how to go on.

    Attributes:
        items: the objects.
        prefixes: with ``delimiter``, the next level's prefixes without a closing slash.
        cursor: pass it to get the next page; None if this is the last. Opaque.
    """

    items: Sequence[ObjectInfo]
    prefixes: Sequence[str]
    cursor: str | None


@dataclass(frozen=True, slots=True)
class Upload:
    """An upload in parts that was begun and has not ended.

    Attributes:
        key: what it will become.
        id: the store's.
        begun_at: UTC; None where the store does not tell.
    """

    key: str
    id: str
    begun_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LifecycleRule:
    """How a store ages the objects under a prefix, in days after their writing.

    The classes are portable words that each store has its own name for: ``infrequent`` is
    S3's STANDARD_IA, Cloud Storage's NEARLINE, Azure's Cool; ``archive`` is GLACIER, ARCHIVE
    and Archive.

    Attributes:
        prefix: of whole segments, without a closing slash; ``""`` is all.
        infrequent_after_days, archive_after_days: when an object moves; None is never.
        expire_after_days: when it is removed; None is never.
        abort_uploads_after_days: when an upload in parts that nobody ended is; None is never.
    """

    prefix: str = ""
    infrequent_after_days: int | None = None
    archive_after_days: int | None = None
    expire_after_days: int | None = None
    abort_uploads_after_days: int | None = None


class ObjectDriver(ABC):
    """Keeps objects in one store. All keys are portable ones, checked.

    Every method may raise ``Denied``, ``Unauthenticated``, ``Throttled``, ``Unavailable``,
    ``KeyFailure`` and ``Corrupt``. ``NotFound`` is an object that is not there;
    a bucket that is not there is ``ConfigError``. The methods below the line have a default
    that raises ``Unsupported``.
    """

    capabilities: ObjectCapabilities
    """What this store can do; fixed while the driver is open."""

    @abstractmethod
    async def head(self, key: str) -> ObjectInfo:
        """What is known without the body. Raises ``NotFound``."""

    @abstractmethod
    async def read(
        self,
        key: str,
        *,
        start: int = 0,
        length: int | None = None,
        if_match: str | None = None,
    ) -> Fragment:
        """``length`` bytes from ``start`` on, or all that follow.

        A range that begins at the object's end is empty, one that begins beyond it is
        ``Invalid``. Raises ``NotFound``; ``Conflict`` if the object has another etag than
        ``if_match``.
        """

    @abstractmethod
    async def list(
        self, prefix: str, *, cursor: str | None, limit: int, delimiter: bool = False
    ) -> ObjectPage:
        """Objects whose key lies under ``prefix`` (whole segments, no closing slash).

        ``""`` is all; ``a`` finds ``a/b``, not ``a`` and not ``ab/c``. With ``delimiter``
        only those directly under it, and ``prefixes`` for what lies deeper. An object that
        is there throughout is listed exactly once. Raises ``Invalid`` for a foreign cursor.
        """

    async def write(
        self,
        key: str,
        data: bytes,
        attributes: ObjectAttributes = NO_ATTRIBUTES,
        condition: Condition = ALWAYS,
    ) -> ObjectInfo:
        """Keep the body whole, or nothing of it; what was there is replaced.

        Raises ``Conflict`` if the condition does not hold, ``Invalid`` for what is too large,
        ``Quota``.
        """
        del data  # no traceback shows a body
        raise self.unsupported("write")

    async def begin_upload(self, key: str, attributes: ObjectAttributes = NO_ATTRIBUTES) -> str:
        """Begin an upload in parts; its id. Nothing is visible until ``complete_upload``."""
        raise self.unsupported("begin_upload")

    async def write_part(self, key: str, upload: str, number: int, data: bytes) -> str:
        """Keep part ``number``, from 1; it may be sent again. What ``complete_upload`` needs.

        Raises ``NotFound`` for an upload that has ended.
        """
        del data  # no traceback shows a body
        raise self.unsupported("write_part")

    async def complete_upload(
        self, key: str, upload: str, parts: Sequence[str], condition: Condition = ALWAYS
    ) -> ObjectInfo:
        """Put the parts together in this order and make the object visible.

        Raises as ``write``; ``NotFound`` for an upload that has ended.
        """
        raise self.unsupported("complete_upload")

    async def abort_upload(self, key: str, upload: str) -> None:
        """End the upload and drop its parts. One that has ended is left as it is."""
        raise self.unsupported("abort_upload")

    async def uploads(self, prefix: str) -> Sequence[Upload]:
        """Uploads under the prefix that were begun and have not ended, the oldest first."""
        raise self.unsupported("uploads")

    async def delete(self, key: str, *, if_match: str | None = None) -> None:
        """Remove it. One that is not there is removed already, unless ``if_match`` is given.

        Raises ``Conflict``.
        """
        raise self.unsupported("delete")

    async def delete_many(self, keys: Sequence[str]) -> Mapping[str, SkykeepError]:
        """Remove them; the errors of those that are still there, by key."""
        errors: dict[str, SkykeepError] = {}
        for key in keys:
            try:
                await self.delete(key)
            except Unsupported:
                raise
            except SkykeepError as error:
                errors[key] = error
        return errors

    async def copy(self, source: str, key: str, condition: Condition = ALWAYS) -> ObjectInfo:
        """Copy the body and what is kept with it, inside the store. Raises as ``write``,
        ``NotFound``."""
        raise self.unsupported("copy")

    async def tags(self, key: str) -> Mapping[str, str]:
        """The label pairs. Raises ``NotFound``."""
        raise self.unsupported("tags")

    async def presign(self, key: str, method: Literal["GET", "PUT"], seconds: int) -> str:
        """A URL with which anybody may do that, for so long. It is a secret of its own."""
        raise self.unsupported("presign")

    async def lifecycle(self) -> Sequence[LifecycleRule]:
        """Our rules of the bucket, in the order of their prefixes; others' are not told."""
        raise self.unsupported("lifecycle")

    async def set_lifecycle(self, rules: Sequence[LifecycleRule]) -> None:
        """Make our rules of the bucket these; others' stay as they are. They are checked
        (``object_lifecycle.check_rule``), and each has its own prefix.

        Raises ``Invalid`` for what the store cannot do, before anything is changed;
        ``Conflict`` if the rules were changed by another meanwhile, where the store tells.
        """
        raise self.unsupported("set_lifecycle")

    async def region(self) -> str | None:
        """Where the bucket is, by the service's own word; None where it does not tell.

        Several regions, each of which has all of it, are joined by commas. What is sent to ask
        carries the bucket's name and no other of the application's. ``Denied`` is taken for
        None.
        """
        return None

    async def close(self) -> None:  # noqa: B027  (most drivers hold nothing: not abstract)
        """Let go of connections. Called once; no call is under way."""

    def after_fork(self) -> None:  # noqa: B027  (most drivers hold nothing: not abstract)
        """In a forked child: drop what must not be shared with the parent; do not close it."""

    def unsupported(self, what: str) -> Unsupported:
        """The error for what this store cannot do."""
        return Unsupported(f"{type(self).__name__} cannot do '{what}'", hint="nothing happened")
