"""The lock of a name: one task of one process of a host has it, and it ends with its holder."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from skykeep.errors import Denied, Unavailable
from skykeep.journal import locks
from skykeep.journal.store import SqliteJournal, open_journal
from tests.faults.programs import report
from tests.journal.processes import start

pytestmark = pytest.mark.asyncio


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "production.db"


@pytest_asyncio.fixture
async def journal(path: Path) -> AsyncIterator[SqliteJournal]:
    opened = open_journal(path)
    yield opened
    await opened.close()


@pytest.fixture
def unasked(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The moments that somebody waited before asking the kernel again."""
    moments: list[float] = []
    real = locks._moment

    async def moment(end: float) -> None:
        moments.append(end)
        await real(end)

    monkeypatch.setattr(locks, "_moment", moment)
    return moments


def neighbours(journal: SqliteJournal, name: str) -> tuple[str, str]:
    """A name of the same stripe, and one of another."""
    own = journal._keys.stripe(name)
    same = next(f"n{n}" for n in range(10_000) if journal._keys.stripe(f"n{n}") == own)
    other = next(f"n{n}" for n in range(10_000) if journal._keys.stripe(f"n{n}") != own)
    return same, other


async def test_another_object_waits_and_is_told(journal: SqliteJournal, path: Path) -> None:
    second = open_journal(path)
    same, other = neighbours(journal, "a")
    async with journal.hold("a", 1):
        for seconds in (0, 0.03):
            with pytest.raises(Unavailable) as caught:
                async with second.hold("a", seconds):
                    pass
            assert not caught.value.sent
            assert "another process of this host is writing it" in str(caught.value)
        with pytest.raises(Unavailable):
            async with second.hold(same, 0):
                pass
        async with second.hold(other, 0):
            pass
        waiting = asyncio.ensure_future(second.hold("a", 60).__aenter__())
        await asyncio.sleep(0)
        assert not waiting.done()
    await waiting
    with pytest.raises(Unavailable):
        async with journal.hold("a", 0):
            pass
    await second.close()


async def test_tasks_follow_in_order_without_asking(
    journal: SqliteJournal, unasked: list[float]
) -> None:
    order: list[int] = []

    async def take(number: int) -> None:
        async with journal.hold("a", 60):
            order.append(number)
            await asyncio.sleep(0)

    await asyncio.gather(*(take(number) for number in range(locks._IN_A_ROW)))
    assert order == list(range(locks._IN_A_ROW))
    assert not unasked
    assert not journal._stripes._queues
    assert not journal._stripes._files


async def test_many_tasks_let_other_processes_in_between(
    journal: SqliteJournal, unasked: list[float]
) -> None:
    async def take() -> None:
        async with journal.hold("a", 60):
            await asyncio.sleep(0)

    await asyncio.gather(*(take() for _ in range(3 * locks._IN_A_ROW + 1)))
    assert len(unasked) == 3


async def test_a_task_that_waits_too_long(journal: SqliteJournal) -> None:
    async with journal.hold("a", 1):
        with pytest.raises(Unavailable):
            async with journal.hold("a", 0.01):
                pass
    async with journal.hold("a", 0):
        pass


async def test_waiters_that_are_cancelled(journal: SqliteJournal) -> None:
    held = journal.hold("a", 1)
    await held.__aenter__()
    waiting = [asyncio.ensure_future(journal.hold("a", 60).__aenter__()) for _ in range(3)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    await asyncio.sleep(0)
    await held.__aexit__(None, None, None)
    waiting[1].cancel()  # its turn has come, and it does not know yet
    await waiting[2]
    assert waiting[0].cancelled()
    assert waiting[1].cancelled()
    with pytest.raises(Unavailable):
        async with journal.hold("a", 0):
            pass


async def test_who_asks_the_kernel_is_cancelled(journal: SqliteJournal, path: Path) -> None:
    second = open_journal(path)
    async with journal.hold("a", 1):
        asking = asyncio.ensure_future(second.hold("a", 60).__aenter__())
        following = asyncio.ensure_future(second.hold("a", 60).__aenter__())
        await asyncio.sleep(0)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
    await following
    await second.close()


async def test_an_error_inside_frees_it(journal: SqliteJournal) -> None:
    with pytest.raises(ZeroDivisionError):
        async with journal.hold("a", 1):
            raise ZeroDivisionError
    async with journal.hold("a", 0):
        pass


async def test_tasks_of_two_loops(journal: SqliteJournal) -> None:
    inside: list[int] = []
    most: list[int] = []

    async def take() -> None:
        for _ in range(50):
            async with journal.hold("a", 60):
                inside.append(1)
                most.append(len(inside))
                await asyncio.sleep(0)
                inside.pop()

    other = threading.Thread(target=lambda: asyncio.run(take()))
    other.start()
    await take()
    await asyncio.to_thread(other.join)
    assert len(most) == 100
    assert max(most) == 1


async def test_processes_and_tasks_exclude_each_other(path: Path, tmp_path: Path) -> None:
    number = tmp_path / "number"
    number.write_text("0")
    counting = [start("lock_user", path, "count", number, 3, 40) for _ in range(4)]
    for each in counting:
        await asyncio.to_thread(report, each)
    assert number.read_text() == str(4 * 3 * 40)


async def test_a_killed_holder_frees_it(journal: SqliteJournal, path: Path) -> None:
    holder = start("lock_user", path, "hold", "a")
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(Unavailable):
        async with journal.hold("a", 0):
            pass
    waiting = asyncio.ensure_future(journal.hold("a", 60).__aenter__())
    await asyncio.sleep(0)
    holder.kill()
    holder.communicate()
    await waiting


async def test_a_killed_holder_frees_it_though_its_child_lives(
    journal: SqliteJournal, path: Path
) -> None:
    holder = start("lock_user", path, "orphan", "a")
    assert holder.stdout is not None
    child = int(holder.stdout.readline())
    with pytest.raises(Unavailable):
        async with journal.hold("a", 0):
            pass
    holder.kill()
    holder.wait()
    async with journal.hold("a", 60):
        os.kill(child, 0)  # it lives
    holder.communicate("\n")


async def test_a_lock_file_that_somebody_removes(journal: SqliteJournal, path: Path) -> None:
    second = open_journal(path)
    async with journal.hold("a", 1):
        pass
    (file,) = path.with_name(f"{path.name}.locks").iterdir()
    waiting_file = second._stripes.open(journal._keys.stripe("a"))
    file.unlink()
    assert not second._stripes.lock(waiting_file, journal._keys.stripe("a"))
    async with journal.hold("a", 1):
        assert not second._stripes.lock(waiting_file, journal._keys.stripe("a"))
    second._stripes.close(waiting_file)
    await second.close()


async def test_where_no_lock_can_be_made(journal: SqliteJournal, path: Path) -> None:
    path.with_name(f"{path.name}.locks").write_bytes(b"")
    with pytest.raises(Denied, match="the lock"):
        async with journal.hold("a", 1):
            pass
    path.with_name(f"{path.name}.locks").unlink()
    async with journal.hold("a", 0):
        pass
