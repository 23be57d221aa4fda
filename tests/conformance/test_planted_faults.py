"""Drivers with one fault each: the suite and the differential runner must see every one.

A test that cannot fail is a defect. Each fault names the case that catches it.
"""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from skykeep.conformance.harness import MakesHarness
from skykeep.conformance.secrets import SecretsHarness, SecretsSuite
from skykeep.conformance.stateful import Difference, differential
from skykeep.errors import Conflict, Invalid
from skykeep.interfaces.secret_driver import (
    CURRENT,
    KEEP,
    PREVIOUS,
    Attributes,
    Page,
    Secret,
    SecretCapabilities,
    SecretDriver,
    SecretInfo,
    Stamp,
    Written,
)
from skykeep.interfaces.secret_value import SecretValue
from skykeep.providers.memory.secrets import EVERYTHING, MemorySecrets
from skykeep.providers.memory.store import MemoryStore, Record
from tests.conformance import stamp_faults

FEW = replace(EVERYTHING, max_versions=4)


class ForgetsPrevious(MemoryStore):
    def move(self, record: Record, stage: str, version: str | None, *, previous: bool) -> None:
        super().move(
            record, stage, version, previous=previous and PREVIOUS not in record.stages
        )


class CallsTheNewVersionPrevious(MemoryStore):
    def move(self, record: Record, stage: str, version: str | None, *, previous: bool) -> None:
        super().move(record, stage, version, previous=previous)
        if stage == CURRENT and version is not None and PREVIOUS in record.stages:
            record.stages[PREVIOUS] = version


class MakesPendingCurrent(MemoryStore):
    def move(self, record: Record, stage: str, version: str | None, *, previous: bool) -> None:
        super().move(record, stage, version, previous=previous)
        if version is not None:
            record.stages[CURRENT] = version


class LosesMetadataOnRestore(MemoryStore):
    def restore(self, key: str) -> None:
        super().restore(key)
        self.find(key).metadata = {}


class IgnoresExpects(MemoryStore):
    def compare(self, record: Record, expects: str | None) -> None:
        """Whatever was expected."""


class PrunesTheNewest(MemoryStore):
    def _prune(self, record: Record, keep: int) -> None:
        labelled = set(record.stages.values())
        for version in [v for v in reversed(record.versions) if v not in labelled]:
            if len(record.versions) <= keep:
                return
            del record.versions[version]


class PrunesLabelled(MemoryStore):
    def _prune(self, record: Record, keep: int) -> None:
        for version in [v for v in record.versions if v != record.stages[CURRENT]]:
            if len(record.versions) <= keep:
                return
            del record.versions[version]
            record.stages = {k: v for k, v in record.stages.items() if v != version}


class AlwaysMakesAVersion(MemoryStore):
    def update(
        self,
        record: Record,
        value: SecretValue,
        stage: str,
        *,
        previous: bool,
        keep: int | None,
        stamp: Stamp | None = None,
    ) -> Written:
        held = record.stages.pop(stage, None) if stage != CURRENT else None
        if held is None and (current := record.stages.get(stage)) is not None:
            kept = record.versions[current]
            record.versions[current] = replace(kept, value=SecretValue(b"\0 other"))
            written = super().update(
                record, value, stage, previous=previous, keep=None, stamp=stamp
            )
            record.versions[current] = kept
            return written
        return super().update(record, value, stage, previous=previous, keep=keep, stamp=stamp)


class CreatesOverATombstone(MemoryStore):
    def create(
        self, key: str, shown_key: str, value: SecretValue, given: Attributes
    ) -> Written:
        if key in self._records and self._records[key].deleted_at is not None:
            self.purge(key)
        return super().create(key, shown_key, value, given)


class MergesPairs(MemoryStore):
    def annotate(self, record: Record, given: Attributes) -> None:
        if given.metadata is not KEEP:
            given = replace(given, metadata={**record.metadata, **given.metadata})
        super().annotate(record, given)


class DropsExpiryOnUpdate(MemoryStore):
    def update(self, record: Record, *args: Any, **options: Any) -> Written:
        written = super().update(record, *args, **options)
        if written.changed:
            record.expires_at = None
        return written


class DeletesWhatIsBelow(MemoryStore):
    def delete(self, record: Record) -> None:
        super().delete(record)
        for _, below in list(self.under(record.key + "/", None, deleted=False)):
            super().delete(below)


class RestoresLabelledVersionsOnly(MemoryStore):
    def restore(self, key: str) -> None:
        super().restore(key)
        record = self.find(key)
        for version in [v for v in record.versions if not record.labels(v)]:
            del record.versions[version]


class ListsByStringPrefix(MemorySecrets):
    async def list(
        self, prefix: str, *, cursor: str | None, limit: int, deleted: bool = False
    ) -> Page:
        if not prefix or cursor is not None:
            return await super().list(prefix, cursor=cursor, limit=limit, deleted=deleted)
        found: list[SecretInfo] = [
            self._info(record) for _, record in self.store.under(prefix, None, deleted=deleted)
        ]
        return Page(found, None)


class SkipsOneBetweenPages(MemorySecrets):
    async def list(
        self, prefix: str, *, cursor: str | None, limit: int, deleted: bool = False
    ) -> Page:
        page = await super().list(prefix, cursor=cursor, limit=limit + 1, deleted=deleted)
        return replace(page, items=page.items[:limit])


class TakesAnyCursor(MemorySecrets):
    async def list(
        self, prefix: str, *, cursor: str | None, limit: int, deleted: bool = False
    ) -> Page:
        try:
            return await super().list(prefix, cursor=cursor, limit=limit, deleted=deleted)
        except Invalid:
            return await super().list(prefix, cursor=None, limit=limit, deleted=deleted)


class StripsNewlines(MemorySecrets):
    async def get(
        self, name: str, *, version: str | None = None, stage: str | None = None
    ) -> Secret:
        found = await super().get(name, version=version, stage=stage)
        return replace(found, value=SecretValue(found.value.reveal().rstrip(b"\n")))


class ReadsTheDeleted(MemorySecrets):
    async def get(
        self, name: str, *, version: str | None = None, stage: str | None = None
    ) -> Secret:
        record = self.store._records.get(name)
        if record is not None and version is not None and version in record.versions:
            kept = record.versions[version]
            return Secret(name, kept.value, kept.id, kept.created_at, record.labels(kept.id))
        return await super().get(name, version=version, stage=stage)


class LooksBeforeItCompares(MemorySecrets):
    async def update(
        self,
        name: str,
        value: SecretValue,
        attributes: Attributes,
        *,
        stage: str = CURRENT,
        expects: str | None = None,
    ) -> Written:
        if expects is not None:
            self.store.writable(name, expects)
            await asyncio.sleep(0)
        return await super().update(name, value, attributes, stage=stage)


class ShowsTheValueInTheMessage(MemorySecrets):
    async def create(self, name: str, value: SecretValue, attributes: Attributes) -> Written:
        try:
            return await super().create(name, value, attributes)
        except Conflict:
            raise Conflict(f"cannot set {name} to {value.reveal()!r}") from None


class ShowsTheValueInItsFrames(MemorySecrets):
    async def create(self, name: str, value: SecretValue, attributes: Attributes) -> Written:
        sent = {"SecretBinary": value.reveal()}
        written = await super().create(name, value, attributes)
        del sent
        return written


class RefusesTooLate(MemorySecrets):
    async def update(
        self, name: str, value: SecretValue, attributes: Attributes, **options: Any
    ) -> Written:
        told = self.capabilities
        self.capabilities = EVERYTHING
        try:
            written = await super().update(name, value, attributes, **options)
        finally:
            self.capabilities = told
        self._check_attributes(attributes)
        return written


class PretendsToCompare(MemorySecrets):
    async def delete(self, name: str, *, expects: str | None = None) -> None:
        await super().delete(name)


class FoldsCase(MemorySecrets):
    def _fold(self, key: str) -> str:
        return key.casefold()


@dataclass(frozen=True)
class Fault:
    """One faulty part, the case that catches it, and whether the runner must too."""

    part: type[MemoryStore] | type[MemorySecrets]
    caught_by: str
    differs: bool = True

    def driver(self, capabilities: SecretCapabilities) -> MemorySecrets:
        if issubclass(self.part, MemoryStore):
            return MemorySecrets(capabilities=capabilities, store=self.part())
        return self.part(capabilities=capabilities)


FAULTS = (
    Fault(ForgetsPrevious, "test_an_update_leaves_previous_behind"),
    Fault(CallsTheNewVersionPrevious, "test_an_update_leaves_previous_behind"),
    Fault(MakesPendingCurrent, "test_a_pending_value_is_not_current"),
    Fault(LosesMetadataOnRestore, "test_a_restore_brings_everything_back"),
    Fault(IgnoresExpects, "test_a_write_that_expects_something_else"),
    Fault(PrunesTheNewest, "test_versions_that_are_too_many_are_pruned"),
    Fault(PrunesLabelled, "test_versions_that_are_too_many_are_pruned"),
    Fault(AlwaysMakesAVersion, "test_a_value_that_is_current_makes_no_version"),
    Fault(CreatesOverATombstone, "test_what_a_tombstone_answers"),
    Fault(MergesPairs, "test_it_is_left_replaced_and_removed"),
    Fault(DropsExpiryOnUpdate, "test_it_is_left_replaced_and_removed"),
    Fault(DeletesWhatIsBelow, "test_a_write_touches_no_neighbour"),
    Fault(RestoresLabelledVersionsOnly, "test_a_restore_brings_everything_back"),
    Fault(ListsByStringPrefix, "test_a_prefix_is_of_whole_segments"),
    Fault(SkipsOneBetweenPages, "test_pages_give_each_exactly_once"),
    Fault(TakesAnyCursor, "test_a_foreign_cursor_is_invalid", differs=False),
    Fault(StripsNewlines, "test_a_value_comes_back_byte_for_byte", differs=False),
    Fault(ReadsTheDeleted, "test_what_a_tombstone_answers"),
    Fault(LooksBeforeItCompares, "test_of_many_conditional_updates_one_wins", differs=False),
    Fault(ShowsTheValueInTheMessage, "test_create_on_a_name_that_is_taken", differs=False),
    Fault(ShowsTheValueInItsFrames, "test_create_on_a_name_that_is_taken", differs=False),
    Fault(RefusesTooLate, "test_without_the_capability_it_is_refused", differs=False),
    Fault(PretendsToCompare, "test_a_condition_on_another_change_is_refused"),
    Fault(FoldsCase, "test_names_that_differ_in_case_are_different"),
    *(Fault(*planted) for planted in stamp_faults.FAULTS),
)
by_name = pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.part.__name__)


class FaultyHarness(SecretsHarness):
    """A driver with a fault."""

    value_limit = 100_000

    def __init__(
        self, directory: Path, fault: Fault, capabilities: SecretCapabilities = FEW
    ) -> None:
        super().__init__(directory)
        self.fault = fault
        self.capabilities = capabilities

    async def open(self) -> SecretDriver:
        return self.fault.driver(self.capabilities)

    def without(self, capability: str) -> SecretsHarness:
        lesser = replace(self.capabilities, **{capability: False})
        return FaultyHarness(self.directory, self.fault, lesser)


def _harness(fault: Fault) -> MakesHarness:
    return lambda directory: FaultyHarness(directory, fault)


# Not collected with the other tests (their names do not begin with "Test"): the test below
# runs them in a process of its own and expects them to fail.
for planted in FAULTS:
    suite = f"Planted{planted.part.__name__}"
    globals()[suite] = type(
        suite, (SecretsSuite,), {"harness": staticmethod(_harness(planted))}
    )


@pytest.fixture(scope="module")
def caught(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Fault], bool]:
    """Runs the case of each fault against it; says which failed as they should."""
    directory = tmp_path_factory.mktemp("planted")
    settings = directory / "pytest.ini"
    settings.write_text("[pytest]\npython_classes = Planted\n")
    cases = [f"{__file__}::Planted{f.part.__name__}::{f.caught_by}" for f in FAULTS]
    command = [sys.executable, "-m", "pytest", "-c", str(settings), "--rootdir", str(directory)]
    options = ["--import-mode=importlib", "-p", "no:cacheprovider", "--tb=no", "-q", "-rA"]
    options.append("--noconftest")  # which needs the repository's root on the path
    ended = subprocess.run(
        [*command, *options, *cases],
        capture_output=True,
        text=True,
        check=False,
        cwd=directory,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert ended.returncode == 1, ended.stdout + ended.stderr
    failed = set(re.findall(r"^FAILED .*::Planted(\w+)::(\w+)", ended.stdout, re.MULTILINE))
    assert not re.search(r"^ERROR ", ended.stdout, re.MULTILINE), ended.stdout
    return lambda fault: (fault.part.__name__, fault.caught_by) in failed


@by_name
def test_the_suite_catches(fault: Fault, caught: Callable[[Fault], bool]) -> None:
    assert caught(fault)


@by_name
@pytest.mark.asyncio
async def test_the_differential_runner_catches(fault: Fault) -> None:
    if not fault.differs:
        pytest.skip("not a matter of one operation after another")

    async def sound() -> SecretDriver:
        return MemorySecrets(capabilities=FEW)

    async def faulty() -> SecretDriver:
        return fault.driver(FEW)

    with pytest.raises(Difference) as found:
        await differential(sound, faulty, operations=1000, seed=1)
    assert len(found.value.history) <= 10, f"it is shrunk: {found.value}"
    assert "seed 1" in str(found.value)
