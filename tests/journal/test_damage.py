"""Damage is ``Corrupt``, or changes nothing: no other record is ever given."""

from __future__ import annotations

import asyncio
import random
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from skykeep.envelope.digests import sha256
from skykeep.errors import Corrupt, KeyFailure, SkykeepError, Unsupported
from skykeep.journal.store import open_journal
from tests.journal.kept import kept, records

RECORDS = [b"first record", b"second record", b"third" * 2000, b"", b"fifth record"]


async def write(path: Path) -> None:
    journal = open_journal(path)
    ids = [await journal.append(record) for record in [*RECORDS, b"removed"]]
    await journal.remove(ids.pop())
    await journal.close()


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A journal, closed; to be copied."""
    path = tmp_path_factory.mktemp("pristine") / "production.db"
    asyncio.run(write(path))
    return path


@pytest.fixture
def path(pristine: Path, tmp_path: Path) -> Path:
    shutil.copytree(pristine.parent, tmp_path / "journal")
    return tmp_path / "journal" / pristine.name


def change(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        for statement in statements:
            database.execute(statement)


def refused(path: Path) -> Corrupt:
    with pytest.raises(Corrupt) as caught:
        kept(path)
    assert str(path) in str(caught.value)
    assert "skykeep diff" in caught.value.hint
    return caught.value


def test_the_pristine_one(path: Path) -> None:
    assert kept(path) == RECORDS


@pytest.mark.parametrize(
    "statements",
    [
        (
            "CREATE TEMP TABLE old AS SELECT * FROM entry",
            (
                "UPDATE entry SET sealed ="
                " (SELECT sealed FROM old WHERE id = 3 - entry.id) WHERE id < 3"
            ),
        ),
        (
            "CREATE TEMP TABLE old AS SELECT * FROM entry",
            (
                "UPDATE entry SET (changed, sealed) ="
                " (SELECT changed, sealed FROM old WHERE id = 3 - entry.id) WHERE id < 3"
            ),
        ),
        ("UPDATE entry SET changed = changed + 1 WHERE id = 1",),
        ("UPDATE entry SET id = 100 WHERE id = 1",),
        ("UPDATE entry SET id = -1 WHERE id = 1",),
        ("UPDATE entry SET sealed = x'00' WHERE id = 1",),
        ("INSERT INTO entry SELECT 9, changed, sealed FROM entry WHERE id = 1",),
        ("UPDATE header SET state = x'00'",),
        ("UPDATE header SET state = (SELECT sealed FROM entry WHERE id = 1)",),
        ("DELETE FROM header",),
        ("DROP TABLE entry",),
        ("DROP TABLE header",),
    ],
)
def test_rows_that_are_swapped_changed_or_added(path: Path, statements: tuple[str]) -> None:
    change(path, *statements)
    refused(path)


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM entry WHERE id = 1",
        "UPDATE entry SET sealed = NULL WHERE id = 1",
        "DELETE FROM entry WHERE length(sealed) = 29",  # the empty one
        "DELETE FROM entry",
    ],
)
def test_rows_that_are_missing(path: Path, statement: str) -> None:
    change(path, statement)
    assert "records are missing" in str(refused(path))


def test_rows_of_another_journal(path: Path, tmp_path: Path) -> None:
    """Even under the same key file."""
    other = tmp_path / "other.db"
    shutil.copy(path.with_name(f"{path.name}.key"), tmp_path / "other.db.key")
    asyncio.run(write(other))
    assert kept(other) == RECORDS
    change(
        path,
        f"ATTACH '{other}' AS other",
        "UPDATE entry SET sealed = (SELECT sealed FROM other.entry WHERE id = 1) WHERE id = 1",
    )
    refused(path)


def test_the_header_of_another_journal(path: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    shutil.copy(path.with_name(f"{path.name}.key"), tmp_path / "other.db.key")
    asyncio.run(write(other))
    change(
        path,
        f"ATTACH '{other}' AS other",
        "UPDATE header SET body = (SELECT body FROM other.header)",
    )
    refused(path)


def test_an_older_row_does_not_open_under_its_newer_commit(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database:
        ((old,),) = database.execute("SELECT sealed FROM entry WHERE id = 1").fetchall()

    async def replace() -> None:
        journal = open_journal(path)
        await journal.replace(1, b"newer record")
        await journal.close()

    asyncio.run(replace())
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("UPDATE entry SET sealed = ? WHERE id = 1", (old,))
    refused(path)


def test_a_reader_that_goes_on_meets_it(path: Path) -> None:
    journal = open_journal(path)
    moment, _ = journal.changes(0)
    change(path, "UPDATE entry SET changed = 100, sealed = x'00' WHERE id = 2")
    for since in (moment, 0):
        with pytest.raises(Corrupt):
            journal.changes(since)
    asyncio.run(journal.close())


def test_nothing_is_written_to_a_journal_whose_state_is_damaged(path: Path) -> None:
    async def write_and_look() -> None:
        journal = open_journal(path)
        change(path, "UPDATE header SET state = x'00'")
        with pytest.raises(Corrupt):
            await journal.append(b"new")
        with pytest.raises(Corrupt):
            await journal.remove(1)
        await journal.close()

    asyncio.run(write_and_look())
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("SELECT count(*) FROM entry").fetchone() == (6,)


@pytest.mark.parametrize("length", [0, 1, 99, 100, 1000, 4096, 5000, 8192, 16_384])
def test_a_truncated_file(path: Path, length: int) -> None:
    data = path.read_bytes()
    assert length < len(data)
    path.write_bytes(data[:length])
    refused(path)
    assert path.read_bytes() == data[:length]


def test_a_file_with_more_behind_it(path: Path) -> None:
    with path.open("ab") as file:
        file.write(bytes(4096))
    refused(path)


def test_a_newer_journal_is_left_alone(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        ((body,),) = database.execute("SELECT body FROM header").fetchall()
        newer = b"SKJ2" + body[4:-32]
        database.execute("UPDATE header SET body = ?", (newer + sha256(newer),))
    with pytest.raises(Unsupported, match="newer"):
        kept(path)


def flipped(data: bytes, at: int, bit: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :]


def outcome(path: Path, wanted: dict[int, bytes]) -> str:
    """What happens to a damaged copy. Fails if other records are given, or another error."""
    try:
        found = records(path)
    except (Corrupt, KeyFailure, Unsupported) as error:
        return type(error).__name__
    except SkykeepError as error:
        pytest.fail(f"{type(error).__name__}: {error}")
    assert found == wanted
    return "unharmed"


@pytest.mark.parametrize("part", ["header", "anywhere"])
def test_flipped_bits(path: Path, part: str) -> None:
    dice = random.Random(20261122)
    wanted = records(path)
    data = path.read_bytes()
    begin = data.index(b"SKJ1")
    places = range(begin, begin + 130) if part == "header" else range(len(data))
    told = []
    for _ in range(400):
        path.write_bytes(flipped(data, dice.choice(places), dice.randrange(8)))
        told.append(outcome(path, wanted))
    assert told.count("Corrupt") > 100
    if part == "header":
        assert set(told) == {"Corrupt"}
