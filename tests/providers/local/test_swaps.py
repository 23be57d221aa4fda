"""Rows that were put elsewhere, or are from another time, are ``Corrupt``."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Awaitable
from contextlib import closing
from pathlib import Path

import pytest

from skykeep.errors import Corrupt
from skykeep.providers.local.secrets import LocalSecrets
from tests.providers.local.vaults import Place, change, keep, listed, made, read


def by_hand(place: Place, *statements: str, **values: object) -> None:
    """Change the tables as somebody would who can write the file and has no key."""
    with closing(sqlite3.connect(place.path, isolation_level=None)) as connection:
        for statement in statements:
            assert connection.execute(statement, values).rowcount != 0, statement


def rows(place: Place, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(place.path)) as connection:
        return connection.execute(query).fetchall()


async def corrupt(work: Awaitable[object]) -> None:
    with pytest.raises(Corrupt) as caught:
        await work
    assert caught.value.hint


async def filled(directory: Path) -> Place:
    vault = made(directory / "vault")
    async with vault.opened() as driver:
        await keep(driver, "one", b"value of one")  # row 1
        await keep(driver, "two", b"value of two")  # row 2
        await change(driver, "one", b"newer of one")  # row 3
        await keep(driver, "db/three", b"value of three")  # row 4
    return vault


SWAP = (
    "INSERT INTO version (id, sealed) SELECT 99, sealed FROM version WHERE id = {0}",
    "UPDATE version SET sealed = (SELECT sealed FROM version WHERE id = {1}) WHERE id = {0}",
    "UPDATE version SET sealed = (SELECT sealed FROM version WHERE id = 99) WHERE id = {1}",
    "DELETE FROM version WHERE id = 99",
)


@pytest.mark.asyncio
async def test_values_swapped_between_secrets(tmp_path: Path) -> None:
    vault = await filled(tmp_path)
    by_hand(vault, *(statement.format(2, 3) for statement in SWAP))
    async with vault.opened() as driver:
        await corrupt(read(driver, "one"))
        await corrupt(read(driver, "two"))
        assert await read(driver, "db/three") == b"value of three"


@pytest.mark.asyncio
async def test_values_swapped_between_versions(tmp_path: Path) -> None:
    vault = await filled(tmp_path)
    by_hand(vault, *(statement.format(1, 3) for statement in SWAP))
    async with vault.opened() as driver:
        await corrupt(read(driver, "one"))
        await corrupt(driver.get("one", version="1"))
        assert await read(driver, "two") == b"value of two"


@pytest.mark.asyncio
async def test_another_version_declared_current(tmp_path: Path) -> None:
    vault = await filled(tmp_path)
    by_hand(vault, "UPDATE secret SET current = 1 WHERE current = 3")
    async with vault.opened() as driver:
        await corrupt(read(driver, "one"))


@pytest.mark.asyncio
async def test_records_swapped_between_names(tmp_path: Path) -> None:
    vault = await filled(tmp_path)
    (one,), (two,) = rows(
        vault, "SELECT name_key FROM secret WHERE current IN (2, 3) ORDER BY current"
    )
    by_hand(
        vault,
        "UPDATE secret SET name_key = zeroblob(7) WHERE name_key = :one",
        "UPDATE secret SET name_key = :one WHERE name_key = :two",
        "UPDATE secret SET name_key = :two WHERE name_key = zeroblob(7)",
        one=one,
        two=two,
    )
    async with vault.opened() as driver:
        await corrupt(read(driver, "one"))
        await corrupt(read(driver, "two"))
        await corrupt(listed(driver))


GONE: list[tuple[str, str]] = [
    ("a value", "DELETE FROM version WHERE id = 3"),
    ("a record", "DELETE FROM secret WHERE current = 3"),
    ("the beginning of the ring", "DELETE FROM secret WHERE current IS NULL"),
]


@pytest.mark.asyncio
@pytest.mark.parametrize(("what", "statement"), GONE)
async def test_a_row_that_vanished(tmp_path: Path, what: str, statement: str) -> None:
    vault = await filled(tmp_path)
    before = [key for (key,) in rows(vault, "SELECT name_key FROM secret ORDER BY name_key")]
    by_hand(vault, statement)
    after = {key for (key,) in rows(vault, "SELECT name_key FROM secret")}
    async with vault.opened() as driver:
        if what != "the beginning of the ring":
            await corrupt(read(driver, "one"))
        if what == "a value":
            return
        await corrupt(listed(driver))
        # A new name whose neighbour would be the row that is gone.
        (place,) = (at for at, key in enumerate(before) if key not in after)
        name = between(driver, before[place], [*before, b"\xff" * 17][place + 1])
        await corrupt(keep(driver, name, b"value"))


def between(driver: LocalSecrets, low: object, high: object) -> str:
    """A name whose key lies there."""
    assert isinstance(low, bytes)
    assert isinstance(high, bytes)
    names = (f"new-{number}" for number in range(1_000_000))
    return next(name for name in names if low < driver._keys.now.keys.name_key(name) < high)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "statements",
    [
        ["DELETE FROM path"],
        ["DELETE FROM directory WHERE prefix <> zeroblob(16)"],
        ["DELETE FROM path", "DELETE FROM directory WHERE prefix <> zeroblob(16)"],
        ["UPDATE path SET name_key = (SELECT name_key FROM secret WHERE current = 2)"],
        ["UPDATE path SET name_key = zeroblob(16)"],
        ["UPDATE directory SET record = zeroblob(60)"],
        ["INSERT INTO path SELECT prefix, zeroblob(16) FROM path"],
    ],
)
async def test_what_lies_under_a_prefix(tmp_path: Path, statements: list[str]) -> None:
    vault = await filled(tmp_path)
    by_hand(vault, *statements)
    async with vault.opened() as driver:
        await corrupt(listed(driver, "db"))
        assert await read(driver, "db/three") == b"value of three"


@pytest.mark.asyncio
async def test_values_of_another_vault_with_the_same_key(tmp_path: Path) -> None:
    vault = await filled(tmp_path)
    other = Place(tmp_path / "other")
    other.directory.mkdir()
    shutil.copy2(vault.key_path, other.key_path)
    other.create()
    async with other.opened() as driver:
        await keep(driver, "one", b"of the other")
    ((sealed,),) = rows(other, "SELECT sealed FROM version")
    by_hand(vault, "UPDATE version SET sealed = :sealed WHERE id = 3", sealed=sealed)
    async with vault.opened() as driver:
        await corrupt(read(driver, "one"))


@pytest.mark.asyncio
async def test_a_copied_vault_with_another_vaults_header(tmp_path: Path) -> None:
    vault = await filled(tmp_path)
    other = Place(tmp_path / "other")
    other.directory.mkdir()
    shutil.copy2(vault.key_path, other.key_path)
    other.create()
    ((body, digest),) = rows(other, "SELECT body, digest FROM header")
    by_hand(vault, "UPDATE header SET body = :body, digest = :digest", body=body, digest=digest)
    with pytest.raises(Corrupt):
        async with vault.opened():
            pass
    ((counter,),) = rows(other, "SELECT sealed FROM counter")
    by_hand(vault, "UPDATE counter SET sealed = :counter", counter=counter)
    async with vault.opened() as driver:
        for work in (read(driver, "one"), listed(driver), listed(driver, "db")):
            await corrupt(work)


@pytest.mark.asyncio
async def test_what_was_purged_does_not_come_back(tmp_path: Path) -> None:
    vault = await filled(tmp_path)
    old_value, old_record = (
        rows(vault, query)[0][0]
        for query in (
            "SELECT sealed FROM version WHERE id = 2",
            "SELECT record FROM secret WHERE current = 2",
        )
    )
    async with vault.opened() as driver:
        await driver.purge("two")
        await keep(driver, "two", b"another two")  # as long, and version 1 again
        assert await read(driver, "two") == b"another two"
    ((row,),) = rows(vault, "SELECT max(id) FROM version")
    whole = vault.path.read_bytes()
    value = "UPDATE version SET sealed = :old_value WHERE id = :row"
    record = "UPDATE secret SET record = :old_record WHERE current = :row"
    old = {"old_value": old_value, "old_record": old_record, "row": row}
    for statements in ([value], [record], [value, record]):
        vault.path.write_bytes(whole)
        by_hand(vault, *statements, **old)
        async with vault.opened() as driver:
            await corrupt(read(driver, "two"))


RETYPED = ("UPDATE version SET sealed = ?", "UPDATE secret SET record = ?")


@pytest.mark.asyncio
@pytest.mark.parametrize("kind", ["NULL", "7", "1.5", "'text'", "CAST(x'ff' AS TEXT)", "x''"])
async def test_another_type_in_a_row(tmp_path: Path, kind: str) -> None:
    vault = await filled(tmp_path)
    with closing(sqlite3.connect(vault.path, isolation_level=None)) as connection:
        connection.execute("PRAGMA writable_schema = ON")  # as a program without the rules
        connection.execute(
            "UPDATE sqlite_schema SET sql = replace(replace(replace(sql, 'STRICT, ', ''),"
            " ' STRICT', ''), 'NOT NULL', '')"
        )
    by_hand(vault, *(statement.replace("?", kind) for statement in RETYPED))
    async with vault.opened() as driver:
        for work in (read(driver, "one"), driver.describe("one"), listed(driver)):
            await corrupt(work)
        await corrupt(listed(driver, "db"))
        await corrupt(change(driver, "one", b"newer"))
