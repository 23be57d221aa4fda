"""A process that forks while it has a journal open.

``python -m tests.journal.forking PATH CASE``
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from skykeep.errors import Unavailable
from skykeep.journal.store import SqliteJournal, open_journal
from tests.faults.forking import ended_well, in_child


async def held_by_another(journal: SqliteJournal, name: str) -> bool:
    try:
        async with journal.hold(name, 0):
            return False
    except Unavailable:
        return True


async def append(journal: SqliteJournal, who: str) -> None:
    for number in range(20):
        await journal.append(f"{who} {number}".encode())
        journal.changes(number)


def child_of(journal: SqliteJournal, work: Callable[[], Awaitable[None]]) -> int:
    """A child that inherited the journal."""

    def run() -> None:
        journal.after_fork()
        asyncio.run(_awaited(work))

    return in_child(run)


async def _awaited(work: Callable[[], Awaitable[None]]) -> None:
    await work()


async def both_go_on(path: Path) -> None:
    journal = open_journal(path)
    await journal.append(b"before")
    moment, _ = journal.changes(0)
    async with journal.hold("held", 1):

        async def work() -> None:
            await append(journal, "child")
            if not await held_by_another(journal, "held"):
                raise SystemExit("the parent's lock is lost in the child")
            async with journal.hold("other", 1):
                pass

        child = child_of(journal, work)
        await append(journal, "parent")
        await asyncio.to_thread(ended_well, child)
        another = open_journal(path)
        if not await held_by_another(another, "held"):
            raise SystemExit("the parent's lock is lost through the child's end")
        await another.close()
    now, found = journal.changes(moment)
    if len(found) != 40 or len(journal.changes(0)[1]) != 41:
        raise SystemExit(f"records are missing: {len(found)}")
    await append(journal, "parent again")
    if len(journal.changes(now)[1]) != 20:
        raise SystemExit("what the parent writes then is not seen")
    await journal.close()


async def the_childs_lock_is_its_own(path: Path) -> None:
    """The parent lets go while the child lives, which had the file open when it was forked."""
    journal = open_journal(path)
    heard, hear = os.pipe()

    async def work() -> None:
        await asyncio.to_thread(os.read, heard, 1)

    async with journal.hold("held", 1):
        child = child_of(journal, work)
    another = open_journal(path)
    if await held_by_another(another, "held"):
        raise SystemExit("the child keeps the lock that the parent let go of")
    os.write(hear, b".")
    await asyncio.to_thread(ended_well, child)
    await another.close()
    await journal.close()


async def parent_closes_first(path: Path) -> None:
    """The parent closes as the last that it knows of; the child goes on writing."""
    journal = open_journal(path)
    await journal.append(b"before")
    told, tell = os.pipe()
    heard, hear = os.pipe()

    async def work() -> None:
        await journal.append(b"child 1")
        os.write(tell, b".")
        await asyncio.to_thread(os.read, heard, 1)
        await journal.append(b"child 2")

    child = child_of(journal, work)
    await asyncio.to_thread(os.read, told, 1)
    await journal.append(b"parent")
    await journal.close()
    os.write(hear, b".")
    await asyncio.to_thread(ended_well, child)
    again = open_journal(path)
    found = sorted(payload for _, payload in again.changes(0)[1] if payload is not None)
    if found != [b"before", b"child 1", b"child 2", b"parent"]:
        raise SystemExit(f"an acknowledged record is lost: {found}")
    await again.close()


async def while_it_is_written(path: Path) -> None:
    """Forks that come while commits are under way in the thread."""
    journal = open_journal(path)
    enough = False

    async def keep_writing() -> int:
        written = 0
        while not enough:
            await journal.append(bytes(5000))
            written += 1
        return written

    writing = asyncio.ensure_future(keep_writing())
    for _ in range(30):

        async def work() -> None:
            await journal.append(b"child")

        child = child_of(journal, work)
        await asyncio.to_thread(ended_well, child)
    enough = True
    written = await writing
    if len(journal.changes(0)[1]) != written + 30:
        raise SystemExit("records are missing")
    await journal.close()


CASES = {
    case.__name__: case
    for case in (
        both_go_on,
        the_childs_lock_is_its_own,
        parent_closes_first,
        while_it_is_written,
    )
}


if __name__ == "__main__":
    asyncio.run(CASES[sys.argv[2]](Path(sys.argv[1])))
    sys.stdout.write(json.dumps({"case": sys.argv[2]}) + "\n")
