"""hvac, the usual client, sees what skykeep wrote, and the other way round."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import hvac
import pytest
import pytest_asyncio

from skykeep.errors import (
    NotFound,
)
from skykeep.interfaces.secret_driver import Attributes, SecretDriver
from skykeep.interfaces.secret_value import SecretValue
from skykeep.providers.vault.fields import MAX_VALUE_BYTES
from tests.peers.openbao import OpenBao
from tests.providers.vault.judge import Judge
from tests.providers.vault.opening import opened

pytestmark = pytest.mark.asyncio

NOTHING = Attributes()
TAGS = {"team": "shop", "note:2": "ü and spaces"}
EXPIRY = datetime(2031, 5, 6, 7, 8, 9, tzinfo=UTC)

VALUES = {
    "text": (b"s3cret", {"value": "s3cret"}),
    "empty": (b"", {"value": ""}),
    "lines": (b"one\ntwo\n", {"value": "one\ntwo\n"}),
    "unicode": ("pässwörd €".encode(), {"value": "pässwörd €"}),
    "json": (b'{"a": 1}', {"value": '{"a": 1}'}),
    "markup": (b"<a>&'\"\\", {"value": "<a>&'\"\\"}),
    "binary": (b"\x00\xff\xfe", {"value": "AP/+", "encoding": "base64"}),
    "control": (b"\x01" * 90, {"value": "AQEB" * 30, "encoding": "base64"}),
}


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


both = pytest.mark.parametrize("version", [1, 2])


@both
@pytest.mark.parametrize("kind", VALUES)
async def test_hvac_reads_what_we_wrote(
    openbao: OpenBao, driver: SecretDriver, judge: Judge, kind: str
) -> None:
    value, fields = VALUES[kind]
    await driver.create("app/made", SecretValue(value), NOTHING)
    assert judge.read("app/made") == fields


@both
@pytest.mark.parametrize("kind", VALUES)
async def test_we_read_what_hvac_wrote(
    openbao: OpenBao, driver: SecretDriver, judge: Judge, kind: str
) -> None:
    value, fields = VALUES[kind]
    judge.write("app/made", fields)
    assert (await driver.get("app/made")).value.reveal() == value


FOREIGN: dict[str, dict[str, Any]] = {
    "fields": {"user": "ada", "password": "s3cret"},
    "numbers": {"port": 5432, "large": 9007199254740991, "on": True, "none": None},
    "nested": {"a": {"b": ["c", 1]}},
    "value beside others": {"value": "x", "other": "y"},
    "a value that is no text": {"value": 7},
    "no base64": {"value": "no base64!", "encoding": "base64"},
    "another encoding": {"value": "x", "encoding": "hex"},
    "nothing": {},
}


@pytest.mark.parametrize(
    ("kind", "version"),
    # KV 1 refuses an entry without fields.
    [
        (kind, version)
        for kind in FOREIGN
        for version in (1, 2)
        if FOREIGN[kind] or version == 2
    ],
)
async def test_other_shapes_are_read_as_json(
    openbao: OpenBao, driver: SecretDriver, judge: Judge, kind: str, version: int
) -> None:
    judge.write("theirs", FOREIGN[kind])
    found = await driver.get("theirs")
    assert json.loads(found.value.text()) == FOREIGN[kind]
    again = await driver.update("theirs", found.value, NOTHING)
    assert not again.changed, "what was read is what is there"
    assert judge.read("theirs") == FOREIGN[kind]
    await driver.update("theirs", SecretValue("ours now"), NOTHING)
    assert judge.read("theirs") == {"value": "ours now"}


@both
async def test_both_list_the_same(openbao: OpenBao, driver: SecretDriver, judge: Judge) -> None:
    for name in ("a", "b/c", "b/d"):
        await driver.create(name, SecretValue("x"), NOTHING)
    judge.write("b/e", {"value": "x"})
    assert judge.keys() == ["a", "b/"]
    assert judge.keys("b") == ["c", "d", "e"]
    page = await driver.list("b", cursor=None, limit=10)
    assert [item.name for item in page.items] == ["b/c", "b/d", "b/e"]


@both
async def test_each_deletes_what_the_other_wrote(
    openbao: OpenBao, driver: SecretDriver, judge: Judge, version: int
) -> None:
    judge.write("theirs", {"value": "x"})
    await driver.delete("theirs")
    with pytest.raises(hvac.exceptions.InvalidPath):
        judge.read("theirs")
    await driver.create("ours", SecretValue("x"), NOTHING)
    if version == 1:
        judge.kv.delete_secret("ours", mount_point=judge.mount)
    else:
        judge.kv.delete_latest_version_of_secret("ours", mount_point=judge.mount)
    with pytest.raises(NotFound):
        await driver.get("ours")


@both
async def test_a_native_name(openbao: OpenBao, driver: SecretDriver, judge: Judge) -> None:
    judge.write("Ünlike ours/a+b", {"value": "x"})
    assert (await driver.get("native:Ünlike ours/a+b")).value == SecretValue("x")


@both
async def test_namespaces_are_apart(openbao: OpenBao, version: int) -> None:
    here, there = openbao.new_namespace(), openbao.new_namespace()
    mount = here.kv(version)
    there.call("POST", f"sys/mounts/{mount}", {"type": "kv", "options": {"version": "1"}})
    ours = await opened(here, mount)
    theirs = await opened(there, mount)
    await ours.create("a", SecretValue("x"), NOTHING)
    with closing(Judge(here, version, mount)) as judge:
        assert judge.read("a") == {"value": "x"}
    with pytest.raises(NotFound):
        await theirs.get("a")
    within = here.new_namespace()
    deeper = await opened(within, within.kv(version))
    await deeper.create("a", SecretValue("deep"), NOTHING)
    assert (await deeper.get("a")).value == SecretValue("deep")
    for driver in (ours, theirs, deeper):
        await driver.close()


@both
async def test_the_largest_value(
    openbao: OpenBao, driver: SecretDriver, judge: Judge, version: int
) -> None:
    text = "x" * MAX_VALUE_BYTES
    await driver.create("large", SecretValue(text), NOTHING)
    assert judge.read("large") == {"value": text}
