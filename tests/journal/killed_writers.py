"""Forks processes that write to one journal, kills them all at some moment, looks; again.

``python -m tests.journal.killed_writers DIRECTORY ROUNDS SEED``. The process that forks has the
journal open all the time, and follows it by what changed since it looked last.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import random
import signal
import sys
import time
from pathlib import Path

from skykeep.journal import committing
from skykeep.journal.store import SqliteJournal, open_journal
from tests.journal.kept import records

PROCESSES, TASKS = 3, 2
GONE = "gone"


def record_of(text: str) -> bytes:
    """The record that a line speaks of: lines are short, so that each is written whole."""
    return text.encode() + b"\n" + b"x" * int(text.rpartition("/")[2])


def text_of(record: bytes) -> str:
    """The other way round. Raises ``SystemExit`` for what nobody has written."""
    text = record.partition(b"\n")[0].decode()
    if record_of(text) != record:
        raise SystemExit("something else is kept")
    return text


async def write(path: Path, ids: dict[int, list[int]], seed: int, out: int) -> None:
    """Write for ever, each task to rows of its own; say what is tried, and that it is kept."""
    journal = open_journal(path)
    numbers = itertools.count()
    moment, mirror = 0, dict[int, bytes | None]()

    def see(expected: int, payload: bytes | None) -> None:
        """What was acknowledged is in the next look."""
        nonlocal moment
        moment, found = journal.changes(moment)
        mirror.update(found)
        if mirror.get(expected) != payload:
            raise SystemExit(f"{expected} was acknowledged and is not seen")

    async def keep_writing(task: int, own: list[int], dice: random.Random) -> None:
        while True:
            # Of all sizes, with and without overflow pages of SQLite.
            new = f"{seed}/{task}/{next(numbers)}/{dice.choice((0, 100, 5000))}"
            what = dice.random()
            if not own or what < 0.4:
                os.write(out, f"{task} try 0 {new}\n".encode())
                row = await journal.append(record_of(new))
                own.append(row)
            else:
                row = own.pop(0)
                if what < 0.7:
                    os.write(out, f"{task} try {row} {new}\n".encode())
                    if not await journal.replace(row, record_of(new)):
                        raise SystemExit(f"{row} was owed and is gone")
                    own.append(row)
                else:
                    new = GONE
                    os.write(out, f"{task} try {row} {new}\n".encode())
                    await journal.remove(row)
            os.write(out, f"{task} kept {row} {new}\n".encode())
            see(row, None if new == GONE else record_of(new))

    await asyncio.gather(
        *(keep_writing(task, own, random.Random(seed + task)) for task, own in ids.items())
    )


def killed(path: Path, owed: list[int], dice: random.Random) -> list[list[str]]:
    """What each of several writing processes said until all were killed."""
    children = []
    for number in range(PROCESSES):
        ear, mouth = os.pipe()
        seed = dice.randrange(2**32)
        tasks = range(number * TASKS, (number + 1) * TASKS)
        ids = {task: owed[task :: PROCESSES * TASKS] for task in tasks}
        child = os.fork()
        if child == 0:
            try:
                asyncio.run(write(path, ids, seed, mouth))
            finally:
                os._exit(1)
        os.close(mouth)
        children.append((child, ear))
    heard = [b""] * PROCESSES
    after = dice.randrange(8)  # acknowledgements of the first; then some milliseconds more
    while heard[0].count(b"kept") < after:
        more = os.read(children[0][1], 65536)
        if not more:
            raise SystemExit("a writer ended by itself")
        heard[0] += more
    time.sleep(dice.random() * dice.choice((0.0002, 0.002, 0.006)))
    for child, _ in children:
        os.kill(child, signal.SIGKILL)
    for number, (child, ear) in enumerate(children):
        _, status = os.waitpid(child, 0)
        if not os.WIFSIGNALED(status):
            raise SystemExit("a writer ended by itself")
        while more := os.read(ear, 65536):
            heard[number] += more
        os.close(ear)
    return [said.decode().splitlines() for said in heard]


class Model:
    """What the journal must hold."""

    def __init__(self) -> None:
        self.rows: dict[int, str] = {}
        self.gone: set[int] = set()
        self.last = 0
        self.acknowledged = 0
        self.in_doubt = 0

    def take(self, said: list[list[str]]) -> list[tuple[int, str]]:
        """What was said; returns what was tried and not acknowledged."""
        tried: dict[str, tuple[int, str]] = {}
        before = self.last
        for lines in said:
            appended = before
            for line in lines:
                task, word, number, payload = line.split(" ", 3)
                if word == "try":
                    tried[task] = int(number), payload
                    continue
                new = tried.pop(task)[0] == 0
                row = int(number)
                if new and (row <= before or row in self.rows or row in self.gone):
                    raise SystemExit(f"the id {row} was given before")
                appended = max(appended, row)
                self._set(row, payload)
                self.acknowledged += 1
            self.last = max(self.last, appended)
        self.in_doubt += len(tried)
        return list(tried.values())

    def _set(self, row: int, payload: str) -> None:
        if payload == GONE:
            self.rows.pop(row)
            self.gone.add(row)
        else:
            self.rows[row] = payload

    def compare(self, found: dict[int, bytes], doubtful: list[tuple[int, str]]) -> None:
        """Raise unless they fit; take over what became of that which was in doubt."""
        appended = {text for row, text in doubtful if row == 0}
        kept = {row: text_of(record) for row, record in found.items()}
        for row, text in doubtful:
            if row and kept.get(row, GONE) == text:
                self._set(row, text)
        for row, text in kept.items():
            if row not in self.rows:
                if text not in appended or row in self.gone:
                    raise SystemExit(f"{row} is back, or was never there")
                appended.remove(text)
                self.rows[row] = text
            self.last = max(self.last, row)
        if self.rows != kept:
            raise SystemExit("an acknowledged record is lost, or another")
        if list(found) != sorted(found):
            raise SystemExit("the ids are not in order")


def follow(journal: SqliteJournal, moment: int, mirror: dict[int, bytes]) -> int:
    """Bring the mirror on; the moment now."""
    now, found = journal.changes(moment)
    for row, payload in found:
        if payload is None:
            mirror.pop(row, None)
        else:
            mirror[row] = payload
    return now


def main() -> None:
    directory, rounds, seed = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    setattr(committing, "TRACES", 20)  # noqa: B010  (it is final to the type checker)
    path = directory / "production.db"
    dice, model = random.Random(seed), Model()
    journal = open_journal(path)
    moment, mirror = 0, dict[int, bytes]()
    for number in range(rounds):
        doubtful = model.take(killed(path, sorted(model.rows), dice))
        # In turns: the one that was open all the time is the first to look, or the last.
        if number % 2:
            moment = follow(journal, moment, mirror)
        found = records(path)
        model.compare(found, doubtful)
        moment = follow(journal, moment, mirror)
        if mirror != found:
            raise SystemExit("the changes do not come to what is kept")
    said = {
        "acknowledged": model.acknowledged,
        "in doubt": model.in_doubt,
        "gone": len(model.gone),
    }
    sys.stdout.write(json.dumps(said) + "\n")


if __name__ == "__main__":
    main()
