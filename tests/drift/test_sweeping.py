"""The sweeper: what it counts as drift, and when it looks. Its time is the test's."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from skykeep.drift.sides import Course
from skykeep.drift.sweeping import SHOWN, Compared, Sweeper
from skykeep.errors import Unavailable
from skykeep.interfaces.secrets import Secrets
from skykeep.layers.stack import Swept
from tests.replication.fleet import Fleet, Store, fleet, until

pytestmark = pytest.mark.asyncio


class Rounds:
    """A sleep that ends when the test says so."""

    def __init__(self) -> None:
        self.waits: list[float] = []
        self._turn: asyncio.Future[None] | None = None

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self._turn = asyncio.get_running_loop().create_future()
        await self._turn

    async def next(self) -> None:
        """One round, to its end."""
        before = len(self.waits)
        assert self._turn is not None
        self._turn.set_result(None)
        await until(lambda: len(self.waits) > before)


@asynccontextmanager
async def sweeping(
    each: Fleet, owed: set[tuple[str, str]], dice: float = 0.5
) -> AsyncIterator[tuple[Sweeper, Rounds]]:
    from skykeep.drift.targets import Straight

    def secrets(store: Store) -> Secrets:
        return Secrets(Straight(each.stack, store), store)

    rounds = Rounds()
    sweeper = Sweeper(
        secrets(each.primary),
        [
            Compared(store.name, secrets(store), lambda: Course(one_environment=True))
            for store in each.stores[1:]
        ],
        lambda name, target: (name, target) in owed,
        100.0,
        sleep=rounds.sleep,
        dice=lambda: dice,
        clock=lambda: 7.0,
    )
    serving = asyncio.create_task(sweeper.serve())
    await until(lambda: bool(rounds.waits))
    try:
        yield sweeper, rounds
    finally:
        serving.cancel()
        with suppress(asyncio.CancelledError):
            await serving


@pytest.mark.parametrize(("dice", "wait"), [(0.0, 90.0), (0.5, 100.0), (1.0, 110.0)])
async def test_it_waits_first_a_tenth_more_or_less(dice: float, wait: float) -> None:
    async with fleet() as each, sweeping(each, set(), dice) as (sweeper, rounds):
        assert rounds.waits == [pytest.approx(wait)]
        assert not sweeper.found
        assert not each.primary.secrets.calls


async def test_what_differs_is_counted_and_named_unless_it_is_owed() -> None:
    async with fleet(backups=1) as each:
        owed = {("owed", "failover-0")}
        async with sweeping(each, owed) as (sweeper, rounds):
            for store in each.stores:
                await store.others_write("1", "same")
            await each.primary.others_write("1", "b/missing")
            await each.failover[0].others_write("1", "a/extra")
            await each.primary.others_write("1", "owed")
            await each.backups[0].others_write("1", "owed")
            await each.backups[0].others_write("1", "b/missing")
            await rounds.next()
            assert sweeper.found == {
                "failover-0": Swept(7.0, 2, ("a/extra", "b/missing")),
                "backup-0": Swept(7.0, 0, ()),
            }


async def test_what_was_mended_is_no_drift_any_more_and_it_is_said_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with fleet() as each, sweeping(each, set()) as (sweeper, rounds):
        await each.primary.others_write("canary-4c1d9f07", "a")
        with caplog.at_level(logging.WARNING, "skykeep"):
            await rounds.next()
            await rounds.next()
            assert [record.message for record in caplog.records] == [
                "failover-0 and the primary differ in 1 secret(s): a; skykeep diff shows them"
            ]
        await each.failover[0].others_write("canary-4c1d9f07", "a")
        await rounds.next()
        assert sweeper.found["failover-0"].count == 0
        assert "canary" not in caplog.text


async def test_all_are_counted_and_the_first_are_named() -> None:
    async with fleet() as each, sweeping(each, set()) as (sweeper, rounds):
        for number in range(SHOWN + 5):
            await each.primary.others_write("1", f"n/{number:03}")
        await rounds.next()
        found = sweeper.found["failover-0"]
        assert (found.count, len(found.names)) == (SHOWN + 5, SHOWN)
        assert list(found.names) == sorted(found.names)


async def test_a_target_that_is_away_does_not_end_it() -> None:
    async with fleet(backups=1) as each, sweeping(each, set()) as (sweeper, rounds):
        await each.primary.others_write("1", "a")
        each.failover[0].away(Unavailable)
        await rounds.next()
        assert list(sweeper.found) == ["backup-0"]
        each.failover[0].back()
        await rounds.next()
        assert sweeper.found["failover-0"].count == 1
