"""Drivers with one fault each in how they keep stamps."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from skykeep.errors import Unsupported
from skykeep.interfaces.secret_driver import (
    CURRENT,
    Attributes,
    Secret,
    SecretInfo,
    Stamp,
    Written,
)
from skykeep.interfaces.secret_value import SecretValue
from skykeep.providers.memory.secrets import MemorySecrets
from skykeep.providers.memory.store import MemoryStore, Record


def put_stamp(record: Record, version: str, stamp: Stamp | None) -> None:
    record.versions[version] = replace(record.versions[version], stamp=stamp)


class KeepsTheFormerStamp(MemoryStore):
    def update(self, record: Record, *args: Any, **options: Any) -> Written:
        former = record.stamp()
        written = super().update(record, *args, **options)
        if options.get("stamp") is None and written.changed:
            put_stamp(record, written.version, former)
        return written


class StampsWhatIsThere(MemoryStore):
    def update(self, record: Record, *args: Any, **options: Any) -> Written:
        written = super().update(record, *args, **options)
        if not written.changed and options.get("stamp") is not None:
            put_stamp(record, written.version, options["stamp"])
        return written


class AnnotatesTheStamp(MemoryStore):
    def annotate(self, record: Record, given: Attributes) -> None:
        super().annotate(record, given)
        if given.stamp is not None and CURRENT in record.stages:
            put_stamp(record, record.stages[CURRENT], given.stamp)


class LosesTheStampOnRestore(MemoryStore):
    def restore(self, key: str) -> None:
        super().restore(key)
        record = self.find(key)
        put_stamp(record, record.stages[CURRENT], None)


class ShowsTheStampAmongTags(MemoryStore):
    def create(
        self, key: str, shown_key: str, value: SecretValue, given: Attributes
    ) -> Written:
        written = super().create(key, shown_key, value, given)
        if given.stamp is not None:
            self.find(key).tags["skykeep:stamp"] = str(given.stamp)
        return written


class KeepsTheStampThroughAPurge(MemoryStore):
    def __init__(self) -> None:
        super().__init__()
        self.left: dict[str, Stamp | None] = {}

    def purge(self, key: str) -> None:
        self.left[key] = self.find(key).stamp()
        super().purge(key)

    def create(
        self, key: str, shown_key: str, value: SecretValue, given: Attributes
    ) -> Written:
        stamp = given.stamp or self.left.get(key)
        return super().create(key, shown_key, value, replace(given, stamp=stamp))


class OneStampForAllVersions(MemorySecrets):
    async def get(
        self, name: str, *, version: str | None = None, stage: str | None = None
    ) -> Secret:
        found = await super().get(name, version=version, stage=stage)
        return replace(found, stamp=(await self.describe(name)).stamp)

    async def describe(self, name: str) -> SecretInfo:
        known = await super().describe(name)
        newest = list(self.store.find(name).versions.values())[-1]
        return replace(known, stamp=newest.stamp)


class StampsWhateverIsCurrentThen(MemorySecrets):
    async def update(
        self, name: str, value: SecretValue, attributes: Attributes, **options: Any
    ) -> Written:
        plain = replace(attributes, stamp=None)
        written = await super().update(name, value, plain, **options)
        for _ in range(30 - 3 * self.calls["update"]):
            await asyncio.sleep(0)  # the later it began, the sooner it is done
        if written.changed:
            record = self.store.find(name)
            put_stamp(record, record.stages[CURRENT], attributes.stamp)
        return written


class TellsTheStampAnyway(MemorySecrets):
    async def get(
        self, name: str, *, version: str | None = None, stage: str | None = None
    ) -> Secret:
        found = await super().get(name, version=version, stage=stage)
        return replace(found, stamp=self.store.find(name).stamp())


class RefusesStamps(MemorySecrets):
    async def create(self, name: str, value: SecretValue, attributes: Attributes) -> Written:
        if attributes.stamp is not None and not self.capabilities.stamps:
            raise Unsupported("no stamps here")
        return await super().create(name, value, attributes)


class KeepsStampsItShouldNot(MemorySecrets):
    async def create(self, name: str, value: SecretValue, attributes: Attributes) -> Written:
        written = await super().create(name, value, attributes)
        put_stamp(self.store.find(name), written.version, attributes.stamp)
        return written

    async def describe(self, name: str) -> SecretInfo:
        return replace(await super().describe(name), stamp=self.store.find(name).stamp())


FAULTS: tuple[tuple[type[MemoryStore] | type[MemorySecrets], str, bool], ...] = (
    (KeepsTheFormerStamp, "test_a_newer_version_without_one_has_none", True),
    (StampsWhatIsThere, "test_a_value_that_is_there_keeps_its_stamp", True),
    (AnnotatesTheStamp, "test_annotate_leaves_the_stamp", True),
    (LosesTheStampOnRestore, "test_restore_brings_the_stamp_back", True),
    (ShowsTheStampAmongTags, "test_a_stamp_is_no_tag", True),
    (
        KeepsTheStampThroughAPurge,
        "test_a_later_secret_of_the_name_has_no_stamp_of_the_former",
        True,
    ),
    (OneStampForAllVersions, "test_a_version_that_is_current_again", True),
    (
        StampsWhateverIsCurrentThen,
        "test_of_writes_at_once_the_stamp_is_of_the_value_that_stays",
        True,
    ),
    (TellsTheStampAnyway, "test_not_told_with_the_value", False),
    (RefusesStamps, "test_a_stamp_is_left_out", False),
    (KeepsStampsItShouldNot, "test_a_stamp_is_left_out", False),
)
"""Part, the case that catches it, whether the differential runner must too."""
