"""The journal: ``python -m bench.journal``. What a write pays for it, and what a read does.

Held against SQLite alone, with the same durability: one INSERT and its commit.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import statistics
import tempfile
from contextlib import closing
from pathlib import Path

from bench.measure import per_await, per_call
from skykeep.journal.store import SqliteJournal, open_journal

RECORD = os.urandom(500)
TIMES, ROUNDS = 200, 7
OWED = 1000


def sqlite_alone(directory: Path) -> float:
    """Microseconds for an INSERT and its commit."""
    with closing(sqlite3.connect(directory / "plain.db", isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")
        database.execute("CREATE TABLE IF NOT EXISTS entry (id INTEGER PRIMARY KEY, body BLOB)")
        statement = "INSERT INTO entry (body) VALUES (?)"
        return per_call(lambda: database.execute(statement, (RECORD,)), TIMES)


async def appends(journal: SqliteJournal) -> float:
    """Microseconds for an append; what was appended is removed again."""
    begun, _ = journal.changes(0)
    took = await per_await(lambda: journal.append(RECORD), TIMES)
    _, found = journal.changes(begun)
    await asyncio.gather(*(journal.remove(each) for each, _ in found))
    return took


async def together(journal: SqliteJournal) -> float:
    """Microseconds for each of many appends at a time."""
    begun, _ = journal.changes(0)

    async def all_of_them() -> None:
        await asyncio.gather(*(journal.append(RECORD) for _ in range(TIMES)))

    took = await per_await(all_of_them, 1) / TIMES
    _, found = journal.changes(begun)
    await asyncio.gather(*(journal.remove(each) for each, _ in found))
    return took


async def held(journal: SqliteJournal) -> float:
    """Microseconds to take a free lock and to let go of it."""

    async def take() -> None:
        async with journal.hold("db/password", 1):
            pass

    return await per_await(take, TIMES)


async def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        journal = open_journal(directory / "owed.db")
        await asyncio.gather(*(journal.append(RECORD) for _ in range(OWED)))
        now, _ = journal.changes(0)
        figures: dict[str, list[float]] = {}

        def note(what: str, figure: float) -> None:
            figures.setdefault(what, []).append(figure)

        for _ in range(ROUNDS):
            note("append, synced", await appends(journal))
            note("SQLite alone: INSERT, synced", sqlite_alone(directory))
            note(f"append, synced, {TIMES} at a time", await together(journal))
            now, _ = journal.changes(now)
            note("look for changes, none", per_call(lambda: journal.changes(now), 10_000))  # noqa: B023  (called at once)
            note(f"read all of {OWED:,}", per_call(lambda: journal.changes(0), 5))
            note("take a free lock", await held(journal))
        await journal.close()
        for what, found in figures.items():
            print(f"{what:36} {statistics.median(found):10,.1f} µs")


if __name__ == "__main__":
    asyncio.run(main())
