"""Writes that queue share a commit; each is kept or refused on its own."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from skykeep.durable.worker import Outcome, Worker
from skykeep.errors import Conflict, Corrupt, NotFound, Unavailable
from skykeep.interfaces.secret_driver import Attributes, Written
from skykeep.interfaces.secret_value import SecretValue
from skykeep.providers.local.anchor import NoAnchor
from skykeep.providers.local.committing import Committer, Read, Write
from skykeep.providers.local.renewal import CurrentKeys
from skykeep.providers.local.rollback import Guard
from skykeep.providers.local.session import read_header
from skykeep.providers.local.unlock import unlock
from skykeep.providers.local.writing import Writing, transaction
from tests.providers.local.vaults import Place, change, keep, listed, made, read


def committer(place: Place) -> Committer:
    header = read_header(place.path)
    keys = unlock(header, place.settings, place.context)
    current = CurrentKeys(header, keys, place.settings, place.context)
    return Committer(place.path, current, 100, Guard(place.path, keys, NoAnchor("a test")))


def create(name: str, value: bytes = b"v") -> Write:
    return Write(lambda vault: vault.create(name, name, SecretValue(value), Attributes()))


def commits(place: Place, jobs: Sequence[Read | Write]) -> tuple[list[Any], int]:
    """What became of the jobs, and how many commits they took."""
    begun = 0
    plain = transaction

    def counted(*arguments: Any) -> Any:
        nonlocal begun
        begun += 1
        return plain(*arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("skykeep.providers.local.committing.transaction", counted)
        one = committer(place)
        outcomes = one.do(jobs)
        one.close()
    return [outcome.error or outcome.result for outcome in outcomes], begun


def test_what_queues_shares_a_commit_and_errors_are_each_ones_own(tmp_path: Path) -> None:
    place = made(tmp_path)
    outcomes, begun = commits(
        place,
        [
            create("db/a"),
            create("db/b"),
            create("db/a"),  # sees the first, which is not committed yet
            Write(lambda vault: vault.delete("gone", "gone", None)),
            create("db/c"),
        ],
    )
    assert begun == 1
    assert [type(outcome) for outcome in outcomes] == [
        Written,
        Written,
        Conflict,
        NotFound,
        Written,
    ]

    async def look() -> None:
        async with place.opened() as driver:
            assert sorted(await listed(driver, "db")) == ["db/a", "db/b", "db/c"]
            assert await read(driver, "db/c") == b"v"

    asyncio.run(look())


def test_a_refused_write_takes_back_all_that_it_did(tmp_path: Path) -> None:
    def half(vault: Writing) -> None:
        vault.create("db/half", "db/half", SecretValue("v"), Attributes())
        raise Conflict("after all")

    place = made(tmp_path)
    outcomes, _ = commits(place, [create("a"), Write(half), create("b")])
    assert isinstance(outcomes[1], Conflict)

    async def look() -> None:
        async with place.opened() as driver:
            assert sorted(await listed(driver)) == ["a", "b"]
            assert await listed(driver, "db") == []

    asyncio.run(look())


@pytest.mark.parametrize("error", [Corrupt("a row is gone"), RuntimeError("a defect")])
def test_what_breaks_the_transaction_breaks_no_other_write(
    tmp_path: Path, error: Exception
) -> None:
    def broken(vault: Writing) -> None:
        raise error

    place = made(tmp_path)
    outcomes, begun = commits(place, [create("a"), Write(broken), create("b")])
    assert begun == 4  # together, then each on its own
    assert [type(outcome) for outcome in outcomes] == [Written, type(error), Written]


def test_a_vault_that_is_held_is_waited_for_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = made(tmp_path)
    monkeypatch.setattr("skykeep.providers.local.session.BUSY_SECONDS", 0.05)
    with closing(sqlite3.connect(place.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        outcomes, begun = commits(place, [create("a"), create("b"), create("c")])
        other.execute("ROLLBACK")
    assert begun == 1
    assert [type(outcome) for outcome in outcomes] == [Unavailable] * 3
    assert len({id(outcome) for outcome in outcomes}) == 3


def test_reads_keep_their_place(tmp_path: Path) -> None:
    place = made(tmp_path)
    outcomes, begun = commits(
        place,
        [
            create("a"),
            Read(lambda reading: reading.known("a", "a").last),
            create("b"),
            create("c"),
        ],
    )
    assert (outcomes[1], begun) == (1, 2)


@pytest.mark.asyncio
async def test_many_writers_of_one_process_lose_nothing(tmp_path: Path) -> None:
    place = made(tmp_path)
    async with place.opened() as driver:
        await keep(driver, "counter", b"0")

        async def bump() -> None:
            while True:
                secret = await driver.get("counter")
                value = SecretValue(str(int(secret.value.text()) + 1))
                try:
                    await driver.update("counter", value, Attributes(), expects=secret.version)
                except Conflict:
                    continue
                return

        await asyncio.gather(
            *(keep(driver, f"n/{number}", b"x") for number in range(500)),
            *(bump() for _ in range(20)),
        )
        assert len(await listed(driver, "n")) == 500
        assert await read(driver, "counter") == b"20"


@pytest.mark.asyncio
async def test_writes_after_a_close_begin_anew(tmp_path: Path) -> None:
    place = made(tmp_path)
    async with place.opened() as driver:
        await keep(driver, "a", b"1")
        await driver.close()
        await change(driver, "a", b"2")
        assert await read(driver, "a") == b"2"


@pytest.mark.asyncio
async def test_jobs_before_the_end_are_done() -> None:
    done: list[int] = []

    def work(jobs: Sequence[int]) -> list[Outcome]:
        done.extend(jobs)
        return [Outcome(job * 2) for job in jobs]

    worker: Worker[int] = Worker("test", work)
    running = [asyncio.ensure_future(worker.run(number)) for number in range(600)]
    await asyncio.sleep(0)
    await worker.stop()
    assert await asyncio.gather(*running) == [number * 2 for number in range(600)]
    assert done == list(range(600))
    await worker.stop()


def test_a_loop_that_is_gone_is_no_error() -> None:
    gone = threading.Event()

    def work(jobs: Sequence[int]) -> list[Outcome]:
        assert gone.wait(60)  # the job ends after its loop was closed
        return [Outcome()] * len(jobs)

    worker: Worker[int] = Worker("test", work)

    async def leave() -> None:
        asyncio.ensure_future(worker.run(1))  # noqa: RUF006  (nobody waits: that is the test)
        await asyncio.sleep(0)

    asyncio.run(leave())
    gone.set()
    asyncio.run(worker.stop())
