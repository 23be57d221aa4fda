"""A process that takes the lock of a name.

``python -m tests.journal.lock_user JOURNAL hold NAME``: says so once it has it, and ends with a
line on its standard input. ``… count FILE TASKS TIMES``: each task adds 1 to the number in the
file so many times, under the lock. ``… orphan NAME``: holds it, has forked a child that lives
on, and says the child's process id.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

from skykeep.journal.store import SqliteJournal, open_journal


async def hold(journal: SqliteJournal, name: str) -> None:
    async with journal.hold(name, 60):
        sys.stdout.write("held\n")
        sys.stdout.flush()
        sys.stdin.readline()


def number_in(file: Path) -> int:
    return int(file.read_text())


def write_number(file: Path, number: int) -> None:
    file.write_text(str(number))


async def count(journal: SqliteJournal, file: Path, tasks: int, times: int) -> None:
    async def add() -> None:
        for _ in range(times):
            async with journal.hold("number", 120):
                before = number_in(file)
                await asyncio.sleep(0)
                write_number(file, before + 1)

    await asyncio.gather(*(add() for _ in range(tasks)))


async def orphan(journal: SqliteJournal, name: str) -> None:
    async with journal.hold(name, 60):
        child = os.fork()
        if child == 0:
            sys.stdin.readline()
            os._exit(0)
        sys.stdout.write(f"{child}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


async def main() -> None:
    journal = open_journal(Path(sys.argv[1]))
    what, arguments = sys.argv[2], sys.argv[3:]
    if what == "hold":
        await hold(journal, arguments[0])
    elif what == "count":
        await count(journal, Path(arguments[0]), int(arguments[1]), int(arguments[2]))
    else:
        await orphan(journal, arguments[0])
    await journal.close()
    sys.stdout.write(json.dumps({}) + "\n")


if __name__ == "__main__":
    asyncio.run(main())
