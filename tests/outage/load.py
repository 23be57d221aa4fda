"""``python -m tests.outage.load``: the program that lives through an outage, a process.

Reads an ``Order`` as one line of JSON from standard input, then one word a line, and answers
each on standard output with one line of JSON::

    (start)   every name is written once; answers {}
    quiet     the load begins
    brink     the outage is about to begin, or to end: what is begun now is not counted
    fault     what is counted from now on is the outage
    healed    it is over: the load ends when a read is the primary's again, what is owed is
              brought, and all stores are read; answers a ``Result``

Readers read all names, in an order of their own, through the whole ``Cloud``; each writer
writes its own names. Nothing is cached. There is a pause after each call, so that what is seen
is the outage and not the limit of the machine.
"""

from __future__ import annotations

import asyncio
import random
import statistics
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec

import skykeep
from skykeep.errors import SkykeepError, Unavailable
from tests.outage.ledger import Ledger, Read, value_of

PHASES = ("quiet", "brink", "fault", "healed")

RECOVERY, SETTLING = 60.0, 90.0
"""Seconds after which it is given up: longer than anything that is promised."""


class Order(msgspec.Struct, frozen=True):
    """What to do.

    Attributes:
        config: the configuration file.
        prefix: before all names.
        readers, writers, names: how many; names are those of one writer.
        read_pause, write_pause: seconds after each call, on average.
    """

    config: str
    prefix: str
    readers: int = 64
    writers: int = 8
    names: int = 8
    read_pause: float = 0.1
    write_pause: float = 0.25


class Result(msgspec.Struct, frozen=True):
    """What became of it.

    Attributes:
        answered: reads in the outage that were answered by the home of the name.
        replica: by another target that is up to date as far as this host knows, and marked.
        stale: by one that is behind, and marked.
        refused: reads that had no answer.
        written, unwritten, doubtful: writes that were begun in the outage: acknowledged before
            it ended; refused; refused with the word that they may have been executed.
        wrong: answers, of all phases, that were older than they said, or never written.
        lost: acknowledged writes that a store does not hold at the end, and stores that differ.
        conflicts: names that wait for a person at the end.
        owed: writes that are still owed at the end.
        quiet_p50, quiet_p99, p50, p99: of answered reads, milliseconds.
        longest: milliseconds of the read that took longest, answered or not.
        recovered: seconds from the end of the outage to the first read of the primary.
        settled: seconds until nothing was owed.
        errors: classes of the errors that callers saw.
    """

    answered: int
    replica: int
    stale: int
    refused: int
    written: int
    unwritten: int
    doubtful: int
    wrong: list[str]
    lost: list[str]
    conflicts: list[str]
    owed: int
    quiet_p50: float
    quiet_p99: float
    p50: float
    p99: float
    longest: float
    recovered: float
    settled: float
    errors: dict[str, int]


class Load:
    """Readers and writers on one cloud."""

    def __init__(self, cloud: skykeep.Cloud, order: Order) -> None:
        self._cloud = cloud
        self._order = order
        self._own = [
            [f"{order.prefix}/w{writer}/n{name}" for name in range(order.names)]
            for writer in range(order.writers)
        ]
        self._all = [name for own in self._own for name in own]
        self.ledger = Ledger(self._all)
        self.phase = "before"
        self.took: dict[str, list[float]] = {each: [] for each in PHASES}
        self.longest = 0.0
        self.count: Counter[str] = Counter()
        self.errors: Counter[str] = Counter()
        self.ending = False
        self.primary_answered = asyncio.Event()

    async def write_all(self) -> None:
        """Each name once."""
        self.phase = "before"
        await asyncio.gather(*(self._write_each(own) for own in self._own))
        await self._cloud.replication.settle(SETTLING)

    async def _write_each(self, names: list[str]) -> None:
        for name in names:
            await self._write(name)

    async def reader(self, number: int) -> None:
        """Until cancelled."""
        dice = random.Random(number)
        while True:
            await asyncio.sleep(self._order.read_pause * 2 * dice.random())
            await self._read(dice.choice(self._all))

    async def writer(self, number: int) -> None:
        """Until it ends; what it has begun it brings to its end."""
        dice = random.Random(f"writer {number}")
        while not self.ending:
            await asyncio.sleep(self._order.write_pause * 2 * dice.random())
            await self._write(dice.choice(self._own[number]))

    async def _read(self, name: str) -> None:
        begun, phase = time.monotonic(), self.phase
        try:
            secret = await self._cloud.secrets.get(name)
        except SkykeepError as error:
            self.longest = max(self.longest, time.monotonic() - begun)
            self._count(phase, "refused", error)
            return
        ended = time.monotonic()
        self.longest = max(self.longest, ended - begun)
        told = secret.provenance
        assert told is not None
        self.ledger.read(
            Read(
                name,
                secret.value.text(),
                begun,
                ended,
                told.age,
                stale=told.stale,
                degraded=told.degraded,
            )
        )
        self.took[phase].append(ended - begun)
        if told.stale:
            self._count(phase, "stale")
        elif told.degraded:
            self._count(phase, "replica")
        else:
            self._count(phase, "answered")
            if phase == "healed":
                self.primary_answered.set()

    async def _write(self, name: str) -> None:
        phase = self.phase
        number = self.ledger.begin(name, time.monotonic())
        try:
            await self._cloud.secrets.put(name, value_of(name, number))
        except SkykeepError as error:
            if phase == "before":
                raise
            doubt = isinstance(error, Unavailable) and error.sent
            self._count(phase, "doubtful" if doubt else "unwritten", error)
            return
        self.ledger.acknowledge(name, number, time.monotonic())
        if self.phase == phase:  # else the store was back before it was acknowledged
            self._count(phase, "written")

    def _count(self, phase: str, what: str, error: SkykeepError | None = None) -> None:
        if phase == "fault":
            self.count[what] += 1
            if error is not None:
                self.errors[f"{what}: {type(error).__name__}"] += 1

    async def settle(self) -> None:
        """Until nothing is owed and a round finds nothing to do, or it is given up.

        A write in doubt that its home shows becomes one that is owed; one that it does not show
        stays in doubt for a while, and is no reason to wait.
        """
        end = time.monotonic() + SETTLING
        while time.monotonic() < end:
            done = await self._cloud.replication.reconcile()
            if not done.owed and not done.away and not done.settled and not done.brought:
                return
            await asyncio.sleep(0.1)

    async def held(self) -> dict[str, dict[str, str | None]]:
        """What each store holds, asked alone."""
        found: dict[str, dict[str, str | None]] = {}
        for target in ("primary", "failover"):
            async with self._cloud.at(target) as alone:
                many = await alone.secrets.get_many(self._all, missing="skip")
                kept = {name: secret.value.text() for name, secret in many.items()}
                found[target] = {name: kept.get(name) for name in self._all}
        return found


def share(took: list[float], of: int) -> float:
    """The percentile, milliseconds; 0 where nothing was answered."""
    if len(took) < 2:
        return 0.0
    return statistics.quantiles(took, n=100, method="inclusive")[of - 1] * 1e3


async def live(
    order: Order, heard: Callable[[], Awaitable[str]], say: Callable[[Any], None]
) -> None:
    async with skykeep.open(config=Path(order.config)) as cloud:
        load = Load(cloud, order)
        await load.write_all()
        say({})
        assert await heard() == "quiet"
        load.phase = "quiet"
        readers = [asyncio.create_task(load.reader(n)) for n in range(order.readers)]
        writers = [asyncio.create_task(load.writer(n)) for n in range(order.writers)]
        say({})
        while (phase := await heard()) != "healed":
            assert phase in PHASES
            load.phase = phase
            say({})
        load.phase, healed = "healed", time.monotonic()
        try:
            async with asyncio.timeout(RECOVERY):
                await load.primary_answered.wait()
        except TimeoutError:
            load.ledger.wrong.append(f"no answer of the primary in {RECOVERY:g} s")
        recovered = time.monotonic() - healed
        load.ending = True
        await asyncio.gather(*writers)
        for task in readers:
            task.cancel()
        ended = await asyncio.gather(*readers, return_exceptions=True)
        failed = [one for one in ended if not isinstance(one, asyncio.CancelledError)]
        assert not failed, failed
        await load.settle()
        settled = time.monotonic() - healed
        lost = load.ledger.lost(await load.held())
        conflicts = [each.name for each in await cloud.replication.conflicts()]
        count = load.count
        say(
            Result(
                answered=count["answered"],
                replica=count["replica"],
                stale=count["stale"],
                refused=count["refused"],
                written=count["written"],
                unwritten=count["unwritten"],
                doubtful=count["doubtful"],
                wrong=load.ledger.wrong[:20],
                lost=lost[:20],
                conflicts=conflicts[:20],
                owed=sum(cloud.replication.owed().values()),
                quiet_p50=share(load.took["quiet"], 50),
                quiet_p99=share(load.took["quiet"], 99),
                p50=share(load.took["fault"], 50),
                p99=share(load.took["fault"], 99),
                longest=load.longest * 1e3,
                recovered=recovered,
                settled=settled,
                errors=dict(load.errors),
            )
        )


async def main() -> None:
    loop = asyncio.get_running_loop()

    async def heard() -> str:
        line: str = await loop.run_in_executor(None, sys.stdin.readline)
        return line.strip()

    def say(what: Any) -> None:
        sys.stdout.write(msgspec.json.encode(what).decode() + "\n")
        sys.stdout.flush()

    await live(msgspec.json.decode(await heard(), type=Order), heard, say)


if __name__ == "__main__":
    asyncio.run(main())
