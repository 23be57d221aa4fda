"""Records, stages and rings: what writes do to them, and what they refuse."""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skykeep.errors import (
    Conflict,
    Corrupt,
    Invalid,
    NotFound,
    PendingDelete,
    Quota,
    SkykeepError,
)
from skykeep.interfaces.secret_driver import Attributes
from skykeep.interfaces.secret_value import SecretValue
from skykeep.providers.local import record
from skykeep.providers.local.secrets import LocalSecrets
from skykeep.providers.local.writing import MAX_STAGES
from tests.providers.local.vaults import Place, change, keep, listed, made, read


async def refused(kind: type[SkykeepError], work: Awaitable[object]) -> None:
    with pytest.raises(kind) as caught:
        await work
    assert type(caught.value) is kind


# -- records


def some(**changes: object) -> bytes:
    made_up = record.new_record("name", bytes(16), record.now())
    fields = {name: getattr(made_up, name) for name in made_up.__struct_fields__}
    return msgspec.msgpack.encode(list((fields | changes).values()))


def test_a_record_comes_back() -> None:
    one = record.new_record("name", b"n" * 16, record.now())
    one.versions.append(record.Kept(1, 7, 5, record.now()))
    one.stages["current"] = 1
    assert record.unpack(record.pack(one)) == one


@pytest.mark.parametrize(
    "packed",
    [
        b"",
        b"\xc1",
        msgspec.msgpack.encode([]),
        msgspec.msgpack.encode({"name": "name"}),
        some(name=7),
        some(serial=b"short"),
        some(next=b"x" * 17),
        some(stages={"current": "1"}),
        some(versions=[[1, 2]]),
        some() + b"more",
    ],
    ids=range(10),
)
def test_what_is_no_record_is_damage(packed: bytes) -> None:
    with pytest.raises(Corrupt):
        record.unpack(packed)


def test_times_outside_of_the_calendar_are_damage() -> None:
    for micros in (2**60, -(2**60)):
        with pytest.raises(Corrupt):
            record.to_datetime(micros)


@given(st.integers(-(10**16), 10**17))
def test_times_come_back(micros: int) -> None:
    assert record.to_micros(record.to_datetime(micros)) == micros


@given(
    st.integers(1, 12),
    st.lists(st.integers(1, 30), unique=True, min_size=1).map(sorted),
    st.data(),
)
def test_pruning_keeps_the_newest_and_whatever_has_a_stage(
    keep_versions: int, numbers: list[int], data: st.DataObject
) -> None:
    one = record.new_record("name", bytes(16), 0)
    one.versions = [record.Kept(number, number, 0, 0) for number in numbers]
    staged = data.draw(st.lists(st.sampled_from(numbers), max_size=4))
    one.stages = {f"stage-{place}": number for place, number in enumerate(staged)}
    gone = {kept.number for kept in one.surplus(keep_versions)}
    left = [kept.number for kept in one.versions]
    assert sorted([*gone, *left]) == numbers
    assert set(staged) | {numbers[-1]} <= set(left)
    assert len(left) <= max(keep_versions, len(set(staged) | {numbers[-1]}))
    free = [number for number in left[:-1] if number not in staged]
    assert not gone or not free or max(gone) < min(free)
    assert not gone or len(left) >= keep_versions


# -- what writes refuse, and leave as it was


@pytest.mark.asyncio
async def test_deleted_restored_and_purged(tmp_path: Path) -> None:
    async with made(tmp_path).opened() as driver:
        for work in (
            driver.get("a/b"),
            driver.get("a/b", version="1"),
            driver.delete("a/b"),
            driver.restore("a/b"),
            driver.purge("a/b"),
            change(driver, "a/b", b"value"),
            driver.annotate("a/b", Attributes(tags={})),
        ):
            await refused(NotFound, work)
        await keep(driver, "a/b", b"value")
        await refused(Conflict, keep(driver, "a/b", b"value"))
        await refused(Conflict, driver.restore("a/b"))
        await driver.delete("a/b")
        for work in (driver.get("a/b"), driver.get("a/b", version="1"), driver.delete("a/b")):
            await refused(NotFound, work)
        for held in (change(driver, "a/b", b"x"), keep(driver, "a/b", b"x")):
            await refused(PendingDelete, held)
        await driver.restore("a/b")
        assert await read(driver, "a/b") == b"value"
        await driver.purge("a/b")
        await refused(NotFound, driver.describe("a/b"))
        assert await listed(driver, "a") == []


@pytest.mark.asyncio
async def test_stages(tmp_path: Path) -> None:
    async with made(tmp_path).opened() as driver:
        await keep(driver, "name", b"1")
        await driver.update("name", SecretValue(b"2"), Attributes(), stage="pending")
        assert await read(driver, "name") == b"1"
        await driver.move_stage("name", "current", "2")
        assert (await driver.get("name", stage="previous")).version == "1"
        await driver.move_stage("name", "current", "2")
        assert (await driver.get("name", stage="previous")).version == "1"
        await driver.move_stage("name", "pending", None)
        await driver.move_stage("name", "pending", None)
        await refused(NotFound, driver.get("name", stage="pending"))
        await refused(NotFound, driver.move_stage("name", "pending", "3"))
        await refused(NotFound, driver.move_stage("name", "pending", "02"))
        await refused(NotFound, driver.get("name", version="\u0662"))
        await refused(Invalid, driver.move_stage("name", "current", None))
        await refused(Conflict, driver.move_stage("name", "pending", "1", expects="1"))
        for number in range(MAX_STAGES - 2):
            await driver.move_stage("name", f"stage-{number}", "1")
        await refused(Quota, driver.move_stage("name", "one-more", "1"))
        full = driver.update("name", SecretValue(b"3"), Attributes(), stage="one-more")
        await refused(Quota, full)
        assert [version.id for version in await driver.versions("name")] == ["2", "1"]
        await driver.move_stage("name", "stage-0", "2")


@pytest.mark.asyncio
async def test_a_value_that_is_there_already_makes_no_version(tmp_path: Path) -> None:
    async with made(tmp_path).opened() as driver:
        await keep(driver, "name", b"value")
        before = await driver.describe("name")
        assert not (await change(driver, "name", b"value")).changed
        assert await driver.describe("name") == before
        again = await driver.update("name", SecretValue(b"value"), Attributes(tags={"a": "b"}))
        assert not again.changed
        assert (await driver.describe("name")).tags == {"a": "b"}
        await driver.annotate("name", Attributes(metadata={"c": "d"}, expires_at=None))
        await driver.annotate("name", Attributes(metadata={"c": "d"}))
        await refused(Conflict, driver.annotate("name", Attributes(), expects="7"))
        assert [version.id for version in await driver.versions("name")] == ["1"]


# -- rings that somebody has cut


NAMES = [f"group-{number}/name" for number in range(12)]


async def filled(directory: Path) -> Place:
    place = made(directory)
    async with place.opened() as driver:
        for name in NAMES:
            await keep(driver, name, name.encode())
    return place


def cut(place: Place, table: str, key: bytes) -> None:
    column = {"secret": "name_key", "directory": "prefix"}[table]
    statement = f"DELETE FROM {table} WHERE {column} = ?"  # noqa: S608  (two fixed words)
    with closing(sqlite3.connect(place.path, isolation_level=None)) as connection:
        assert connection.execute(statement, (key,)).rowcount == 1


async def ordered(driver: LocalSecrets, table: str) -> list[tuple[bytes, str]]:
    keys = driver._keys.now.keys
    if table == "secret":
        return sorted((keys.name_key(name), name) for name in NAMES)
    return sorted((keys.prefix_key(name.partition("/")[0]), name) for name in NAMES)


@pytest.mark.asyncio
@pytest.mark.parametrize("table", ["secret", "directory"])
async def test_a_purge_beside_a_missing_row(tmp_path: Path, table: str) -> None:
    place = await filled(tmp_path)
    async with place.opened() as driver:
        (gone, _), (_, behind) = (await ordered(driver, table))[4:6]
    cut(place, table, gone)
    async with place.opened() as driver:
        await refused(Corrupt, driver.purge(behind))
        assert await read(driver, behind) == behind.encode()


@pytest.mark.asyncio
@pytest.mark.parametrize("table", ["secret", "directory"])
async def test_a_purge_of_what_is_half_gone(tmp_path: Path, table: str) -> None:
    place = await filled(tmp_path)
    async with place.opened() as driver:
        gone, name = (await ordered(driver, table))[4]
    cut(place, table, gone)
    async with place.opened() as driver:
        await refused(Corrupt, driver.purge(name))
        again = name if table == "secret" else f"{name.partition('/')[0]}/new"
        await refused(Corrupt, keep(driver, again, b"value"))


@pytest.mark.asyncio
@pytest.mark.parametrize("table", ["secret", "directory"])
async def test_a_ring_without_its_beginning(tmp_path: Path, table: str) -> None:
    place = await filled(tmp_path)
    cut(place, table, bytes(16))
    async with place.opened() as driver:
        _, first = (await ordered(driver, table))[0]
        await refused(Corrupt, driver.purge(first))
        assert await read(driver, first) == first.encode()
