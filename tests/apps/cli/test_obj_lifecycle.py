"""``skykeep obj lifecycle`` and ``presign``: the plan is shown, and nothing is done unasked."""

from __future__ import annotations

import pytest

from skykeep.errors import Denied, SkykeepError
from skykeep.interfaces.object_driver import LifecycleRule
from skykeep.providers.local.objects.driver import LocalObjects
from skykeep.providers.memory.objects import MemoryObjects
from tests.apps.cli.harness import Cli

OLD = LifecycleRule(prefix="old", expire_after_days=1000)
BOTH = LifecycleRule(prefix="both", archive_after_days=90)


class Bucket:
    """What outlives one run: its rules."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.rules: list[LifecycleRule] = [OLD, BOTH]
        bucket = self

        async def lifecycle(driver: MemoryObjects) -> list[LifecycleRule]:
            return bucket.rules

        async def set_lifecycle(driver: MemoryObjects, rules: list[LifecycleRule]) -> None:
            bucket.rules = list(rules)

        patch.setattr(MemoryObjects, "lifecycle", lifecycle)
        patch.setattr(MemoryObjects, "set_lifecycle", set_lifecycle)


@pytest.fixture
def bucket(bare: Cli) -> Bucket:
    bare.configure(
        """
p: {primary: {backend: memory}}
object_storage:
  lifecycle:
    - {prefix: both/, archive_after_days: 90}
    - {infrequent_after_days: 30, abort_uploads_after_days: 7}
"""
    )
    return Bucket(bare.patch)


TABLE = """\
   PREFIX  INFREQUENT  ARCHIVE  EXPIRES  UPLOADS
+  (all)   30          -        -        7
=  both    -           90       -        -
-  old     -           -        1,000    -
"""


def test_the_rules_are_shown_beside_each_other(bare: Cli, bucket: Bucket) -> None:
    assert bare("obj", "lifecycle", "show", code=1).text == TABLE
    found = bare("obj", "lifecycle", "show", "--output", "json", code=1).json
    assert [rule["prefix"] for rule in found["store"]] == ["old", "both"]
    assert [rule["prefix"] for rule in found["configuration"]] == ["both", ""]
    assert found["same"] is False


def test_nothing_is_set_unasked(bare: Cli, bucket: Bucket) -> None:
    apply = ("obj", "lifecycle", "apply")
    assert bare(*apply, "--dry-run").text == TABLE
    assert "add --yes" in bare(*apply, code=2).err
    ended = bare(*apply, stdin=b"n\n", terminal=True, code=1)
    assert ended.text == TABLE
    assert "nothing was changed" in ended.err
    assert bare(*apply, "--output", "json", "--dry-run").json["changed"] is False
    assert bucket.rules == [OLD, BOTH]


def test_they_are_set(bare: Cli, bucket: Bucket) -> None:
    apply = ("obj", "lifecycle", "apply")
    assert bare(*apply, stdin=b"y\n", terminal=True).text == TABLE + "2 rules set\n"
    assert {rule.prefix for rule in bucket.rules} == {"both", ""}
    assert bare(*apply).text == "2 rules, as they are in the store\n"
    assert bare("obj", "lifecycle", "show").text.count("=") == 2
    bucket.rules = []
    found = bare(*apply, "--yes", "--output", "json").json
    assert (found["changed"], found["store"], found["same"]) == (True, [], False)
    assert len(bucket.rules) == 2


def test_no_rules_at_all(bare: Cli, bucket: Bucket) -> None:
    bare.configure("p: {primary: {backend: memory}}")
    bucket.rules = []
    assert bare("obj", "lifecycle", "show").err == "there are no rules\n"


@pytest.mark.parametrize("words", [("a/1", "a/2"), ("-r", "a")])
def test_what_could_not_be_removed_is_said(bare: Cli, words: tuple[str, ...]) -> None:
    for key in ("a/1", "a/2"):
        bare("obj", "cp", "-", f":{key}")
    delete = LocalObjects.delete

    async def refused(self: LocalObjects, key: str, *, if_match: str | None = None) -> None:
        if key == "a/2":
            raise Denied("not this one")
        await delete(self, key, if_match=if_match)

    async def many(self: LocalObjects, keys: list[str]) -> dict[str, SkykeepError]:
        failed: dict[str, SkykeepError] = {}
        for key in keys:
            try:
                await self.delete(key)
            except SkykeepError as error:
                failed[key] = error
        return failed

    bare.patch.setattr(LocalObjects, "delete", refused)
    bare.patch.setattr(LocalObjects, "delete_many", many)
    ended = bare("obj", "rm", *words, "--yes", code=11)
    assert ended.text == "a/1: removed for ever\n"
    assert "1 of 2 were not removed; 'a/2': not this one" in ended.err
    assert bare("obj", "ls", "-r").text == "a/2\n"


def test_a_url_is_a_secret_and_a_terminal_is_told_so(bare: Cli) -> None:
    """It is signed here: nobody is asked."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        bare.patch.setenv(name, "none")
    bare.configure("p: {primary: {backend: aws, region: us-east-1, bucket: tests}}")
    assert bare("obj", "presign", "a").err == ""
    assert "may read the object until" in bare("obj", "presign", "a", terminal=True).err
    put = bare("obj", "presign", "a", "--method", "PUT", terminal=True)
    assert "may write the object until" in put.err
    document = bare("obj", "presign", "a", "--expires", "2h", "--output", "json").json
    assert "X-Amz-Expires=7200" in document["url"]
    assert "a week" in bare("obj", "presign", "a", "--expires", "8d", code=13).err
