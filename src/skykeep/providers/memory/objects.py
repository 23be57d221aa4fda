"""Objects kept in this process and nowhere else: the smallest complete driver.

What it does is the contract in a few lines, and its capabilities can be turned off one by one:
the conformance suite runs both sides of each flag on it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import count
from typing import Literal

from skykeep.errors import Conflict, Invalid, NotFound
from skykeep.interfaces.cursor import cursor as next_cursor
from skykeep.interfaces.cursor import position
from skykeep.interfaces.names import shown
from skykeep.interfaces.object_driver import (
    ALWAYS,
    DEFAULT_CONTENT_TYPE,
    NO_ATTRIBUTES,
    Condition,
    Fragment,
    LifecycleRule,
    ObjectAttributes,
    ObjectCapabilities,
    ObjectDriver,
    ObjectInfo,
    ObjectPage,
    Upload,
)
from skykeep.interfaces.provider import OpenContext
from skykeep.providers.memory.faults import Faults, faulty
from skykeep.providers.memory.settings import MemorySettings


@dataclass(slots=True)
class Kept:
    """An object: what is known of it, its body, its tags."""

    info: ObjectInfo
    data: bytes = field(repr=False)
    tags: Mapping[str, str]


@dataclass(slots=True)
class Begun:
    """An upload under way: where it will be (key with prefix), and its parts by number."""

    upload: Upload
    place: str
    attributes: ObjectAttributes
    parts: dict[int, bytes] = field(default_factory=dict, repr=False)


class ObjectStore:
    """What outlives a driver: the objects, and the uploads under way."""

    def __init__(self) -> None:
        self.kept: dict[str, Kept] = {}
        self.begun: dict[str, Begun] = {}
        self.rules: dict[
            str, LifecycleRule
        ] = {}  # by the beginning of the keys that they are of
        self.numbers = count(1)


class MemoryObjects(ObjectDriver, Faults):
    """An in-memory store of objects; tests plant faults in it (``fail_next``)."""

    def __init__(
        self,
        store: ObjectStore | None = None,
        capabilities: ObjectCapabilities | None = None,
        prefix: str = "",
    ) -> None:
        Faults.__init__(self)
        self.capabilities = capabilities or ObjectCapabilities(presign=False, lifecycle=True)
        self.store = store or ObjectStore()
        self._prefix = prefix
        self.told_region: str | None = None

    # -- reading

    @faulty
    async def head(self, key: str) -> ObjectInfo:
        return self._kept(key).info

    @faulty
    async def read(
        self,
        key: str,
        *,
        start: int = 0,
        length: int | None = None,
        if_match: str | None = None,
    ) -> Fragment:
        kept = self._kept(key)
        if if_match is not None and kept.info.etag != if_match:
            raise _changed(key)
        if start > kept.info.size:
            raise Invalid(f"{shown(key)} has {kept.info.size:,} bytes, none at {start:,}")
        end = kept.info.size if length is None else start + length
        return Fragment(kept.info, start, kept.data[start:end])

    @faulty
    async def tags(self, key: str) -> Mapping[str, str]:
        self._needs("tags")
        return dict(self._kept(key).tags)

    @faulty
    async def list(
        self, prefix: str, *, cursor: str | None, limit: int, delimiter: bool = False
    ) -> ObjectPage:
        start = f"{prefix}/" if prefix else ""
        after = None if cursor is None else position(cursor, start, delimiter)
        # An entry is a key, or (with its slash) the prefix that stands for what lies deeper.
        entries: dict[str, str] = {}
        for place in self.store.kept:
            key = place[len(self._prefix) :]
            if place.startswith(self._prefix) and key.startswith(start):
                inner, deeper, _ = key[len(start) :].partition("/")
                entries[start + inner + deeper if delimiter else key] = key
        rest = sorted(entries, key=self._order)
        if after is not None:
            rest = [each for each in rest if self._order(each) > self._order(after)]
        items: list[ObjectInfo] = []
        prefixes: list[str] = []
        for entry in rest[:limit]:
            if entry.endswith("/"):
                prefixes.append(entry[:-1])
            else:
                info = self._kept(entries[entry]).info
                items.append(replace(info, content_type=None, metadata={}))
        more = len(rest) > limit
        last = next_cursor(start, rest[limit - 1], delimiter) if more else None
        return ObjectPage(items, prefixes, last)

    @faulty
    async def presign(self, key: str, method: Literal["GET", "PUT"], seconds: int) -> str:
        raise self.unsupported("presign")

    # -- writing

    @faulty
    async def write(
        self,
        key: str,
        data: bytes,
        attributes: ObjectAttributes = NO_ATTRIBUTES,
        condition: Condition = ALWAYS,
    ) -> ObjectInfo:
        try:
            self._check(attributes, condition)
            self._check_size(len(data), self.capabilities.max_write_bytes, "one write takes")
            self._decide(key, condition)
            return self._keep(key, data, attributes)
        finally:
            del data  # no traceback shows a body

    @faulty
    async def begin_upload(self, key: str, attributes: ObjectAttributes = NO_ATTRIBUTES) -> str:
        self._check(attributes, ALWAYS, "parts")
        number = str(next(self.store.numbers))
        upload = Upload(key, number, datetime.now(UTC))
        self.store.begun[number] = Begun(upload, self._prefix + key, attributes)
        return number

    @faulty
    async def write_part(self, key: str, upload: str, number: int, data: bytes) -> str:
        try:
            self._needs("write", "parts")
            can = self.capabilities
            if not 1 <= number <= can.max_parts:
                raise Invalid(f"parts are numbered from 1 to {can.max_parts:,}, not {number}")
            self._check_size(len(data), can.max_part_bytes, "a part has")
            self._begun(key, upload).parts[number] = bytes(data)
            return _token(number, data)
        finally:
            del data

    @faulty
    async def complete_upload(
        self, key: str, upload: str, parts: Sequence[str], condition: Condition = ALWAYS
    ) -> ObjectInfo:
        self._check(NO_ATTRIBUTES, condition, "parts")
        if not condition.empty:
            self._needs("conditional_parts")
        begun = self._begun(key, upload)
        can = self.capabilities
        known = {_token(number, data): number for number, data in begun.parts.items()}
        if not parts or not known.keys() >= set(parts):
            raise Invalid(f"these are not the parts that the upload of {shown(key)} has")
        sizes = [len(begun.parts[known[part]]) for part in parts]
        if any(size < can.min_part_bytes for size in sizes[:-1]):
            raise Invalid(f"a part but the last has fewer than {can.min_part_bytes:,} bytes")
        self._check_size(sum(sizes), can.max_object_bytes, "an object has")
        self._decide(key, condition)
        del self.store.begun[upload]
        body = b"".join(begun.parts[known[part]] for part in parts)
        return self._keep(key, body, begun.attributes)

    @faulty
    async def abort_upload(self, key: str, upload: str) -> None:
        self._needs("write", "parts")
        self.store.begun.pop(upload, None)

    @faulty
    async def uploads(self, prefix: str) -> Sequence[Upload]:
        self._needs("parts")
        start = self._prefix + (f"{prefix}/" if prefix else "")
        return [b.upload for b in self.store.begun.values() if b.place.startswith(start)]

    @faulty
    async def delete(self, key: str, *, if_match: str | None = None) -> None:
        self._needs("write")
        if if_match is not None:
            self._needs("conditional_delete")
            kept = self.store.kept.get(self._prefix + key)
            if kept is None or kept.info.etag != if_match:
                raise _changed(key)
        self.store.kept.pop(self._prefix + key, None)

    @faulty
    async def copy(self, source: str, key: str, condition: Condition = ALWAYS) -> ObjectInfo:
        self._check(NO_ATTRIBUTES, condition, "copy")
        if not condition.empty:
            self._needs("conditional_copy")
        kept = self._kept(source)
        self._decide(key, condition)
        info = kept.info
        attributes = ObjectAttributes(
            info.content_type, info.metadata, kept.tags, info.storage_class
        )
        return self._keep(key, kept.data, attributes)

    # -- the bucket

    @faulty
    async def lifecycle(self) -> Sequence[LifecycleRule]:
        """As they were set. They are kept and told; nothing ages here."""
        self._needs("lifecycle")
        return sorted(self._rules().values(), key=lambda rule: rule.prefix.encode())

    @faulty
    async def set_lifecycle(self, rules: Sequence[LifecycleRule]) -> None:
        self._needs("lifecycle")
        own = self._rules()
        kept = {at: rule for at, rule in self.store.rules.items() if at not in own}
        self.store.rules = kept | {self._start(rule.prefix): rule for rule in rules}

    def _start(self, prefix: str) -> str:
        """What the keys under a prefix begin with."""
        return self._prefix + (f"{prefix}/" if prefix else "")

    def _rules(self) -> dict[str, LifecycleRule]:
        rules = self.store.rules
        return {at: rule for at, rule in rules.items() if at == self._start(rule.prefix)}

    @faulty
    async def region(self) -> str | None:
        """What a test has said (``told_region``)."""
        return self.told_region

    # -- the store

    def _kept(self, key: str) -> Kept:
        kept = self.store.kept.get(self._prefix + key)
        if kept is None:
            raise NotFound(f"there is no object {shown(key)}")
        return kept

    def _begun(self, key: str, upload: str) -> Begun:
        begun = self.store.begun.get(upload)
        if begun is None or begun.place != self._prefix + key:
            raise NotFound(f"the upload of {shown(key)} has ended")
        return begun

    def _decide(self, key: str, condition: Condition) -> None:
        place = self._prefix + key
        there = self.store.kept.get(place)
        if condition.if_absent and there is not None:
            raise Conflict(f"there is an object {shown(key)} already")
        if condition.if_match is not None and (
            there is None or there.info.etag != condition.if_match
        ):
            raise _changed(key)
        if not self.capabilities.nested_keys:
            for other in self.store.kept:
                if other.startswith(f"{place}/") or place.startswith(f"{other}/"):
                    beside = shown(other[len(self._prefix) :])
                    raise Conflict(f"{shown(key)} cannot be kept beside {beside}")

    def _keep(self, key: str, data: bytes, attributes: ObjectAttributes) -> ObjectInfo:
        can = self.capabilities
        etag = f"{next(self.store.numbers)}"
        if not can.etag_of_attributes:
            etag = hashlib.md5(data, usedforsecurity=False).hexdigest()
        info = ObjectInfo(
            key,
            len(data),
            f'"{etag}"',
            datetime.now(UTC),
            (attributes.content_type or DEFAULT_CONTENT_TYPE) if can.content_type else None,
            dict(attributes.metadata),
            attributes.storage_class or (can.storage_classes or (None,))[0],
            {"sha256": hashlib.sha256(data).hexdigest()},
        )
        self.store.kept[self._prefix + key] = Kept(info, bytes(data), dict(attributes.tags))
        return info

    def _check(self, attributes: ObjectAttributes, condition: Condition, *flags: str) -> None:
        """Raise for what is not there, then for what can never be kept."""
        self._needs("write", *flags)
        can = self.capabilities
        for name in ("metadata", "tags", "content_type"):
            if getattr(attributes, name):
                self._needs(name)
        if attributes.storage_class and not can.storage_classes:
            raise self.unsupported(f"write(storage_class={attributes.storage_class!r})")
        if condition.if_absent:
            self._needs("exclusive_create")
        if condition.if_match is not None:
            self._needs("compare_and_set")
        if attributes.storage_class and attributes.storage_class not in can.storage_classes:
            raise Invalid(f"there is no storage class '{attributes.storage_class}'")
        pairs = sum(len(k.encode()) + len(v.encode()) for k, v in attributes.metadata.items())
        self._check_size(pairs, can.max_metadata_bytes, "metadata has")

    def _check_size(self, size: int, most: int, what: str) -> None:
        if size > most:
            raise Invalid(f"{what} {most:,} bytes at most; this has {size:,}")

    def _needs(self, *flags: str) -> None:
        for flag in flags:
            if not getattr(self.capabilities, flag):
                raise self.unsupported(flag)

    def _order(self, entry: str) -> bytes:
        """What listings are sorted by: UTF-8, or nothing that anybody could expect."""
        name = entry.encode()
        return name if self.capabilities.ordered else hashlib.sha256(name).digest()


def _changed(key: str) -> Conflict:
    return Conflict(f"{shown(key)} has another etag than expected, or is not there")


def _token(number: int, data: bytes) -> str:
    return f"{number}-{hashlib.sha256(data).hexdigest()[:16]}"


_stores: dict[str, ObjectStore] = {}


async def open_objects(settings: MemorySettings, context: OpenContext) -> MemoryObjects:
    """A driver over the named store, or over a store of its own."""
    store = None
    if settings.store is not None:
        store = _stores.setdefault(settings.store, ObjectStore())
    return MemoryObjects(store, prefix=settings.secret_prefix or "")
