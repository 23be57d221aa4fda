"""Cloud Storage is held to the suite of objects: all of it on a fake of ours, and all that
fake-gcs-server can tell on that.

Which of the two is right where they differ is said by Google's reference, not by the fake: what
the fake does that the peer does not is in its docstring, with the pages.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from skykeep.conformance.objects import ObjectsHarness, ObjectsSuite
from skykeep.interfaces.object_driver import ObjectDriver
from skykeep.interfaces.object_keys import MAX_KEY_BYTES
from tests.conformance.test_s3 import without
from tests.peers.cloud_storage import FakeGcs
from tests.peers.fakes.cloud_storage import CloudStorage
from tests.providers.gcp.google_home import ACCOUNT, key
from tests.providers.gcp.storage.opening import opened

_NO_RULES = "it takes lifecycle rules and keeps none"
_INSERTS = "it decides conditions of inserts only"
_PAGES = "with a delimiter, it counts what lies below it; prefixes come on several pages"
_BEYOND = "to a range beyond the end it says 416, and breaks the connection"
DEPARTURES = {
    "test_a_rule_is_told_as_it_was_set": _NO_RULES,
    "test_rules_are_told_in_order": _NO_RULES,
    "test_rules_replace_what_was_there": _NO_RULES,
    "test_rules_of_others_stay": _NO_RULES,
    "test_the_least_days": _NO_RULES,
    "test_uploads_under_a_prefix": _NO_RULES,
    "test_a_copy_that_creates": _INSERTS,
    "test_a_copy_that_replaces": _INSERTS,
    "test_an_upload_that_creates": _INSERTS,
    "test_an_upload_that_replaces": _INSERTS,
    "test_a_conditional_delete": _INSERTS,
    "test_a_level": _PAGES,
    "test_the_order_is_that_of_utf_8": _PAGES,
    "test_strange_prefixes": _PAGES,
    "test_a_cursor_can_be_used_again": _PAGES,
    "test_writes_during_a_listing": _PAGES,
    "test_every_storage_class_is_taken": "reads do not tell it",
    "test_a_range": _BEYOND,
    "test_a_range_that_begins_beyond_the_end_is_invalid": _BEYOND,
    "test_ranges_of_an_empty_object": _BEYOND,
    "test_a_read_under_an_older_etag": _BEYOND,
}
"""Cases that fake-gcs-server 1.54 fails for what it does and Cloud Storage does not."""


class StorageHarness(ObjectsHarness):
    """A prefix of its own for each case."""

    persistent = True
    longest_key = MAX_KEY_BYTES - len("suite/") - 17

    def __init__(self, directory: Path, address: str, bucket: str) -> None:
        super().__init__(directory)
        self.address = address
        self.bucket = bucket
        self.prefix = f"suite/{secrets.token_hex(8)}/"
        self.drivers: list[ObjectDriver] = []

    async def open(self) -> ObjectDriver:
        return await self.reopen()

    async def reopen(self) -> ObjectDriver:
        driver = opened(self.address, self.bucket, objects_prefix=self.prefix)
        self.drivers.append(driver)
        return driver

    async def close(self) -> None:
        for driver in self.drivers:
            await driver.close()


class FakeHarness(StorageHarness):
    """In a bucket of its own, which has rules."""

    most_rules = 100
    region = "europe-west3"

    def __init__(self, directory: Path, fake: CloudStorage) -> None:
        self._bucket = fake.new_bucket(f"suite-{secrets.token_hex(8)}")
        super().__init__(directory, fake.address, self._bucket.name)

    async def plant_rule(self) -> None:
        # What one of ours does, as somebody else says it.
        condition = {"age": 100, "matchesPrefix": [f"{self.prefix}a/"]}
        theirs = {"action": {"type": "Delete"}, "condition": condition}
        self._bucket.lifecycle["rule"].insert(0, theirs)

    async def planted_rules(self) -> object:
        rules = self._bucket.lifecycle["rule"]
        return [each for each in rules if "matchesStorageClass" not in each["condition"]]


class PeerHarness(StorageHarness):
    presign_checked = False  # it takes any signature
    region = "us-central1"


@pytest.fixture(scope="module")
def storage() -> Iterator[CloudStorage]:
    with CloudStorage() as fake:
        fake.keys[ACCOUNT] = key().public_key()
        yield fake


class TestCloudStorage(ObjectsSuite):
    @pytest.fixture
    def make_harness(self, tmp_path: Path, storage: CloudStorage) -> ObjectsHarness:
        return FakeHarness(tmp_path, storage)


@without(*DEPARTURES)
class TestCloudStorageOnFakeGcs(ObjectsSuite):
    @pytest.fixture
    def make_harness(self, tmp_path: Path, fake_gcs: FakeGcs) -> ObjectsHarness:
        return PeerHarness(tmp_path, fake_gcs.address, fake_gcs.shared_bucket())
