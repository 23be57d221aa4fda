"""The journal without a disk keeps the same promises."""

from __future__ import annotations

import asyncio

import pytest

from skykeep.errors import Quota, Unavailable
from skykeep.interfaces.journal_store import JournalStore
from skykeep.journal.bounds import Bounds
from skykeep.journal.memory import MemoryJournal, MemoryState


@pytest.mark.asyncio
async def test_two_processes_see_each_others_records() -> None:
    state = MemoryState()
    one: JournalStore = MemoryJournal(state)
    two = MemoryJournal(state)
    first, second = await one.append(b"a"), await two.append(b"b")
    moment, found = two.changes(0)
    assert list(found) == [(first, b"a"), (second, b"b")]
    assert await two.replace(first, b"c")
    await one.remove(second)
    assert not await one.replace(second, b"late")
    moment, found = one.changes(moment)
    assert list(found) == [(first, b"c"), (second, None)]
    assert one.changes(moment) == (moment, ())
    assert list(two.changes(0)[1]) == [(first, b"c")]
    assert await one.append(b"d") > second


@pytest.mark.asyncio
async def test_it_is_bounded_and_drops_nothing() -> None:
    journal = MemoryJournal(bounds=Bounds(entries=2, bytes=10))
    first = await journal.append(b"12345")
    with pytest.raises(Quota, match="1 writes"):
        await journal.append(b"123456")
    with pytest.raises(Quota):
        await journal.replace(first, bytes(11))
    await journal.append(b"")
    with pytest.raises(Quota, match="skykeep reconcile"):
        await journal.append(b"")
    assert [payload for _, payload in journal.changes(0)[1]] == [b"12345", b""]


@pytest.mark.asyncio
async def test_a_process_that_dies_between_keeping_and_telling() -> None:
    state = MemoryState()
    alive = [True, True, False]
    dying = MemoryJournal(state, alive=lambda: alive.pop(0) if alive else False)
    with pytest.raises(Unavailable):
        await dying.append(b"kept")
    with pytest.raises(Unavailable):
        dying.changes(0)
    assert state.kept() == [b"kept"]


@pytest.mark.asyncio
async def test_a_lock_is_one_tasks_and_goes_in_order() -> None:
    state = MemoryState()
    order: list[str] = []
    inside = 0

    async def take(journal: MemoryJournal, who: str) -> None:
        nonlocal inside
        async with journal.hold("a", 60):
            inside += 1
            assert inside == 1
            order.append(who)
            await asyncio.sleep(0)
            inside -= 1

    journals = [MemoryJournal(state) for _ in range(3)]
    await asyncio.gather(*(take(each, str(at)) for at, each in enumerate(journals)))
    assert order == ["0", "1", "2"]
    assert not state.locks


@pytest.mark.asyncio
async def test_a_lock_of_a_killed_process_is_free() -> None:
    state = MemoryState()
    one, two = MemoryJournal(state), MemoryJournal(state)
    held = one.hold("a", 1)
    await held.__aenter__()
    async with two.hold("b", 0):
        pass
    with pytest.raises(Unavailable) as caught:
        async with two.hold("a", 0):
            pass
    assert not caught.value.sent
    cancelled = asyncio.ensure_future(two.hold("a", 60).__aenter__())
    waiting = asyncio.ensure_future(two.hold("a", 60).__aenter__())
    await asyncio.sleep(0)
    cancelled.cancel()
    await asyncio.sleep(0)
    one.crash()
    await waiting
    await held.__aexit__(None, None, None)  # too late to free what is another's
    with pytest.raises(Unavailable):
        async with MemoryJournal(state).hold("a", 0):
            pass


@pytest.mark.asyncio
async def test_a_lock_of_a_process_that_is_called_dead_is_free() -> None:
    state = MemoryState()
    alive = True
    one = MemoryJournal(state, alive=lambda: alive)
    held = one.hold("a", 1)
    await held.__aenter__()
    alive = False
    async with MemoryJournal(state).hold("a", 0):
        pass
