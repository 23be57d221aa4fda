"""An older copy of a vault that is put back is noticed; nothing else is taken for one."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from skykeep.durable.database import journal_of
from skykeep.errors import Corrupt
from skykeep.providers.local.anchor import FileAnchor, NoAnchor
from skykeep.providers.local.committing import Committer, Write
from skykeep.providers.local.renewal import CurrentKeys
from skykeep.providers.local.rollback import Guard, Watch
from skykeep.providers.local.session import read_header
from skykeep.providers.local.unlock import unlock
from tests.providers.local.ages import (
    in_anchor,
    in_file,
    names_in,
    put_pages_back,
    refusal,
    used,
    watched,
    written_and_killed,
)
from tests.providers.local.vaults import change, keep, listed, made, read

pytestmark = pytest.mark.asyncio


async def test_a_copy_that_was_put_back_is_refused(tmp_path: Path) -> None:
    place = made(tmp_path)
    await used(place, 3)
    older, at = place.path.read_bytes(), in_file(place)
    await used(place, 4)
    newer = place.path.read_bytes()
    place.path.write_bytes(older)
    error = await refusal(place)
    assert f"older than when it was last used here ({at} < {at + 4})" in error.message
    assert "skykeep vault accept" in error.hint
    assert "skykeep vault restore" in error.hint

    place.path.write_bytes(newer)
    async with place.opened() as driver:
        assert await listed(driver) == ["top"]


async def test_the_line_beside_the_key_file(tmp_path: Path) -> None:
    place = made(tmp_path)
    await used(place, 5)
    assert in_anchor(place) == in_file(place) == 5
    assert place.counter_path.stat().st_mode & 0o777 == 0o600
    assert watched(place) == Watch(5, f"beside the key file, in {place.counter_path}", "")
    assert names_in(tmp_path) == ["vault.db", "vault.key", place.counter_path.name]


async def test_the_anchor_is_never_ahead_of_what_was_committed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = made(tmp_path)
    real, seen = FileAnchor.keep, list[int]()

    def looked(self: FileAnchor, number: int) -> None:
        assert in_file(place) >= number
        seen.append(number)
        real(self, number)

    monkeypatch.setattr(FileAnchor, "keep", looked)
    await used(place, 5)
    assert seen == [0, 1, 2, 3, 4, 5]


async def test_a_commit_that_fails_is_not_counted(tmp_path: Path) -> None:
    place = made(tmp_path)
    await used(place, 2)
    async with place.opened() as driver:
        with closing(sqlite3.connect(place.path, isolation_level=None)) as other:
            other.execute(
                "CREATE TRIGGER no BEFORE UPDATE ON counter BEGIN SELECT RAISE(FAIL, 'no'); END"
            )
            with pytest.raises(Corrupt):
                await change(driver, "top", b"not kept")
            other.execute("DROP TRIGGER no")
        assert in_anchor(place) == in_file(place) == 2
        await change(driver, "top", b"kept")
    assert in_anchor(place) == in_file(place) == 3


async def test_writes_that_share_a_commit_count_once(tmp_path: Path) -> None:
    place = made(tmp_path)
    header = read_header(place.path)
    keys = unlock(header, place.settings, place.context)
    current = CurrentKeys(header, keys, place.settings, place.context)
    guard = Guard(place.path, keys, NoAnchor("a test"))
    committer = Committer(place.path, current, 100, guard)

    async with place.opened() as driver:
        await keep(driver, "top", b"1")
    missing = [Write(lambda vault: vault.delete("no", "no", None)) for _ in range(3)]
    assert all(outcome.error for outcome in committer.do(missing))
    assert in_file(place) == 1, "what changed nothing was counted"
    changes = [Write(lambda vault: vault.delete("top", "top", None))]
    changes += [Write(lambda vault: vault.restore("top", "top"))]
    told = committer.do([*missing, *changes])
    assert [outcome.error is None for outcome in told] == [False] * 3 + [True] * 2
    assert in_file(place) == 2
    committer.close()


async def test_several_that_write_keep_the_highest(tmp_path: Path) -> None:
    place = made(tmp_path)
    async with place.opened() as one, place.opened() as other:
        await keep(one, "one", b"1")
        await keep(other, "other", b"1")
        for number in range(10):
            await asyncio.gather(
                change(one, "one", b"%d" % number), change(other, "other", b"%d" % number)
            )
        assert in_anchor(place) == in_file(place) == 22
    assert in_anchor(place) == 22


async def test_a_late_lower_number_does_not_replace_a_higher_one(tmp_path: Path) -> None:
    place = made(tmp_path)
    vault = read_header(place.path).vault
    one, other = FileAnchor(place.key_path, vault), FileAnchor(place.key_path, vault)
    one.keep(7)
    other.keep(9)
    one.keep(8)
    assert one.read() == other.read() == 9
    assert [one.may_reach(number) for number in (8, 9, 10)] == [True, True, False]
    one.put(3)
    assert other.read() == 3
    one.close()
    other.close()


async def test_a_journal_that_was_lost_after_a_kill_is_noticed(tmp_path: Path) -> None:
    place = made(tmp_path)
    await used(place, 2)
    written_and_killed(place)
    journal_of(place.path).unlink()
    place.path.with_name("vault.db-shm").unlink()
    assert "(2 < 3)" in (await refusal(place)).message


async def test_a_journal_that_is_there_after_a_kill_is_no_false_alarm(tmp_path: Path) -> None:
    place = made(tmp_path)
    await used(place, 2)
    written_and_killed(place)
    async with place.opened() as driver:
        assert await read(driver, "top") == b"acknowledged"


async def test_an_anchor_that_lags_follows_when_the_vault_is_opened(tmp_path: Path) -> None:
    """After a loss of power the vault is on the disk and the anchor may be from before."""
    place = made(tmp_path)
    await used(place, 5)
    place.counter_path.write_bytes(b"skykeep counter 1 %020d\n" % 1)
    async with place.opened():
        assert in_anchor(place) == 5


# -- what a running process sees


@pytest.mark.parametrize("key_file", [True, False])
async def test_content_that_was_put_back_is_noticed_at_the_next_write(
    tmp_path: Path, key_file: bool
) -> None:
    place = made(tmp_path / "vault", key_file=key_file)
    await used(place, 2)
    older = tmp_path / "older.db"
    older.write_bytes(place.path.read_bytes())
    async with place.opened() as driver:
        await change(driver, "top", b"one")
        await change(driver, "top", b"two")
        put_pages_back(place.path, older)
        for _ in range(2):
            with pytest.raises(Corrupt, match=r"\(2 < 4\)"):
                await change(driver, "top", b"three")
        with pytest.raises(Corrupt, match="older"):
            await asyncio.gather(*(keep(driver, f"n/{n}", b"x") for n in range(5)))
    assert in_file(place) == 2


async def test_another_process_went_further_than_this_one_saw(tmp_path: Path) -> None:
    """The file is put back to just what this process saw last: only the anchor tells."""
    place = made(tmp_path / "vault")
    await used(place, 2)
    older = tmp_path / "older.db"
    async with place.opened() as driver:
        await change(driver, "top", b"mine")
        put_pages_back(older, place.path)
        await used(place, 3)
        put_pages_back(place.path, older)
        with pytest.raises(Corrupt, match=r"\(3 < 6\)"):
            await change(driver, "top", b"on top of it")


@pytest.mark.parametrize("key_file", [True, False])
async def test_a_file_that_was_exchanged_is_noticed_at_the_next_write(
    tmp_path: Path, key_file: bool
) -> None:
    place = made(tmp_path / "vault", key_file=key_file)
    await used(place, 2)
    copy = tmp_path / "copy.db"
    copy.write_bytes(place.path.read_bytes())
    copy.chmod(0o600)
    async with place.opened() as driver:
        await change(driver, "top", b"one")
        copy.rename(place.path)
        with pytest.raises(Corrupt, match="moved or exchanged"):
            await change(driver, "top", b"two")


async def test_a_file_that_is_gone_is_noticed_at_the_next_write(tmp_path: Path) -> None:
    place = made(tmp_path / "vault")
    await used(place, 2)
    async with place.opened() as driver:
        await change(driver, "top", b"one")
        place.path.rename(tmp_path / "elsewhere.db")
        with pytest.raises(Corrupt, match="moved or exchanged"):
            await change(driver, "top", b"lost")
