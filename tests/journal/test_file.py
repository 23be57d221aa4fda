"""The journal's files: whose they are, what unlocks them, what becomes of them."""

# ruff: noqa: ASYNC240  (files are small, and nothing else runs on the test's loop)

from __future__ import annotations

import asyncio
import os
import sqlite3
from pathlib import Path

import pytest

from skykeep.errors import Corrupt, Denied, KeyFailure, Quota
from skykeep.journal import committing, file
from skykeep.journal.store import SqliteJournal, open_journal
from tests.journal.kept import kept
from tests.small_disk import grow, small_disk_at

pytestmark = pytest.mark.asyncio


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal" / "production.db"


async def test_its_files_are_its_owners(path: Path) -> None:
    mask = os.umask(0o022)
    try:
        journal = open_journal(path)
        await journal.append(b"a")
        async with journal.hold("a", 1):
            pass
    finally:
        os.umask(mask)
    found = {each.name: each.stat().st_mode & 0o777 for each in path.parent.rglob("*")}
    (lock,) = (each.name for each in (path.parent / f"{path.name}.locks").iterdir())
    assert found == {
        **{f"{path.name}{suffix}": 0o600 for suffix in ("", ".key", "-wal", "-shm")},
        f"{path.name}.locks": 0o700,
        lock: 0o600,
    }
    assert path.parent.stat().st_mode & 0o777 == 0o700
    await journal.close()


@pytest.mark.parametrize("suffix", ["", ".key"])
async def test_a_file_that_everybody_can_read_is_refused(path: Path, suffix: str) -> None:
    await open_journal(path).close()
    public = path.with_name(path.name + suffix)
    public.chmod(0o644)
    with pytest.raises(Denied, match=f"chmod 600 {public}$"):
        open_journal(path)


async def test_no_value_is_in_the_clear_in_any_file(path: Path) -> None:
    def look() -> None:
        for each in path.parent.rglob("*"):
            if each.is_file():
                data = each.read_bytes()
                assert b"canary" not in data, each
                assert b"team/db" not in data, each

    journal = open_journal(path)
    first = await journal.append(b"team/db/password canary" * 10)
    second = await journal.append(b"team/db/password canary" * 1000)
    async with journal.hold("team/db/password", 1):
        look()
    await journal.replace(first, b"team/db/other canary")
    look()
    await journal.remove(second)
    look()
    await journal.close()
    look()
    assert "canary" not in repr(committing.Append(b"canary"))


# -- its key


def snapshot(path: Path) -> dict[str, bytes]:
    return {each.name: each.read_bytes() for each in path.parent.iterdir()}


@pytest.mark.parametrize("how", ["gone", "another", "short"])
async def test_a_wrong_key_changes_nothing(path: Path, how: str) -> None:
    journal = open_journal(path)
    await journal.append(b"a")
    await journal.close()
    key = path.with_name(f"{path.name}.key")
    right = key.read_bytes()
    if how == "gone":
        key.unlink()
    else:
        key.write_bytes(bytes(32 if how == "another" else 31))
    before = snapshot(path)
    with pytest.raises(KeyFailure) as caught:
        open_journal(path)
    assert str(path) in str(caught.value)
    assert str(key) in str(caught.value)
    assert "put the key file back" in caught.value.hint
    assert snapshot(path) == before
    key.write_bytes(right)
    key.chmod(0o600)
    assert kept(path) == [b"a"]


async def test_a_configured_key_file(path: Path, tmp_path: Path) -> None:
    key = tmp_path / "key"
    with pytest.raises(KeyFailure, match="no key file at"):
        open_journal(path, key_file=key)
    assert not path.exists()
    key.write_bytes(os.urandom(32))
    key.chmod(0o600)
    journal = open_journal(path, key_file=key)
    await journal.append(b"a")
    await journal.close()
    assert sorted(snapshot(path)) == [path.name]
    assert kept(path, key_file=key) == [b"a"]
    with pytest.raises(KeyFailure):
        open_journal(path)
    assert sorted(snapshot(path)) == [path.name]


# -- the file


@pytest.mark.parametrize("how", ["removed", "exchanged"])
async def test_a_file_that_is_exchanged_under_it(path: Path, how: str) -> None:
    journal = open_journal(path)
    await journal.append(b"a")
    moment, _ = journal.changes(0)
    away = path.with_name("away.db")
    path.rename(away)
    if how == "exchanged":
        path.write_bytes(b"")
        path.chmod(0o600)
    with pytest.raises(Corrupt, match="moved or exchanged"):
        await journal.append(b"b")
    with pytest.raises(Corrupt, match="moved or exchanged"):
        journal.changes(moment)
    path.unlink(missing_ok=True)
    away.rename(path)
    await journal.append(b"c")
    await journal.close()
    assert kept(path) == [b"a", b"c"]


async def test_a_file_that_is_gone_while_its_log_is_there(path: Path) -> None:
    journal = open_journal(path)
    await journal.append(b"a")
    away = path.with_name("away.db")
    path.rename(away)
    with pytest.raises(Corrupt, match="is gone"):
        open_journal(path)
    away.rename(path)
    assert kept(path) == [b"a"]
    await journal.close()


async def test_what_is_no_file(path: Path) -> None:
    path.mkdir(parents=True)
    with pytest.raises(Denied, match="is not a file"):
        open_journal(path)
    path.rmdir()
    path.parent.rmdir()
    path.parent.write_bytes(b"")
    with pytest.raises(Denied):
        open_journal(path)


# -- no space


async def full(journal: SqliteJournal, room: int) -> list[int]:
    ids: list[int] = []
    while len(ids) * 3000 < room * 2:
        try:
            ids.append(await journal.append(os.urandom(3000)))
        except Quota:
            break
    else:
        pytest.fail("the disk does not get full")
    assert ids
    with pytest.raises(Quota, match="nothing was written"):
        await journal.append(os.urandom(3000))
    assert [each for each, _ in journal.changes(0)[1]] == ids
    return ids


async def test_no_page_is_left(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def connect(path: Path, *, read_only: bool) -> sqlite3.Connection:
        connection = file.connect(path, read_only=read_only)
        connection.execute("PRAGMA max_page_count = 40")
        return connection

    monkeypatch.setattr(committing, "connect", connect)
    journal = open_journal(path)
    small, large = await asyncio.gather(
        journal.append(b"small"), journal.append(bytes(300_000)), return_exceptions=True
    )
    assert isinstance(small, int)
    assert isinstance(large, Quota)
    await journal.remove(small)
    ids = await full(journal, 40 * 4096)
    with pytest.raises(Quota):
        await journal.replace(ids[0], bytes(300_000))
    await journal.close()
    monkeypatch.undo()
    journal = open_journal(path)
    await journal.remove(ids[0])
    await journal.append(bytes(300_000))
    await journal.close()
    assert len(kept(path)) == len(ids)


async def test_a_full_disk(tmp_path: Path) -> None:
    with small_disk_at(tmp_path / "disk") as disk:
        path = disk / "production.db"
        journal = open_journal(path)
        ids = await full(journal, 1024 * 1024)
        await journal.close()
        assert len(kept(path)) == len(ids)
        new = disk / "new.db"
        with pytest.raises(Quota, match="nothing was written"):
            open_journal(new)
        assert not list(disk.glob("new.db*new"))
        assert not new.exists()
        grow(disk)
        for each, owed in ((path, len(ids)), (new, 0)):
            journal = open_journal(each)
            await journal.append(bytes(300_000))
            await journal.close()
            assert len(kept(each)) == owed + 1
