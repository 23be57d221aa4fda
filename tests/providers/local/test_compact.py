"""``compact``: no sealed remains of what was purged, no unused space; others go on."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from skykeep.durable.database import journal_of
from skykeep.errors import ConfigError, Corrupt, Quota, Unavailable
from skykeep.providers.local import session
from skykeep.providers.local.compact import Compacted, compact
from skykeep.providers.local.session import read_header
from skykeep.providers.local.unlock import unlock
from skykeep.providers.local.verify import verify
from tests.providers.local.test_rekey import Usage
from tests.providers.local.vaults import Place, change, keep, listed, made, read

pytestmark = pytest.mark.asyncio


def compacted(place: Place) -> Compacted:
    return compact(place.settings, place.context)


def sealed_rows(path: Path) -> dict[int, bytes]:
    with closing(sqlite3.connect(path)) as connection:
        return dict(connection.execute("SELECT id, sealed FROM version").fetchall())


@pytest.mark.slow
async def test_sealed_remains_of_purged_values_are_gone(tmp_path: Path) -> None:
    """Values of all small sizes are made and purged until copies of rows do stay behind."""
    place = made(tmp_path)
    dice = random.Random(20240607)
    seen: set[bytes] = set()
    live: list[str] = []
    async with place.opened() as driver:
        for turn in range(15):
            names = [f"turn-{turn}/{number}" for number in range(40)]
            for name in names:
                await keep(driver, name, os.urandom(dice.randrange(20, 900)))
            seen |= set(sealed_rows(place.path).values())
            live = dice.sample(live + names, len(live) + 40)
            for name in live[:36]:
                await driver.purge(name)
            del live[:36]
    kept = sealed_rows(place.path)
    gone = seen - set(kept.values())
    assert len(gone) > 500

    def found() -> list[bytes]:
        data = place.path.read_bytes()
        journal = journal_of(place.path)
        data += journal.read_bytes() if journal.exists() else b""
        # A part of a copy may have been written over.
        return [
            one
            for one in gone
            if any(one[at : at + 16] in data for at in range(0, len(one) - 15, 16))
        ]

    remains = found()
    assert remains, "nothing stayed behind: this would prove nothing"
    done = compacted(place)
    assert found() == []
    assert done.after <= done.before
    assert done.after == place.path.stat().st_size
    data = place.path.read_bytes()
    assert all(sealed in data for sealed in kept.values())


async def test_unused_space_goes_and_nothing_else(tmp_path: Path) -> None:
    place = made(tmp_path)
    async with place.opened() as driver:
        await keep(driver, "large", os.urandom(1024 * 1024))
        await keep(driver, "db/small", b"small")
        await change(driver, "db/small", b"smaller")
        await keep(driver, "deleted", b"tombstone")
        await driver.delete("deleted")
        await driver.purge("large")
    before = sorted(sealed_rows(place.path).items())
    done = compacted(place)
    assert done.before > 1024 * 1024
    assert done.after < 100_000
    assert sorted(sealed_rows(place.path).items()) == before
    keys = unlock(read_header(place.path), place.settings, place.context)
    counts = verify(place.path, keys)
    assert (counts.secrets, counts.deleted, counts.versions) == (2, 1, 3)
    assert compacted(place) == Compacted(done.after, done.after)


async def test_those_who_have_it_open_go_on(tmp_path: Path) -> None:
    place = made(tmp_path)
    async with place.opened() as driver:
        for number in range(50):
            await keep(driver, f"db/{number}", os.urandom(3000))
        for number in range(1, 50):
            await driver.purge(f"db/{number}")
        done = await asyncio.to_thread(compacted, place)
        assert done.after < done.before
        assert len(await read(driver, "db/0")) == 3000
        await keep(driver, "db/new", b"written afterwards")
        assert sorted(await listed(driver, "db")) == ["db/0", "db/new"]
        await asyncio.to_thread(compacted, place)
        assert await read(driver, "db/new") == b"written afterwards"


async def test_no_key_is_needed(tmp_path: Path) -> None:
    place = made(tmp_path, key_file=False)
    place.environ = {"SKYKEEP_PASSPHRASE": "wrong"}
    assert compacted(place).after


async def test_a_vault_that_is_being_written_or_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "BUSY_SECONDS", 0.0)
    place = made(tmp_path)
    with closing(sqlite3.connect(place.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Unavailable, match="being written by another process") as caught:
            compacted(place)
        assert caught.value.hint
        other.execute("ROLLBACK")
        other.execute("BEGIN")
        other.execute("SELECT count(*) FROM secret").fetchone()
        with pytest.raises(Unavailable, match="busy") as caught:
            compacted(place)
        assert "vault compact" in caught.value.hint
        other.execute("COMMIT")
    assert compacted(place).after


async def test_the_space_is_looked_at_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = made(tmp_path)
    before = place.path.read_bytes()
    asked: list[Path] = []

    def usage(path: Path) -> Usage:
        asked.append(path)
        return Usage(0, 0, 1024 * 1024)

    monkeypatch.setattr(shutil, "disk_usage", usage)
    with pytest.raises(Quota, match=r"needs 1\.\d MiB of free space in .*, there are 1\.0"):
        compacted(place)
    assert asked[0] == tmp_path
    assert place.path.read_bytes() == before


def device(path: Path) -> int:
    return path.stat().st_dev


async def test_temporary_files_need_space_where_sqlite_puts_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = made(tmp_path)
    elsewhere = Path("/dev/shm")
    if not os.access(elsewhere, os.W_OK) or device(elsewhere) == device(tmp_path):
        pytest.skip("there is no second file system to write to")
    monkeypatch.setenv("SQLITE_TMPDIR", str(elsewhere))
    monkeypatch.setattr(
        shutil, "disk_usage", lambda path: Usage(0, 0, 0 if path == elsewhere else 2**40)
    )
    with pytest.raises(Quota, match=f"free space in {elsewhere}"):
        compacted(place)


async def test_a_damaged_vault_is_left_as_it_is(tmp_path: Path) -> None:
    place = made(tmp_path)
    async with place.opened() as driver:
        for number in range(50):
            await keep(driver, f"db/{number}", os.urandom(500))
    pages = bytearray(place.path.read_bytes())
    pages[-4096:-4000] = bytes(96)
    place.path.write_bytes(pages)
    with pytest.raises(Corrupt):
        compacted(place)
    assert place.path.read_bytes() == pages


async def test_there_is_no_vault(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no vault"):
        compacted(Place(tmp_path))
