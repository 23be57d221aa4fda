"""Rules of a bucket: what ours look like to others, and whose are never touched."""

from __future__ import annotations

from typing import Any

import pytest
from google.cloud.storage.bucket import Bucket as Judge
from google.cloud.storage.bucket import LifecycleRuleDelete, LifecycleRuleSetStorageClass

from skykeep.conformance.cases import refused
from skykeep.errors import ConfigError, Conflict, Denied, Invalid
from skykeep.interfaces.object_driver import LifecycleRule
from skykeep.providers.gcp.storage.driver import CloudStorage as Driver
from skykeep.providers.gcp.storage.lifecycle import ANY_CLASS
from tests.peers.fakes.cloud_storage_state import Bucket
from tests.peers.faults import FaultProxy
from tests.providers.gcp.storage.going_wrong import asks, says

pytestmark = pytest.mark.asyncio

ALL = LifecycleRule(
    prefix="scans",
    infrequent_after_days=30,
    archive_after_days=90,
    expire_after_days=400,
    abort_uploads_after_days=2,
)


async def test_what_googles_client_reads_of_ours(driver: Driver, bucket: Bucket) -> None:
    await driver.set_lifecycle([ALL])
    judge: Any = Judge(client=None, name=bucket.name)
    judge._set_properties(bucket.described())
    rules = list(judge.lifecycle_rules)
    kinds = [type(each) for each in rules]
    assert kinds == [
        LifecycleRuleSetStorageClass,
        LifecycleRuleSetStorageClass,
        LifecycleRuleDelete,
        LifecycleRuleDelete,
    ]
    assert [each["action"].get("storageClass") for each in rules[:2]] == ["NEARLINE", "ARCHIVE"]
    assert [each["condition"]["age"] for each in rules] == [30, 90, 400, 2]
    starts = [each["condition"]["matchesPrefix"] for each in rules]
    assert starts == [["team/scans/"]] * 3 + [["team/skykeep-uploads./scans/"]]


THEIRS: dict[str, dict[str, Any]] = {
    "by-hand": {
        "action": {"type": "Delete"},
        "condition": {"age": 100, "matchesPrefix": ["team/a/"]},
    },
    "another-target": {
        "action": {"type": "Delete"},
        "condition": {
            "age": 9,
            "matchesStorageClass": list(ANY_CLASS),
            "matchesPrefix": ["other/a/"],
        },
    },
    "a-part-of-a-segment": {
        "action": {"type": "Delete"},
        "condition": {
            "age": 9,
            "matchesStorageClass": list(ANY_CLASS),
            "matchesPrefix": ["team/a"],
        },
    },
    "one-condition-more": {
        "action": {"type": "Delete"},
        "condition": {
            "age": 9,
            "matchesStorageClass": list(ANY_CLASS),
            "matchesPrefix": ["team/a/"],
            "isLive": True,
        },
    },
    "another-action": {
        "action": {"type": "AbortIncompleteMultipartUpload"},
        "condition": {"age": 9, "matchesStorageClass": list(ANY_CLASS)},
    },
    "several-prefixes": {
        "action": {"type": "SetStorageClass", "storageClass": "NEARLINE"},
        "condition": {
            "age": 9,
            "matchesStorageClass": list(ANY_CLASS),
            "matchesPrefix": ["team/a/", "team/b/"],
        },
    },
    "another-class": {
        "action": {"type": "SetStorageClass", "storageClass": "COLDLINE"},
        "condition": {
            "age": 9,
            "matchesStorageClass": list(ANY_CLASS),
            "matchesPrefix": ["team/a/"],
        },
    },
}


@pytest.mark.parametrize("rule", THEIRS.values(), ids=THEIRS.keys())
async def test_rules_that_are_not_ours(
    driver: Driver, bucket: Bucket, rule: dict[str, Any]
) -> None:
    bucket.lifecycle = {"rule": [rule]}
    assert list(await driver.lifecycle()) == []
    await driver.set_lifecycle([ALL])
    await driver.set_lifecycle([])
    assert bucket.lifecycle == {"rule": [rule]}


async def test_a_change_in_between_is_a_conflict(
    driver: Driver, bucket: Bucket, proxy: FaultProxy
) -> None:
    kept = bucket.lifecycle

    def meanwhile(request: Any) -> bool:
        if request.method == "PATCH":
            bucket.metageneration += 1
        return False

    proxy.fail(says("unused", 500), when=meanwhile)
    await refused(Conflict, driver.set_lifecycle([ALL]))
    assert bucket.lifecycle == kept


@pytest.mark.parametrize(
    "rules",
    [
        [ALL, ALL],
        [LifecycleRule(prefix="a/"), LifecycleRule(prefix="a")],
        [LifecycleRule(prefix="a", expire_after_days=0)],
        [LifecycleRule(prefix="/a", expire_after_days=3)],
    ],
)
async def test_rules_that_are_refused(
    driver: Driver, proxy: FaultProxy, rules: list[LifecycleRule]
) -> None:
    await refused(Invalid, driver.set_lifecycle(rules))
    assert not proxy.seen


async def test_rights_that_are_missing(driver: Driver, proxy: FaultProxy) -> None:
    proxy.fail(says("forbidden", 403), when=asks("GET", "fields=lifecycle"), times=2)
    proxy.fail(says("forbidden", 403), when=asks("PATCH"))
    for work in (driver.lifecycle(), driver.set_lifecycle([ALL]), driver.set_lifecycle([ALL])):
        await refused(Denied, work)
    proxy.fail(says("forbidden", 403), when=asks("GET", "fields=location"))
    await refused(Denied, driver.region())
    proxy.fail(says("notFound", 404), when=asks("GET", "fields=location"))
    await refused(ConfigError, driver.region())
