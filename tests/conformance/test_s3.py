"""S3 is held to the suite of objects, on SeaweedFS; what that departs from S3 in, on ministack.

Each case runs on one of the two. SeaweedFS is the first: it checks signatures, keeps bodies on
disk and decides conditions under load.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path
from typing import Any, ClassVar

import pytest

from skykeep.conformance.objects import ObjectsHarness, ObjectsSuite
from skykeep.conformance.objects_lifecycle import Ageing
from skykeep.interfaces.object_driver import (
    ALWAYS,
    NO_ATTRIBUTES,
    Condition,
    ObjectAttributes,
    ObjectDriver,
    ObjectInfo,
)
from skykeep.interfaces.object_keys import MAX_KEY_BYTES
from skykeep.providers.aws.s3.lifecycle import LEAST_INFREQUENT, MAX_RULES
from skykeep.providers.aws.s3.writing import S3Objects
from tests.peers.clients import aws_client
from tests.peers.peer import Server
from tests.peers.s3 import S3
from tests.providers.aws.opening import ENVIRON as MINISTACK_ENVIRON
from tests.providers.aws.opening_s3 import ENVIRON, opened

DEPARTURES = {
    "test_a_level": "a page with a delimiter may have one entry more than max-keys",
    "test_the_order_is_that_of_utf_8": "it walks directories: 'a/b' comes before 'a-b'",
    "test_what_is_deleted_is_listed_no_more": "an empty directory stays a common prefix",
    "test_metadata_is_kept": "a pair with an empty value is dropped",
    "test_uploads_are_listed_until_they_end": "says that keys are encoded, and '+' is not",
}
"""Cases that SeaweedFS 4.48 fails for what it does and S3 does not."""
AGEING = {name for name in dir(Ageing) if name.startswith("test_")}
"""Cases of a bucket's rules: they need a bucket of their own."""
ALSO = {
    "test_many_keys_do_not_disturb_each_other",  # writes at once go in turns to SeaweedFS
    "test_the_region_that_the_service_tells",  # one tells it, the other does not
}
"""Cases that run on both."""

THEIRS: list[dict[str, Any]] = [
    {
        "ID": "skykeeper's <own> & others",
        "Status": "Enabled",
        "Filter": {
            "And": {
                "Prefix": "logs/",
                "Tags": [{"Key": "keep", "Value": "no"}],
                "ObjectSizeGreaterThan": 1024,
            }
        },
        "Transitions": [{"Days": 1, "StorageClass": "DEEP_ARCHIVE"}],
        "NoncurrentVersionExpiration": {"NoncurrentDays": 9, "NewerNoncurrentVersions": 2},
    },
    {
        "ID": "skykeep-of-another-target",
        "Status": "Disabled",
        "Filter": {"Prefix": "another-target/"},
        "Expiration": {"ExpiredObjectDeleteMarker": True},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 2},
    },
]
"""Lifecycle rules of others; the second is one of another ``objects_prefix``."""


class S3Harness(ObjectsHarness):
    """A prefix of its own for each case: to make a bucket takes SeaweedFS a second."""

    persistent = True
    longest_key = MAX_KEY_BYTES - len("suite/") - 17
    environ: ClassVar[dict[str, str]] = ENVIRON

    def __init__(self, directory: Path, address: str, bucket: str) -> None:
        super().__init__(directory)
        self.address = address
        self.bucket = bucket
        self.prefix = f"suite/{secrets.token_hex(8)}/"
        self.drivers: list[ObjectDriver] = []

    async def open(self) -> ObjectDriver:
        return await self.reopen()

    async def reopen(self) -> ObjectDriver:
        return await self.new()

    async def new(self) -> S3Objects:
        driver = await opened(
            self.address, self.bucket, environ=self.environ, objects_prefix=self.prefix
        )
        self.drivers.append(driver)
        return driver

    async def close(self) -> None:
        for driver in self.drivers:
            await driver.close()


class InTurns(S3Objects):
    """Lets writes of several keys wait for each other; those of one key go side by side.

    SeaweedFS keeps ``a`` and ``a/b`` as a file and a directory of one name, and loses one of
    two such objects that are written at the same moment.
    """

    def __init__(self, driver: S3Objects, turns: asyncio.Condition, writing: list[str]) -> None:
        vars(self).update(vars(driver))  # the same bucket and the same settings
        self._turns = turns
        self._writing = writing

    async def write(
        self,
        key: str,
        data: bytes,
        attributes: ObjectAttributes = NO_ATTRIBUTES,
        condition: Condition = ALWAYS,
    ) -> ObjectInfo:
        try:
            async with self._turns:
                await self._turns.wait_for(lambda: not set(self._writing) - {key})
                self._writing.append(key)
            try:
                return await super().write(key, data, attributes, condition)
            finally:
                async with self._turns:
                    self._writing.remove(key)
                    self._turns.notify_all()
        finally:
            del data


class SeaweedHarness(S3Harness):
    """With writes in turns."""

    def __init__(self, directory: Path, address: str, bucket: str) -> None:
        super().__init__(directory, address, bucket)
        self.turns = asyncio.Condition()
        self.writing: list[str] = []

    async def reopen(self) -> ObjectDriver:
        return InTurns(await self.new(), self.turns, self.writing)


class MinistackHarness(S3Harness):
    environ: ClassVar[dict[str, str]] = MINISTACK_ENVIRON
    most_rules = MAX_RULES
    least_infrequent_days = LEAST_INFREQUENT
    region = "us-east-1"

    async def plant_rule(self) -> None:
        """Two, of the kinds that we do not write, put in among ours by boto3."""
        await asyncio.to_thread(self._plant)

    def _plant(self) -> None:
        with closing(aws_client("s3", self.address)) as client:
            there = client.get_bucket_lifecycle_configuration(Bucket=self.bucket)["Rules"]
            client.put_bucket_lifecycle_configuration(
                Bucket=self.bucket,
                LifecycleConfiguration={"Rules": [THEIRS[0], *there, THEIRS[1]]},
            )

    async def planted_rules(self) -> object:
        return await asyncio.to_thread(self._planted)

    def _planted(self) -> object:
        with closing(aws_client("s3", self.address)) as client:
            rules = client.get_bucket_lifecycle_configuration(Bucket=self.bucket)["Rules"]
        return [rule for rule in rules if rule["ID"] in {each["ID"] for each in THEIRS}]


def without(*names: str) -> Callable[[type], type]:
    """A suite without these cases; each must be one of it."""

    def decorate(suite: type) -> type:
        for name in names:
            assert callable(getattr(suite, name))
            setattr(suite, name, None)
        return suite

    return decorate


def cases() -> Iterable[str]:
    return [name for name in dir(ObjectsSuite) if name.startswith("test_")]


@without(*DEPARTURES, *AGEING)
class TestS3(ObjectsSuite):
    @pytest.fixture
    def make_harness(self, tmp_path: Path, seaweedfs_s3: S3) -> ObjectsHarness:
        return SeaweedHarness(tmp_path, seaweedfs_s3.address, seaweedfs_s3.shared_bucket())


@without(*(set(cases()) - set(DEPARTURES) - AGEING - ALSO))
class TestS3OnMinistack(ObjectsSuite):
    @pytest.fixture
    def make_harness(self, tmp_path: Path, ministack: Server) -> ObjectsHarness:
        bucket = f"suite-{secrets.token_hex(8)}"
        with closing(aws_client("s3", ministack.address)) as client:
            client.create_bucket(Bucket=bucket)
        return MinistackHarness(tmp_path, ministack.address, bucket)


def test_each_case_runs_on_one_of_the_two() -> None:
    first = {name for name in cases() if getattr(TestS3, name) is not None}
    second = {name for name in cases() if getattr(TestS3OnMinistack, name) is not None}
    assert first | second == set(cases())
    assert second == set(DEPARTURES) | AGEING | ALSO
    assert first & second == ALSO
