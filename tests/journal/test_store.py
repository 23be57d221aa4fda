"""What the journal promises to one process, and to several that share it."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from skykeep.errors import Quota, Unavailable
from skykeep.interfaces.journal_store import JournalStore
from skykeep.journal import committing, file
from skykeep.journal.store import SqliteJournal, open_journal
from tests.journal.kept import kept

pytestmark = pytest.mark.asyncio


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal" / "production.db"


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Another process is in a transaction."""
    other = sqlite3.connect(path, isolation_level=None)
    try:
        other.execute("BEGIN IMMEDIATE")
        yield
    finally:
        other.close()


async def test_it_keeps_replaces_and_removes_for_all_processes(path: Path) -> None:
    one: JournalStore = open_journal(path)
    two = open_journal(path)
    assert one.changes(0) == (0, [])
    first, second = await one.append(b"a"), await two.append(b"")
    assert second > first
    moment, found = two.changes(0)
    assert found == [(first, b"a"), (second, b"")]
    assert await two.replace(first, b"b")
    await one.remove(second)
    await one.remove(second)
    assert not await one.replace(second, b"late")
    assert not await one.replace(77, b"never there")
    for each in (one, two):
        then, found = each.changes(moment)
        assert found == [(first, b"b"), (second, None)]
        assert each.changes(then) == (then, ())
        assert each.changes(0) == (then, [(first, b"b")])
    await one.remove(first)
    await one.close()
    await two.close()
    again = open_journal(path)
    assert await again.append(b"c") > second
    await again.close()


async def test_what_changes_nothing_is_no_commit(path: Path) -> None:
    journal = open_journal(path)
    moment, _ = journal.changes(0)
    await journal.remove(1)
    assert not await journal.replace(1, b"a")
    assert journal.changes(moment) == (moment, ())
    await journal.close()


# -- its bounds


async def test_a_full_journal_refuses_and_drops_nothing(path: Path) -> None:
    journal = open_journal(path, max_entries=3, max_bytes=100)
    tried = await asyncio.gather(
        *(journal.append(bytes([n])) for n in range(5)), return_exceptions=True
    )
    refused = [each for each in tried if isinstance(each, Quota)]
    assert len(refused) == 2
    assert "3 writes (3 bytes) are owed" in str(refused[0])
    assert refused[0].hint == "bring the targets back and run: skykeep reconcile"
    ids = [each for each in tried if isinstance(each, int)]
    assert len(kept(path)) == 3
    with pytest.raises(Quota):
        await journal.replace(ids[0], bytes(99))
    assert await journal.replace(ids[0], bytes(98))
    await journal.remove(ids[1])
    with pytest.raises(Quota, match="2 writes"):
        await journal.append(bytes(2))
    await journal.append(bytes(1))
    await journal.close()
    smaller = open_journal(path, max_entries=1, max_bytes=10)
    assert await smaller.replace(ids[0], bytes(50))
    with pytest.raises(Quota):
        await smaller.append(b"")
    await smaller.close()


# -- traces of what was removed


async def test_removals_are_told_after_their_traces_were_swept(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(committing, "TRACES", 4)
    writer, reader = open_journal(path), open_journal(path)
    stays = await writer.append(b"stays")
    ids = [await writer.append(b"goes") for _ in range(20)]
    moment, found = reader.changes(0)
    assert len(found) == 21
    changes = await writer.append(b"before")
    middle, _ = reader.changes(moment)
    for each in ids:
        await writer.remove(each)
    await writer.replace(changes, b"after")
    never_told = await writer.append(b"short")
    await writer.remove(never_told)
    then, found = reader.changes(middle)
    assert dict(found) == {
        stays: b"stays",
        changes: b"after",
        **dict.fromkeys(ids),
    } or dict(found) == {
        stays: b"stays",
        changes: b"after",
        **dict.fromkeys([*ids, never_told]),
    }
    assert reader.changes(then) == (then, ())
    await writer.remove(stays)
    assert reader.changes(then)[1] == [(stays, None)]
    with sqlite3.connect(path) as database:
        (traces,) = database.execute(
            "SELECT count(*) FROM entry WHERE sealed IS NULL"
        ).fetchone()
    database.close()
    assert traces <= 4
    await writer.close()
    await reader.close()


async def test_a_reader_at_the_last_sweep_is_told_the_rest(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever moment a reader stopped at, it ends with what is kept."""
    monkeypatch.setattr(committing, "TRACES", 2)
    writer = open_journal(path)
    ids = [await writer.append(b"%d" % n) for n in range(8)]
    readers: list[tuple[SqliteJournal, int, dict[int, bytes | None]]] = []
    for each in ids[:7]:
        reader = open_journal(path)
        moment, found = reader.changes(0)
        readers.append((reader, moment, dict(found)))
        await writer.remove(each)
    for reader, moment, mirror in readers:
        _, found = reader.changes(moment)
        mirror.update(found)
        assert {k: v for k, v in mirror.items() if v is not None} == {ids[7]: b"7"}
        await reader.close()
    await writer.close()


async def test_an_older_copy_is_told_anew(path: Path) -> None:
    journal = open_journal(path)
    await journal.append(b"a")
    assert journal.changes(99) == (1, [(1, b"a")])
    await journal.close()


# -- the thread, and those who wait for it


async def test_writes_that_queue_share_a_commit(path: Path) -> None:
    journal = open_journal(path)
    first = await journal.append(b"first")
    before, _ = journal.changes(0)
    with locked(path):
        waiting = [asyncio.ensure_future(journal.append(b"%d" % n)) for n in range(50)]
        waiting.append(asyncio.ensure_future(journal.replace(first, b"other")))
        await asyncio.sleep(0)
    ids = await asyncio.gather(*waiting)
    after, found = journal.changes(before)
    assert after - before <= 3
    assert [each for each, _ in found] == [first, *ids[:50]]
    assert [payload for _, payload in found] == [b"other", *(b"%d" % n for n in range(50))]
    await journal.close()


async def test_a_caller_who_is_cancelled_leaves_it_right(path: Path) -> None:
    journal = open_journal(path)
    with locked(path):
        cancelled = asyncio.ensure_future(journal.append(b"cancelled"))
        await asyncio.sleep(0)
        following = asyncio.ensure_future(journal.append(b"following"))
        await asyncio.sleep(0)
        cancelled.cancel()
        with pytest.raises(asyncio.CancelledError):
            await cancelled
    await following
    assert [payload for _, payload in journal.changes(0)[1]] == [b"cancelled", b"following"]
    await journal.close()


async def test_close_waits_for_what_was_asked_for(path: Path) -> None:
    journal = open_journal(path)
    waiting = [asyncio.ensure_future(journal.append(b"a")) for _ in range(20)]
    await asyncio.sleep(0)
    thread = journal._worker._thread
    assert thread is not None
    await journal.close()
    await journal.close()
    assert not thread.is_alive()
    assert len(await asyncio.gather(*waiting)) == len(kept(path)) == 20
    assert not path.with_name(f"{path.name}-wal").exists()
    for work in (lambda: journal.changes(0), lambda: journal.hold("a", 1)):
        with pytest.raises(Unavailable):
            work()
    with pytest.raises(Unavailable):
        await journal.append(b"late")


async def test_another_process_that_writes_for_too_long(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file, "PATIENCE", 0.05)
    journal = open_journal(path)
    with locked(path):
        tried = await asyncio.gather(
            *(journal.append(b"a") for _ in range(3)), return_exceptions=True
        )
        for error in tried:
            assert isinstance(error, Unavailable)
            assert not error.sent
            assert "nothing was written" in str(error)
        assert journal.changes(0) == (0, [])
    await journal.append(b"b")
    assert [payload for _, payload in journal.changes(0)[1]] == [b"b"]
    await journal.close()


async def test_errors_do_not_hold_payloads(path: Path) -> None:
    journal = open_journal(path, max_bytes=1)
    with pytest.raises(Quota) as caught:
        await journal.append(b"canary")
    trace: Any = caught.value.__traceback__.tb_next  # type: ignore[union-attr]  # it has one
    while trace is not None:
        assert "canary" not in repr(trace.tb_frame.f_locals)
        trace = trace.tb_next
    await journal.close()
