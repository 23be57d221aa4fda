"""Processes that make a journal at the same moment, some of them killed while they do.

``python -m tests.journal.makers DIRECTORY ROUNDS SEED``
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import sys
import time
from pathlib import Path

from skykeep.journal.store import open_journal
from tests.journal.kept import kept

PROCESSES = 4


async def make(path: Path, number: int) -> None:
    journal = open_journal(path)
    await journal.append(b"%d" % number)
    await journal.close()


def started(path: Path, number: int, go: int) -> int:
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.read(go, 1)
            asyncio.run(make(path, number))
            code = 0
        finally:
            os._exit(code)
    return child


def together(path: Path) -> None:
    """All of them end well, and used the same one."""
    go, start = os.pipe()
    children = [started(path, number, go) for number in range(PROCESSES)]
    os.write(start, b"." * PROCESSES)
    for child in children:
        if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 0:
            raise SystemExit("a process could not make or use the journal")
    if sorted(kept(path)) != [b"%d" % number for number in range(PROCESSES)]:
        raise SystemExit("a record is lost: there were two journals")
    os.close(go)
    os.close(start)
    if sorted(each.name for each in path.parent.iterdir()) != [path.name, f"{path.name}.key"]:
        raise SystemExit("something was left behind")


def killed(path: Path, dice: random.Random) -> bool:
    """One is killed while it makes it, another one goes on; whether there was a journal."""
    go, start = os.pipe()
    child = started(path, 0, go)
    os.write(start, b".")
    time.sleep(dice.random() * dice.choice((0.004, 0.03, 0.3)))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    os.close(go)
    os.close(start)
    was_there = path.exists()
    before = kept(path)
    if before not in ([], [b"0"]):
        raise SystemExit(f"something else is kept: {before}")
    asyncio.run(make(path, 1))
    if kept(path) != [*before, b"1"]:
        raise SystemExit("it does not go on")
    return was_there


def main() -> None:
    directory, rounds, seed = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    dice = random.Random(seed)
    found = {True: 0, False: 0}
    for number in range(rounds):
        together(directory / f"together-{number}" / "production.db")
        found[killed(directory / f"killed-{number}" / "production.db", dice)] += 1
    sys.stdout.write(json.dumps({"made": found[True], "not made": found[False]}) + "\n")


if __name__ == "__main__":
    main()
