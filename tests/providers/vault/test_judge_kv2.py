"""hvac and skykeep on one KV 2: versions, metadata, mounts, lesser tokens."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta

import hvac
import pytest
import pytest_asyncio

from skykeep.errors import (
    Conflict,
    Corrupt,
    Denied,
    NotFound,
    PendingDelete,
    VersionUnavailable,
)
from skykeep.interfaces.secret_driver import Attributes, SecretDriver
from skykeep.interfaces.secret_value import SecretValue
from skykeep.providers.vault.answers import Known, Numbered
from skykeep.providers.vault.entries import entry_of
from tests.peers.openbao import OpenBao
from tests.providers.vault.judge import Judge
from tests.providers.vault.opening import opened

pytestmark = pytest.mark.asyncio

NOTHING = Attributes()
TAGS = {"team": "shop", "note:2": "ü and spaces"}
EXPIRY = datetime(2031, 5, 6, 7, 8, 9, tzinfo=UTC)


@pytest.fixture
def version() -> int:
    return 2


@pytest.fixture
def mount(openbao: OpenBao, version: int) -> str:
    return openbao.kv(version)


@pytest.fixture
def judge(openbao: OpenBao, version: int, mount: str) -> Iterator[Judge]:
    with closing(Judge(openbao, version, mount)) as made:
        yield made


@pytest_asyncio.fixture
async def driver(openbao: OpenBao, mount: str) -> AsyncIterator[SecretDriver]:
    made = await opened(openbao, mount)
    yield made
    await made.close()


async def test_versions(openbao: OpenBao, driver: SecretDriver, judge: Judge) -> None:
    await driver.create("a", SecretValue("one"), NOTHING)
    judge.write("a", {"value": "two"}, cas=1)
    third = await driver.update("a", SecretValue("three"), NOTHING, expects="2")
    assert third.version == "3"
    assert [judge.read("a", number)["value"] for number in (1, 2, 3)] == ["one", "two", "three"]
    for number, text in enumerate(("one", "two", "three"), start=1):
        assert (await driver.get("a", version=str(number))).value == SecretValue(text)
    with pytest.raises(Conflict):
        await driver.update("a", SecretValue("four"), NOTHING, expects="2")
    assert judge.about("a")["current_version"] == 3


async def test_tags_and_the_rest_are_custom_metadata(
    openbao: OpenBao, driver: SecretDriver, judge: Judge
) -> None:
    given = Attributes(metadata={"why": ""}, tags=TAGS, expires_at=EXPIRY)
    await driver.create("a", SecretValue("x"), given)
    assert judge.about("a")["custom_metadata"] == {
        **TAGS,
        "metadata:why": "base64:",
        "skykeep:expires-at": "2031-05-06T07:08:09+00:00",
    }


async def test_custom_metadata_of_others_is_tags(
    openbao: OpenBao, driver: SecretDriver, judge: Judge
) -> None:
    judge.write("a", {"value": "x"})
    judge.kv.update_metadata("a", custom_metadata=TAGS, mount_point=judge.mount)
    info = await driver.describe("a")
    assert info.tags == TAGS
    assert (await driver.get("a")).tags == TAGS
    await driver.annotate("a", Attributes(metadata={"why": "ours"}))
    assert judge.about("a")["custom_metadata"] == {**TAGS, "metadata:why": "ours"}


async def test_what_the_house_keeps_survives_a_write(
    openbao: OpenBao, driver: SecretDriver, judge: Judge
) -> None:
    judge.write("a", {"value": "x"})
    stamp = {"skykeep:stamp": "of a later version of skykeep"}
    judge.kv.update_metadata("a", custom_metadata=stamp, mount_point=judge.mount)
    assert (await driver.describe("a")).tags == {}
    await driver.annotate("a", Attributes(tags=TAGS))
    await driver.update("a", SecretValue("y"), Attributes(tags={}))
    assert judge.about("a")["custom_metadata"] == stamp


async def test_hvac_undeletes_what_we_deleted_and_we_what_it_did(
    openbao: OpenBao, driver: SecretDriver, judge: Judge
) -> None:
    await driver.create("a", SecretValue("x"), NOTHING)
    await driver.delete("a")
    judge.kv.undelete_secret_versions("a", [1], mount_point=judge.mount)
    assert (await driver.get("a")).value == SecretValue("x")
    judge.kv.delete_latest_version_of_secret("a", mount_point=judge.mount)
    assert (await driver.describe("a")).deleted_at is not None
    with pytest.raises(PendingDelete):
        await driver.update("a", SecretValue("y"), NOTHING)
    await driver.restore("a")
    assert judge.read("a") == {"value": "x"}


async def test_a_version_that_hvac_destroyed(
    openbao: OpenBao, driver: SecretDriver, judge: Judge
) -> None:
    await driver.create("a", SecretValue("one"), NOTHING)
    await driver.update("a", SecretValue("two"), NOTHING)
    judge.kv.destroy_secret_versions("a", [1], mount_point=judge.mount)
    with pytest.raises(VersionUnavailable):
        await driver.get("a", version="1")
    assert [each.available for each in await driver.versions("a")] == [True, False]
    assert (await driver.get("a")).value == SecretValue("two")


@pytest.mark.parametrize("deleted", [True, False])
async def test_a_current_version_that_was_destroyed(
    openbao: OpenBao, driver: SecretDriver, judge: Judge, deleted: bool
) -> None:
    await driver.create("a", SecretValue("one"), NOTHING)
    if deleted:
        await driver.delete("a")
    judge.kv.destroy_secret_versions("a", [1], mount_point=judge.mount)
    with pytest.raises(VersionUnavailable):
        await driver.get("a")
    assert (await driver.describe("a")).deleted_at is None
    with pytest.raises(NotFound, match="purge"):
        await driver.delete("a")
    with pytest.raises(Conflict):
        await driver.create("a", SecretValue("two"), NOTHING)
    await driver.update("a", SecretValue("two"), NOTHING)
    assert judge.read("a") == {"value": "two"}


async def test_we_purge_what_hvac_wrote(
    openbao: OpenBao, driver: SecretDriver, judge: Judge
) -> None:
    judge.write("a", {"value": "x"})
    judge.write("a", {"value": "y"})
    await driver.purge("a")
    with pytest.raises(hvac.exceptions.InvalidPath):
        judge.about("a")
    await driver.create("b", SecretValue("x"), NOTHING)
    judge.kv.delete_metadata_and_all_versions("b", mount_point=judge.mount)
    with pytest.raises(NotFound):
        await driver.describe("b")


async def test_an_entry_that_has_metadata_only(
    openbao: OpenBao, driver: SecretDriver, judge: Judge
) -> None:
    judge.kv.update_metadata("a", custom_metadata=TAGS, mount_point=judge.mount)
    for work in (driver.get("a"), driver.describe("a"), driver.versions("a")):
        with pytest.raises(NotFound):
            await work
    assert (await driver.list("", cursor=None, limit=5)).items == []
    await driver.create("a", SecretValue("x"), NOTHING)
    assert judge.read("a") == {"value": "x"}


async def test_a_mount_that_demands_check_and_set(openbao: OpenBao) -> None:
    mount = openbao.kv(2, cas_required=True)
    driver = await opened(openbao, mount)
    await driver.create("a", SecretValue("one"), Attributes(tags=TAGS))
    await driver.update("a", SecretValue("two"), NOTHING)
    await driver.delete("a")
    await driver.restore("a")
    with closing(Judge(openbao, 2, mount)) as judge:
        assert judge.read("a") == {"value": "two"}
    await driver.close()


async def test_versions_that_will_be_deleted_one_day_are_there(
    openbao: OpenBao, version: int
) -> None:
    mount = openbao.kv(2, delete_version_after="1h")
    driver = await opened(openbao, mount)
    await driver.create("a", SecretValue("one"), NOTHING)
    assert (await driver.describe("a")).deleted_at is None
    assert [each.available for each in await driver.versions("a")] == [True]
    assert (await driver.get("a", version="1")).value == SecretValue("one")
    await driver.close()


async def test_versions_whose_time_is_over_are_deleted() -> None:
    """By the server's clock, which is given."""
    made, over = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, 1, tzinfo=UTC)
    about = Known(
        1, made, made, {"1": Numbered(made, deletion_time="2026-01-01T01:00:00.123456789Z")}
    )
    before, after = entry_of(about, over), entry_of(about, over + timedelta(seconds=1))
    assert before is not None
    assert after is not None
    assert (before.deleted_at, before.listed_versions()[0].available) == (None, True)
    assert after.deleted_at == over + timedelta(microseconds=123456)
    assert not after.listed_versions()[0].available
    with pytest.raises(Corrupt):
        entry_of(Known(1, made, made, {"1": Numbered(made, deletion_time="soon")}), over)
    with pytest.raises(Corrupt):
        entry_of(Known(1, made, made, {"first": Numbered(made)}), over)


async def test_the_number_of_versions_that_are_kept(
    openbao: OpenBao, mount: str, judge: Judge
) -> None:
    driver = await opened(openbao, mount, keep_versions=2)
    await driver.create("a", SecretValue("1"), NOTHING)
    assert judge.about("a")["max_versions"] == 2
    for text in "234":
        await driver.update("a", SecretValue(text), NOTHING)
    assert sorted(judge.about("a")["versions"]) == ["3", "4"]
    with pytest.raises(NotFound):
        await driver.get("a", version="1")
    await driver.close()


# -- tokens that may do less

RIGHTS = {
    "write-only": ["create", "update"],
    "create-only": ["create"],
    "read-only": ["read"],
}


@pytest.mark.parametrize("rights", RIGHTS)
async def test_a_token_that_may_do_less(
    openbao: OpenBao, driver: SecretDriver, judge: Judge, mount: str, rights: str
) -> None:
    """A write looks first, so that one that is repeated makes no second version: without
    the right to read there are no updates, and new secrets can be made."""
    rule = f'path "{mount}/data/*" {{ capabilities = {json.dumps(RIGHTS[rights])} }}'
    less = await opened(openbao, mount, token=openbao.new_token(openbao.policy(rule)))
    judge.write("there", {"value": "one"})
    if rights == "read-only":
        assert (await less.get("there")).value == SecretValue("one")
        for work in (
            less.update("there", SecretValue("two"), NOTHING),
            less.create("new", SecretValue("x"), NOTHING),
            less.delete("there"),
            less.list("", cursor=None, limit=1),
        ):
            with pytest.raises(Denied):
                await work
    else:
        await less.create("new", SecretValue("x"), NOTHING)
        assert judge.read("new") == {"value": "x"}
        with pytest.raises(Conflict if rights == "write-only" else Denied):
            await less.create("there", SecretValue("two"), NOTHING)
        with pytest.raises(Denied, match="'read' on"):
            await less.update("there", SecretValue("two"), NOTHING)
    assert judge.read("there") == {"value": "one"}
    await less.close()


async def test_a_directory_of_more_keys_than_are_asked_for_at_once(
    openbao: OpenBao, driver: SecretDriver, monkeypatch: pytest.MonkeyPatch, mount: str
) -> None:
    monkeypatch.setattr("skykeep.providers.vault.kv2.LISTED", 3)
    names = sorted([f"d/{n:02d}" for n in range(10)] + ["d/04/x", "d/04-x", "d/04/y/z"])
    for name in names:
        openbao.call("POST", f"{mount}/data/{name}", {"data": {"value": "x"}})
    for limit in (1, 2, 3, 4, 50):
        found: list[str] = []
        cursor = None
        while True:
            page = await driver.list("d", cursor=cursor, limit=limit)
            found += [item.name for item in page.items]
            cursor = page.cursor
            if cursor is None:
                break
        assert found == names
