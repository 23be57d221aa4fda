"""Cancelled writes, a close that waits, two drivers on one file, forks at any time."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from skykeep.durable import link
from skykeep.durable.link import Link
from skykeep.errors import Conflict, Unavailable
from skykeep.interfaces.secret_driver import Attributes
from skykeep.interfaces.secret_value import SecretValue
from skykeep.providers.local import committing, secrets, session
from skykeep.providers.local.reading import snapshot
from skykeep.providers.local.writing import Writing, transaction
from tests.providers.local.vaults import change, keep, listed, made, read


class Gate:
    """Holds the next write in the driver's thread, before it begins, until it is opened."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.reached = threading.Event()
        self.opened = threading.Event()
        real = transaction

        @contextmanager
        def slow(*arguments: Any) -> Iterator[Writing]:
            self.reached.set()
            assert self.opened.wait(60)
            with real(*arguments) as vault:
                yield vault

        monkeypatch.setattr(committing, "transaction", slow)

    async def wait(self) -> None:
        assert await asyncio.to_thread(self.reached.wait, 60)


@pytest.mark.asyncio
async def test_a_cancelled_write_is_whole_and_the_driver_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = made(tmp_path)
    async with place.opened() as driver:
        await keep(driver, "name", b"before")
        gate = Gate(monkeypatch)
        writing = asyncio.create_task(change(driver, "name", b"cancelled"))
        await gate.wait()
        writing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await writing
        assert await read(driver, "name") == b"before"
        gate.opened.set()
        await change(driver, "name", b"after")  # waits its turn behind the cancelled one
        assert await read(driver, "name") == b"after"
        kept = [version.size for version in await driver.versions("name")]
        assert kept == [5, 9, 6]
    async with place.opened() as driver:
        assert await read(driver, "name") == b"after"


@pytest.mark.asyncio
async def test_writes_cancelled_while_they_wait_are_whole_or_not_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with made(tmp_path).opened() as driver:
        gate = Gate(monkeypatch)
        first = asyncio.create_task(keep(driver, "first", b"value"))
        await gate.wait()
        waiting = [asyncio.create_task(keep(driver, f"n/{n}", b"value")) for n in range(5)]
        await asyncio.sleep(0)
        for task in waiting:
            task.cancel()
        ended = await asyncio.gather(*waiting, return_exceptions=True)
        assert all(isinstance(end, asyncio.CancelledError) for end in ended)
        gate.opened.set()
        await first
        await keep(driver, "last", b"value")  # behind whatever was still done
        names = await listed(driver)
        assert {"first", "last"} <= set(names)
        assert sorted(await listed(driver, "n")) == sorted(set(names) - {"first", "last"})
        for name in names:
            assert await read(driver, name) == b"value"


@pytest.mark.asyncio
async def test_many_writes_cancelled_at_any_moment(tmp_path: Path) -> None:
    place = made(tmp_path)
    done: set[str] = set()
    async with place.opened() as driver:
        for number in range(60):
            name = f"group/{number}"
            task = asyncio.create_task(keep(driver, name, name.encode()))
            for _ in range(number % 6):
                await asyncio.sleep(0.0002 * (number % 4))
            task.cancel()
            try:
                await task
                done.add(name)
            except asyncio.CancelledError:
                pass
    async with place.opened() as driver:
        names = await listed(driver)
        assert done <= set(names)
        assert sorted(await listed(driver, "group")) == sorted(names)
        for name in names:
            assert await read(driver, name) == name.encode()


@pytest.mark.asyncio
async def test_close_waits_for_a_write_under_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = made(tmp_path)
    driver = await secrets.open_secrets(place.settings, place.context)
    gate = Gate(monkeypatch)
    writing = asyncio.create_task(keep(driver, "name", b"value"))
    await gate.wait()
    closing_task = asyncio.create_task(driver.close())
    await asyncio.sleep(0.05)
    assert not closing_task.done()
    gate.opened.set()
    await closing_task
    await writing
    assert not place.path.with_name("vault.db-wal").exists()
    async with place.opened() as again:
        assert await read(again, "name") == b"value"
    await driver.close()


@pytest.mark.asyncio
async def test_two_drivers_on_one_file(tmp_path: Path) -> None:
    place = made(tmp_path)
    async with place.opened() as one, place.opened() as two:
        await keep(one, "name", b"of one")
        assert await read(two, "name") == b"of one"
        await asyncio.gather(
            *(keep(one, f"one/{n}", b"1") for n in range(30)),
            *(keep(two, f"two/{n}", b"2") for n in range(30)),
        )
        assert sorted(await listed(one)) == sorted(await listed(two))
        assert len(await listed(one)) == 61
        won = await asyncio.gather(
            *(
                driver.update("name", SecretValue(who), Attributes(), expects="1")
                for driver, who in ((one, b"one"), (two, b"two"))
            ),
            return_exceptions=True,
        )
        assert sorted(type(answer).__name__ for answer in won) == ["Conflict", "Written"]
        assert any(isinstance(answer, Conflict) for answer in won)
    async with place.opened() as driver:
        assert len(await listed(driver)) == 61


@pytest.mark.asyncio
async def test_a_vault_that_somebody_else_keeps_locked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = made(tmp_path)
    monkeypatch.setattr(session, "BUSY_SECONDS", 0.0)
    with closing(sqlite3.connect(place.path, isolation_level=None)) as other:
        async with place.opened() as driver:
            await keep(driver, "name", b"before")
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(Unavailable, match="nothing was written"):
                await change(driver, "name", b"after")
            assert await read(driver, "name") == b"before"
            other.execute("ROLLBACK")
            await change(driver, "name", b"after")
            assert await read(driver, "name") == b"after"


def test_a_snapshot_that_sqlite_has_ended_itself() -> None:
    # As it does after some errors: then there is nothing to end, and no second error.
    with (
        closing(sqlite3.connect(":memory:", isolation_level=None)) as connection,
        snapshot(connection),
    ):
        connection.execute("ROLLBACK")


def test_the_error_inside_a_snapshot_is_the_one_that_is_raised() -> None:
    def fail(connection: sqlite3.Connection) -> None:
        with snapshot(connection):
            connection.execute("ROLLBACK")
            raise ValueError("the first")

    with (
        closing(sqlite3.connect(":memory:", isolation_level=None)) as connection,
        pytest.raises(ValueError, match="the first"),
    ):
        fail(connection)


# -- links and forks, without forking


def test_a_link_that_cannot_open_is_free_again() -> None:
    tries: list[int] = []

    def fail() -> sqlite3.Connection:
        tries.append(1)
        raise sqlite3.OperationalError("no")

    broken = Link(fail)
    for _ in range(2):
        with pytest.raises(sqlite3.OperationalError), broken:
            pass
    assert len(tries) == 2


def test_a_fork_closes_connections_and_both_sides_open_theirs() -> None:
    opened: list[sqlite3.Connection] = []

    def connect() -> sqlite3.Connection:
        opened.append(sqlite3.connect(":memory:"))
        return opened[-1]

    lent = Link(connect)
    with lent as connection:
        connection.execute("SELECT 1")
    for go_on in (lent.after_fork_in_parent, lent.after_fork_in_child):
        lent.before_fork()
        with pytest.raises(sqlite3.ProgrammingError):
            opened[-1].execute("SELECT 1")
        go_on()
        with lent as connection:
            connection.execute("SELECT 1")
    assert len(opened) == 3
    lent.close()


def test_a_fork_that_waited_in_vain_leaves_the_connection_to_the_parent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(link, "PATIENCE", 0.01)
    monkeypatch.setattr(link, "_left_behind", [])
    opened: list[sqlite3.Connection] = []

    def connect() -> sqlite3.Connection:
        opened.append(sqlite3.connect(":memory:"))
        return opened[-1]

    lent = Link(connect)
    with lent as connection:
        lent.before_fork()
        lent.after_fork_in_parent()
        connection.execute("SELECT 1")  # as before
        lent.before_fork()
        lent.after_fork_in_child()
        connection.execute("SELECT 1")  # not closed: it is the parent's
        with lent as another:
            assert another is not connection
    assert link._left_behind == [connection]
    for each in opened:
        each.close()
