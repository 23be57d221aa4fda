"""Drivers of objects with one fault each: the suite must see every one.

A test that cannot fail is a defect. Each fault names the case that catches it.
"""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from skykeep.conformance.objects import ObjectsHarness, ObjectsSuite
from skykeep.conformance.objects_harness import MakesObjectsHarness
from skykeep.errors import Conflict, Invalid, NotFound, SkykeepError
from skykeep.interfaces.object_driver import (
    ALWAYS,
    NO_ATTRIBUTES,
    Condition,
    Fragment,
    ObjectAttributes,
    ObjectCapabilities,
    ObjectDriver,
    ObjectInfo,
    ObjectPage,
    Upload,
)
from skykeep.providers.memory.objects import Kept, MemoryObjects, ObjectStore, _token

EVERYTHING = ObjectCapabilities(presign=False, storage_classes=("STANDARD", "COLD"))


class IgnoresIfAbsent(MemoryObjects):
    def _decide(self, key: str, condition: Condition) -> None:
        super()._decide(key, replace(condition, if_absent=False))


class IgnoresIfMatch(MemoryObjects):
    def _decide(self, key: str, condition: Condition) -> None:
        super()._decide(key, replace(condition, if_match=None))


class CreatesUnderAnEtag(MemoryObjects):
    def _decide(self, key: str, condition: Condition) -> None:
        if self._prefix + key in self.store.kept:
            super()._decide(key, condition)


class LooksBeforeItWrites(MemoryObjects):
    async def write(
        self,
        key: str,
        data: bytes,
        attributes: ObjectAttributes = NO_ATTRIBUTES,
        condition: Condition = ALWAYS,
    ) -> ObjectInfo:
        try:
            if not condition.empty:
                self._check(attributes, condition)
                self._decide(key, condition)
                await asyncio.sleep(0)
            return await super().write(key, data, attributes)
        finally:
            del data


class DeletesUnderAnyEtag(MemoryObjects):
    async def delete(self, key: str, *, if_match: str | None = None) -> None:
        await super().delete(key)


class DeletesWhatIsBelow(MemoryObjects):
    async def delete(self, key: str, *, if_match: str | None = None) -> None:
        await super().delete(key, if_match=if_match)
        for place in [each for each in self.store.kept if each.startswith(f"{key}/")]:
            del self.store.kept[place]


class MissesAtASecondDelete(MemoryObjects):
    async def delete(self, key: str, *, if_match: str | None = None) -> None:
        if if_match is None and self.capabilities.write:
            self._kept(key)
        await super().delete(key, if_match=if_match)


class ReadsAroundTheEnd(MemoryObjects):
    async def read(self, key: str, **options: Any) -> Fragment:
        try:
            return await super().read(key, **options)
        except Invalid:
            return Fragment(await self.head(key), options["start"], b"")


class CountsTheLastByte(MemoryObjects):
    async def read(self, key: str, **options: Any) -> Fragment:
        if options.get("length"):
            options["length"] += 1
        return await super().read(key, **options)


class ReadsUnderAnyEtag(MemoryObjects):
    async def read(self, key: str, **options: Any) -> Fragment:
        return await super().read(key, **{**options, "if_match": None})


class StripsTheBody(MemoryObjects):
    def _keep(self, key: str, data: bytes, attributes: ObjectAttributes) -> ObjectInfo:
        return super()._keep(key, data.rstrip(b"\n"), attributes)


class KeepsTheEtag(MemoryObjects):
    def _keep(self, key: str, data: bytes, attributes: ObjectAttributes) -> ObjectInfo:
        info = replace(super()._keep(key, data, attributes), etag=f'"{key}"')
        self.store.kept[self._prefix + key].info = info
        return info


class EtagsTheBodyOnly(MemoryObjects):
    def _keep(self, key: str, data: bytes, attributes: ObjectAttributes) -> ObjectInfo:
        info = super()._keep(key, data, attributes)
        info = replace(info, etag=f'"{info.checksums["sha256"]}"')
        self.store.kept[self._prefix + key].info = info
        return info


class TellsAWrongChecksum(MemoryObjects):
    def _keep(self, key: str, data: bytes, attributes: ObjectAttributes) -> ObjectInfo:
        info = replace(super()._keep(key, data, attributes), checksums={"crc32c": "00000000"})
        self.store.kept[self._prefix + key].info = info
        return info


class MergesMetadata(MemoryObjects):
    def _keep(self, key: str, data: bytes, attributes: ObjectAttributes) -> ObjectInfo:
        there = self.store.kept.get(self._prefix + key)
        before = there.info.metadata if there is not None else {}
        merged = replace(attributes, metadata={**before, **attributes.metadata})
        return super()._keep(key, data, merged)


class CopiesNoTags(MemoryObjects):
    async def copy(self, source: str, key: str, condition: Condition = ALWAYS) -> ObjectInfo:
        info = await super().copy(source, key, condition)
        self.store.kept[self._prefix + key].tags = {}
        return info


class FoldsKeys(MemoryObjects):
    def _kept(self, key: str) -> Kept:
        try:
            return super()._kept(key)
        except NotFound:
            for place in self.store.kept:
                if place.casefold() == (self._prefix + key).casefold():
                    return self.store.kept[place]
            raise


class TakesPlusForASpace(MemoryObjects):
    async def list(self, prefix: str, **options: Any) -> ObjectPage:
        page = await super().list(prefix, **options)
        items = [replace(item, key=item.key.replace("+", " ")) for item in page.items]
        return replace(page, items=items)


class ListsByStringPrefix(MemoryObjects):
    async def list(self, prefix: str, **options: Any) -> ObjectPage:
        if not prefix or options["cursor"] or options.get("delimiter"):
            return await super().list(prefix, **options)
        found = [kept.info for kept in self.store.kept.values()]
        return ObjectPage([info for info in found if info.key.startswith(prefix)], [], None)


class SkipsOneBetweenPages(MemoryObjects):
    async def list(self, prefix: str, *, limit: int, **options: Any) -> ObjectPage:
        page = await super().list(prefix, limit=limit + 1, **options)
        return replace(page, items=page.items[:limit])


class GivesPrefixesOnEachPage(MemoryObjects):
    async def list(self, prefix: str, **options: Any) -> ObjectPage:
        page = await super().list(prefix, **options)
        if (
            options.get("delimiter")
            and options["cursor"]
            and len(page.items) < options["limit"]
        ):
            first = await super().list(prefix, **{**options, "cursor": None})
            return replace(page, prefixes=[*first.prefixes[:1], *page.prefixes][:1])
        return page


class TakesAnyCursor(MemoryObjects):
    async def list(self, prefix: str, **options: Any) -> ObjectPage:
        try:
            return await super().list(prefix, **options)
        except Invalid:
            return await super().list(prefix, **{**options, "cursor": None})


class SortsByFolding(MemoryObjects):
    def _order(self, entry: str) -> bytes:
        return entry.replace("/", "\0").encode()


class ShowsUploads(MemoryObjects):
    async def write_part(self, key: str, upload: str, number: int, data: bytes) -> str:
        token = await super().write_part(key, upload, number, data)
        if self._prefix + key not in self.store.kept:
            self._keep(key, b"", NO_ATTRIBUTES)
        return token


class AppendsParts(MemoryObjects):
    async def complete_upload(
        self, key: str, upload: str, parts: Sequence[str], condition: Condition = ALWAYS
    ) -> ObjectInfo:
        begun = self.store.begun.get(upload)
        if begun is not None:  # in the order in which they came
            numbers = sorted(begun.parts)
            begun.parts = dict(zip(numbers, begun.parts.values(), strict=True))
            parts = [_token(number, data) for number, data in begun.parts.items()]
        return await super().complete_upload(key, upload, parts, condition)


class ForgetsToEndUploads(MemoryObjects):
    async def abort_upload(self, key: str, upload: str) -> None:
        self._needs("write", "parts")


class DropsAttributesOfUploads(MemoryObjects):
    async def begin_upload(self, key: str, attributes: ObjectAttributes = NO_ATTRIBUTES) -> str:
        await super().begin_upload(key, attributes)
        return await super().begin_upload(key)


class ListsAllUploads(MemoryObjects):
    async def uploads(self, prefix: str) -> Sequence[Upload]:
        return await super().uploads("")


class DeletesTheFirstOnly(MemoryObjects):
    async def delete_many(self, keys: Sequence[str]) -> Mapping[str, SkykeepError]:
        return await super().delete_many(keys[:10])


class ShowsTheBodyInTheMessage(MemoryObjects):
    async def write(
        self,
        key: str,
        data: bytes,
        attributes: ObjectAttributes = NO_ATTRIBUTES,
        condition: Condition = ALWAYS,
    ) -> ObjectInfo:
        try:
            return await super().write(key, data, attributes, condition)
        except Conflict:
            message = f"cannot keep {data!r}"
        finally:
            del data
        raise Conflict(message)


class ShowsTheBodyInItsFrames(MemoryObjects):
    async def write(
        self,
        key: str,
        data: bytes,
        attributes: ObjectAttributes = NO_ATTRIBUTES,
        condition: Condition = ALWAYS,
    ) -> ObjectInfo:
        return await super().write(key, data, attributes, condition)


class RefusesTooLate(MemoryObjects):
    async def write(
        self,
        key: str,
        data: bytes,
        attributes: ObjectAttributes = NO_ATTRIBUTES,
        condition: Condition = ALWAYS,
    ) -> ObjectInfo:
        try:
            info = await super().write(key, data)
            self._check(attributes, condition)
            return info
        finally:
            del data


@dataclass(frozen=True)
class Fault:
    """One faulty driver, and the case that catches it."""

    part: type[MemoryObjects]
    caught_by: str


FAULTS = (
    Fault(IgnoresIfAbsent, "test_a_create_where_something_is"),
    Fault(IgnoresIfMatch, "test_a_replacement_of_something_else"),
    Fault(CreatesUnderAnEtag, "test_a_replacement_of_what_is_not_there"),
    Fault(LooksBeforeItWrites, "test_no_update_is_lost"),
    Fault(LooksBeforeItWrites, "test_of_many_creates_one_wins"),
    Fault(DeletesUnderAnyEtag, "test_a_conditional_delete"),
    Fault(DeletesWhatIsBelow, "test_a_key_can_be_the_beginning_of_another"),
    Fault(MissesAtASecondDelete, "test_a_delete"),
    Fault(ReadsAroundTheEnd, "test_a_range_that_begins_beyond_the_end_is_invalid"),
    Fault(CountsTheLastByte, "test_a_range"),
    Fault(ReadsUnderAnyEtag, "test_a_read_under_an_older_etag"),
    Fault(StripsTheBody, "test_a_body_comes_back_byte_for_byte"),
    Fault(KeepsTheEtag, "test_the_etag_changes_with_the_body"),
    Fault(EtagsTheBodyOnly, "test_the_etag_changes_with_what_is_kept"),
    Fault(TellsAWrongChecksum, "test_checksums_that_are_told_are_right"),
    Fault(MergesMetadata, "test_a_write_replaces_all_that_is_kept"),
    Fault(CopiesNoTags, "test_a_copy_is_the_same"),
    Fault(FoldsKeys, "test_a_neighbour_is_not_found"),
    Fault(TakesPlusForASpace, "test_a_key_comes_back_as_it_was"),
    Fault(ListsByStringPrefix, "test_a_prefix_is_of_whole_segments"),
    Fault(SkipsOneBetweenPages, "test_pages_give_each_exactly_once"),
    Fault(GivesPrefixesOnEachPage, "test_a_level"),
    Fault(TakesAnyCursor, "test_a_foreign_cursor_is_invalid"),
    Fault(SortsByFolding, "test_the_order_is_that_of_utf_8"),
    Fault(ShowsUploads, "test_nothing_is_visible_before_the_end"),
    Fault(AppendsParts, "test_parts_are_in_the_order_of_their_numbers"),
    Fault(ForgetsToEndUploads, "test_an_aborted_upload_leaves_nothing"),
    Fault(DropsAttributesOfUploads, "test_an_upload_keeps_what_it_was_begun_with"),
    Fault(ListsAllUploads, "test_uploads_are_listed_until_they_end"),
    Fault(DeletesTheFirstOnly, "test_many_are_deleted_at_once"),
    Fault(ShowsTheBodyInTheMessage, "test_a_create_where_something_is"),
    Fault(ShowsTheBodyInItsFrames, "test_a_create_where_something_is"),
    Fault(RefusesTooLate, "test_without_the_capability_it_is_refused"),
)


class FaultyHarness(ObjectsHarness):
    """A driver with a fault."""

    persistent = True

    def __init__(
        self, directory: Path, fault: Fault, capabilities: ObjectCapabilities = EVERYTHING
    ) -> None:
        super().__init__(directory)
        self.fault = fault
        self.capabilities = capabilities
        self.kept = ObjectStore()

    async def open(self) -> ObjectDriver:
        return self.fault.part(self.kept, self.capabilities)

    async def reopen(self) -> ObjectDriver:
        return await self.open()

    def without(self, capability: str) -> ObjectsHarness:
        value: Any = () if capability == "storage_classes" else False
        lesser = replace(self.capabilities, **{capability: value})
        return FaultyHarness(self.directory, self.fault, lesser)


def _harness(fault: Fault) -> MakesObjectsHarness:
    return lambda directory: FaultyHarness(directory, fault)


# Not collected with the other tests (their names do not begin with "Test"): the test below
# runs them in a process of its own and expects them to fail.
for planted in FAULTS:
    suite = f"Planted{planted.part.__name__}"
    globals()[suite] = type(
        suite, (ObjectsSuite,), {"harness": staticmethod(_harness(planted))}
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
        [*command, *options, *cases], capture_output=True, text=True, check=False, cwd=directory
    )
    assert ended.returncode == 1, ended.stdout + ended.stderr
    failed = set(re.findall(r"^FAILED .*::Planted(\w+)::(\w+)", ended.stdout, re.MULTILINE))
    assert not re.search(r"^ERROR ", ended.stdout, re.MULTILINE), ended.stdout
    return lambda fault: (fault.part.__name__, fault.caught_by) in failed


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.part.__name__)
def test_the_suite_catches(fault: Fault, caught: Callable[[Fault], bool]) -> None:
    assert caught(fault)
