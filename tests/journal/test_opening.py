"""A journal that is opened when it is needed: reading makes no file."""

from __future__ import annotations

from pathlib import Path

import pytest

from skykeep.errors import Unavailable
from skykeep.interfaces.journal_store import JournalStore
from skykeep.journal.memory import MemoryJournal, MemoryState
from skykeep.journal.opening import OpenedLater
from skykeep.journal.store import open_journal


class Counted:
    """Makes journals, and counts them."""

    def __init__(self) -> None:
        self.state = MemoryState()
        self.opened = 0

    def __call__(self) -> JournalStore:
        self.opened += 1
        return MemoryJournal(self.state)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


def test_where_there_is_no_file_nothing_is_owed_and_none_is_made(path: Path) -> None:
    opening = Counted()
    assert OpenedLater(path, opening).changes(7) == (7, ())
    assert not opening.opened
    assert not path.exists()


def test_where_there_is_one_it_is_read(path: Path) -> None:
    opening = Counted()
    opening.state.put(1, b"owed")
    path.touch()
    later = OpenedLater(path, opening)
    assert later.changes(0) == (1, [(1, b"owed")])
    assert later.changes(1) == (1, ())
    assert opening.opened == 1


@pytest.mark.asyncio
async def test_a_file_that_another_process_makes_later_is_seen(path: Path) -> None:
    later = OpenedLater(path, lambda: open_journal(path))
    assert later.changes(0) == (0, ())
    other = open_journal(path)
    kept = await other.append(b"owed")
    moment, found = later.changes(0)
    assert list(found) == [(kept, b"owed")]
    assert moment
    await later.close()
    await other.close()


@pytest.mark.asyncio
async def test_writing_opens_it_once(path: Path) -> None:
    opening = Counted()
    later = OpenedLater(path, opening)
    async with later.hold("name", 1):
        kept = await later.append(b"one")
        assert await later.replace(kept, b"two")
        assert later.changes(0)[1] == [(kept, b"two")]
        await later.remove(kept)
        assert not await later.replace(kept, b"three")
    assert opening.opened == 1


@pytest.mark.asyncio
async def test_one_that_cannot_be_opened_is_tried_again(path: Path) -> None:
    failing = [Unavailable("another process makes it"), None]
    opening = Counted()

    def fails_once() -> JournalStore:
        error = failing.pop(0)
        if error is not None:
            raise error
        return opening()

    later = OpenedLater(path, fails_once)
    with pytest.raises(Unavailable):
        await later.append(b"one")
    assert await later.append(b"one") == 1


@pytest.mark.asyncio
async def test_closing_lets_go_of_what_was_opened(path: Path) -> None:
    unopened = OpenedLater(path, Counted())
    await unopened.close()
    unopened.after_fork()
    later = OpenedLater(path, lambda: open_journal(path))
    await later.append(b"one")
    store = later._opened()
    await later.close()
    with pytest.raises(Unavailable, match="was closed"):
        store.changes(0)
    await later.close()


@pytest.mark.asyncio
async def test_a_fork_is_told_to_what_was_opened(path: Path) -> None:
    told: list[str] = []

    class Forked(MemoryJournal):
        def after_fork(self) -> None:
            told.append("forked")

    later = OpenedLater(path, Forked)
    later.after_fork()
    assert not told
    await later.append(b"one")
    later.after_fork()
    assert told == ["forked"]
