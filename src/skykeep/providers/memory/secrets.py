"""``MemorySecrets``: the driver of in-memory secrets, and the fake for users' tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from itertools import islice
from typing import Final

from skykeep.errors import Invalid, NotFound, Unsupported
from skykeep.interfaces.cursor import cursor as next_cursor
from skykeep.interfaces.cursor import position
from skykeep.interfaces.names import is_native, shown
from skykeep.interfaces.provider import OpenContext
from skykeep.interfaces.secret_driver import (
    CURRENT,
    KEEP,
    Attributes,
    Page,
    Secret,
    SecretCapabilities,
    SecretDriver,
    SecretInfo,
    Version,
    Written,
)
from skykeep.interfaces.secret_value import SecretValue
from skykeep.providers.memory.faults import Faults, faulty
from skykeep.providers.memory.settings import MemorySettings
from skykeep.providers.memory.store import MemoryStore, Record

EVERYTHING: Final = SecretCapabilities(max_versions=100, stamps=True, stamp_with_value=True)
"""What the in-memory driver can do unless it is told otherwise."""


class MemorySecrets(Faults, SecretDriver):
    """Secrets in this process. Full-featured; each feature can be switched off.

    Where a capability is off, what it names raises ``Unsupported`` before anything
    changes, as a store without it must (``skykeep.conformance.secrets`` has the rules).
    Version ids are ``"1"``, ``"2"``, …, per secret; they start anew after a purge.
    Values are limited by ``max_value_bytes`` and memory alone.

    For tests: :meth:`fail_next`, ``latency`` and ``calls`` (see ``Faults``). It holds
    nothing of an event loop and may be used from one loop after another, not from two
    threads at once.
    """

    def __init__(
        self,
        *,
        capabilities: SecretCapabilities = EVERYTHING,
        store: MemoryStore | None = None,
        prefix: str = "",
    ) -> None:
        """
        Args:
            capabilities: what it can do; switch off what a store in mind lacks.
            store: the state, to share it between drivers; by default a new, empty one.
            prefix: put before every name but native ones, and taken off again.
        """
        super().__init__()
        self.capabilities = capabilities
        self.store = MemoryStore() if store is None else store
        self._prefix = prefix

    def prefixed(self, prefix: str) -> MemorySecrets:
        """A driver over the same store with this prefix: itself, if it has it."""
        if prefix == self._prefix:
            return self
        return MemorySecrets(capabilities=self.capabilities, store=self.store, prefix=prefix)

    # -- reading

    @faulty
    async def get(
        self, name: str, *, version: str | None = None, stage: str | None = None
    ) -> Secret:
        self._check_reading(version, stage)
        record = self.store.live(self._key(name))
        label = stage or CURRENT
        wanted = record.stages.get(label) if version is None else version
        if wanted is None or wanted not in record.versions:
            what = f"stage {label!r}" if version is None else f"version {shown(version)}"
            raise NotFound(f"{shown(name)} has no {what}", resource=name)
        kept, can = record.versions[wanted], self.capabilities
        labels = record.labels(kept.id)
        if not can.version_with_value:
            labels = (label,) if version is None else ()
        return Secret(
            self._name(record.key),
            kept.value,
            kept.id,
            kept.created_at if can.times and can.version_with_value else None,
            labels,
            *(self._attributes(record) if can.attributes_with_value else ({}, {}, None)),
            stamp=kept.stamp if can.stamps and can.stamp_with_value else None,
        )

    @faulty
    async def list(
        self, prefix: str, *, cursor: str | None, limit: int, deleted: bool = False
    ) -> Page:
        if deleted and not self.capabilities.soft_delete:
            raise self.unsupported("list(deleted=True)")
        start = self._key(f"{prefix}/") if prefix else self._fold(self._prefix)
        after = None if cursor is None else position(cursor, start, deleted)
        found = list(islice(self.store.under(start, after, deleted=deleted), limit + 1))
        items = [self._info(record, listed=True) for _, record in found[:limit]]
        more = len(found) > limit
        return Page(items, next_cursor(start, found[limit - 1][0], deleted) if more else None)

    @faulty
    async def describe(self, name: str) -> SecretInfo:
        return self._info(self.store.find(self._key(name)))

    @faulty
    async def versions(self, name: str) -> Sequence[Version]:
        if not self.capabilities.versions:
            raise self.unsupported("versions")
        record = self.store.find(self._key(name))
        told = self.capabilities.versions_of_deleted or record.deleted_at is None
        return [
            Version(
                kept.id,
                kept.created_at if self.capabilities.times else None,
                record.labels(kept.id),
                size=kept.value.size,
            )
            for kept in reversed(record.versions.values())
            if told or CURRENT in record.labels(kept.id)
        ]

    # -- writing

    @faulty
    async def create(self, name: str, value: SecretValue, attributes: Attributes) -> Written:
        self._check_writing("create", attributes)
        self._check_value(value)
        shown_key = self._prefixed(name)
        if not self.capabilities.stamps:
            attributes = replace(attributes, stamp=None)
        return self.store.create(self._fold(shown_key), shown_key, value, attributes)

    @faulty
    async def update(
        self,
        name: str,
        value: SecretValue,
        attributes: Attributes,
        *,
        stage: str = CURRENT,
        expects: str | None = None,
    ) -> Written:
        can = self.capabilities
        self._check_writing(
            "update", attributes, stage=stage, expects=expects, of_current=stage == CURRENT
        )
        if stage != CURRENT and not can.movable_current:
            raise self.unsupported(f"update(stage={stage!r})")
        self._check_value(value)
        record = self.store.writable(self._key(name), expects)
        written = self.store.update(
            record,
            value,
            stage,
            previous=can.stages,
            keep=can.max_versions,
            stamp=attributes.stamp if can.stamps else None,
        )
        self.store.annotate(record, attributes)
        return written

    @faulty
    async def annotate(
        self, name: str, attributes: Attributes, *, expects: str | None = None
    ) -> None:
        self._check_writing("annotate", attributes, expects=expects, of_current=False)
        self.store.annotate(self.store.writable(self._key(name), expects), attributes)

    @faulty
    async def move_stage(
        self, name: str, stage: str, version: str | None, *, expects: str | None = None
    ) -> None:
        self._check_writing(
            "move_stage", stage=stage, expects=expects, of_current=stage == CURRENT
        )
        if stage == CURRENT and not self.capabilities.movable_current:
            raise self.unsupported("move_stage('current')")
        record = self.store.writable(self._key(name), expects)
        self.store.move(record, stage, version, previous=self.capabilities.stages)

    @faulty
    async def delete(self, name: str, *, expects: str | None = None) -> None:
        self._check_writing("delete", expects=expects, of_current=False)
        record = self.store.live(key := self._key(name))
        self.store.compare(record, expects)
        if self.capabilities.soft_delete:
            self.store.delete(record)
        else:
            self.store.purge(key)

    @faulty
    async def restore(self, name: str) -> None:
        self._check_writing("restore")
        if not self.capabilities.soft_delete:
            raise self.unsupported("restore")
        self.store.restore(self._key(name))

    @faulty
    async def purge(self, name: str) -> None:
        self._check_writing("purge")
        self.store.purge(self._key(name))

    # -- names

    def _prefixed(self, name: str) -> str:
        return name if is_native(name) else self._prefix + name

    def _fold(self, key: str) -> str:
        return key if self.capabilities.case_sensitive else key.casefold()

    def _key(self, name: str) -> str:
        return self._fold(self._prefixed(name))

    def _name(self, key: str) -> str:
        return key if is_native(key) else key[len(self._prefix) :]

    def _info(self, record: Record, *, listed: bool = False) -> SecretInfo:
        can = self.capabilities
        told = can.version_in_list or not listed
        return SecretInfo(
            self._name(record.key),
            record.stages.get(CURRENT) if told else None,
            record.created_at if can.times and can.creation_time else None,
            record.updated_at if can.times and told else None,
            *self._attributes(record),
            record.deleted_at,
            record.stamp() if can.stamps and told else None,
        )

    @staticmethod
    def _attributes(record: Record) -> tuple[dict[str, str], dict[str, str], datetime | None]:
        return dict(record.metadata), dict(record.tags), record.expires_at

    # -- what it was told it cannot do

    def _check_reading(self, version: str | None, stage: str | None) -> None:
        if version is not None and not self.capabilities.versions:
            raise self.unsupported("get(version=…)")
        if stage not in (None, CURRENT) and not self.capabilities.stages:
            raise self.unsupported(f"get(stage={stage!r})")

    def _check_writing(
        self,
        operation: str,
        given: Attributes | None = None,
        *,
        stage: str = CURRENT,
        expects: str | None = None,
        of_current: bool = True,
    ) -> None:
        can = self.capabilities
        if not can.write:
            raise self.unsupported(operation)
        if stage != CURRENT and not can.stages:
            raise self.unsupported(f"{operation}(stage={stage!r})")
        decided = can.compare_and_set if of_current else can.conditional_changes
        if expects is not None and not decided:
            raise self.unsupported(f"{operation}(expects=…)")
        if given is not None:
            self._check_attributes(given)

    def _check_attributes(self, given: Attributes) -> None:
        can = self.capabilities
        lacking: Unsupported | None = None
        if not can.metadata and given.metadata is not KEEP and given.metadata:
            lacking = self.unsupported("metadata")
        elif not can.tags and given.tags is not KEEP and given.tags:
            lacking = self.unsupported("tags")
        elif not can.expiry and given.expires_at is not KEEP and given.expires_at is not None:
            lacking = self.unsupported("expires_at")
        if lacking is not None:
            raise lacking

    def _check_value(self, value: SecretValue) -> None:
        can = self.capabilities
        if value.size > can.max_value_bytes:
            raise Invalid(
                f"this store keeps at most {can.max_value_bytes:,} bytes; "
                f"this value has {value.size:,}"
            )
        if value.size == 0 and not can.empty_values:
            raise Invalid("this store keeps no empty value")


async def open_secrets(settings: MemorySettings, context: OpenContext) -> MemorySecrets:
    """The driver of a configured target. ``context`` is not needed: nothing is opened."""
    prefix = settings.secret_prefix or ""
    if settings.store is None:
        return MemorySecrets(prefix=prefix)
    driver = _shared.get(settings.store)
    if driver is None:
        driver = _shared[settings.store] = MemorySecrets(prefix=prefix)
    return driver.prefixed(prefix)


_shared: dict[str, MemorySecrets] = {}


def share(store: str, driver: MemorySecrets | None) -> None:
    """Let targets with ``store: NAME`` be answered by this driver; None ends it."""
    if driver is None:
        _shared.pop(store, None)
    else:
        _shared[store] = driver
