"""``python -m bench.failover``: what an outage, a hedge and the cache cost a read.

Two servers on loopback (``bench.outage_server``, Secrets Manager), the shipping driver and all
layers, the cache off but where it is what is measured. Each figure is held against another one
of the same run. Takes two minutes; ``--write`` keeps it in ``failover.json`` and makes the
table of docs/guides/failover-speed.md from it. Exits 1 if a bar was missed.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import math
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from bench.aws import KEYS, settings
from bench.compare import machine
from bench.failover_report import PACKAGES, save, table
from bench.objects_report import Results, Row
from bench.outage_server import COUNT, HOLD, SERVE
from bench.reads import served
from skykeep import Cloud
from skykeep.settings.model import BreakerSettings, CacheSettings, Environment, HedgeSettings

NAME = "a/b"

ATTEMPT, OUTAGES = 2.0, 3
"""Of (a): seconds, the default deadline of a try; and how often."""

READS, FAR = 3000, 5
"""Of (b): of each, in turns; and milliseconds that an answer of a store elsewhere takes."""

PROBE, TRY, RECOVERIES = 1.0, 0.2, 15
"""Of (c): seconds between probes, those that a try has, and outages."""

TAIL, LATE = 0.0125, 100
"""Of (d): of so large a share the answer comes so many milliseconds late. With exactly one in
a hundred p99 would be a matter of luck: it is the limit between those and the others."""

HEDGED, TURNS = 2000, 5
"""Reads in a turn, one after the other: side by side the driver asks for several at once."""

CACHED, TIMES = 20_000, 9
"""Of (e): so many reads in so many rounds, in turns."""


def url(port: int) -> str:
    return f"http://127.0.0.1:{port}"


@asynccontextmanager
async def cloud(
    primary: int, failover: int | None = None, **changes: Any
) -> AsyncIterator[Cloud]:
    """A cloud of the servers at these ports, with a journal of its own."""
    changes.setdefault("cache", CacheSettings(ttl_seconds=0))
    with tempfile.TemporaryDirectory() as home:
        environment = Environment(
            primary=settings(url(primary)),
            failover=() if failover is None else (settings(url(failover)),),
            **changes,
        )
        environ = {**os.environ, **KEYS, "SKYKEEP_HOME": home}
        async with Cloud(environment, environ=environ) as opened:
            yield opened


async def took(opened: Cloud) -> float:
    """Seconds of a read."""
    begun = time.perf_counter()
    await opened.secrets.get(NAME)
    return time.perf_counter() - begun


async def control(port: int, name: str) -> str:
    """Tell a server something; what it says."""
    async with cloud(port) as opened:
        return (await opened.secrets.get(name)).value.text()


def row(what: str, unit: str, ours: float, theirs: tuple[str, float], bar: float | None) -> Row:
    """A figure, held against another one and its name: at most so many times that."""
    against, other = theirs
    return Row(what, unit, ours, against, other, ours / other, bar)


async def first_read(one: int, two: int) -> list[Row]:
    """(a) The primary takes connections and does not answer."""
    bare, first = [], []
    for _ in range(OUTAGES):
        async with cloud(two) as alone:
            bare.append(await took(alone))
        await control(one, HOLD)
        async with cloud(one, two) as both:
            first.append(await took(both))
        await control(one, SERVE)
    ours, bound = statistics.median(first), ATTEMPT + statistics.median(bare)
    what = "primary black-holed: the first read"
    # A hundredth is for timers and the loop.
    return [row(what, "s", ours, ("a try's deadline and a read", bound), 1.01)]


async def breaker_open(one: int, two: int, what: str, times: int) -> list[Row]:
    """(b) A read of the replica: through failover, the primary's breaker open, and alone.

    By a host that has not written yet, and by one that has a journal to look at.
    """
    breaker = BreakerSettings(failures=1, probe_seconds=3600)
    await control(one, HOLD)
    rows = []
    async with (
        cloud(one, two, breaker=breaker, attempt_seconds=TRY) as both,
        cloud(two) as alone,
    ):
        for host in ("no journal yet", "a journal"):
            if host == "a journal":
                journal = both._primary.stack.journal
                assert journal is not None
                async with journal.hold(NAME, TRY):
                    pass  # makes the file
            found: dict[str, list[float]] = {"both": [], "alone": []}
            for _ in range(times):
                found["both"].append(await took(both))
                found["alone"].append(await took(alone))
            ours, theirs = (statistics.median(found[n][20:]) * 1e6 for n in ("both", "alone"))
            title = f"breaker open, {host}: a read of {what}"
            rows.append(row(title, "µs", ours, ("that target alone", theirs), 1.05))
    await control(one, SERVE)
    return rows


async def near_and_far(one: int, two: int) -> list[Row]:
    """(b) With a replica on loopback, and with one that takes some milliseconds."""
    near = await breaker_open(one, two, "loopback", READS)
    with served("bench.outage_server", "{port}", "1", str(FAR)) as far:
        return near + await breaker_open(one, far, f"one {FAR} ms away", READS // 4)


async def recovery(one: int, two: int) -> list[Row]:
    """(c) From the end of the outage to the first read that the primary answers."""
    dice = random.Random(3)
    found = []
    breaker = BreakerSettings(failures=1, probe_seconds=PROBE)
    async with cloud(one, two, breaker=breaker, attempt_seconds=TRY) as both:
        for _ in range(RECOVERIES):
            await took(both)
            await control(one, HOLD)
            # At any moment of the interval between two probes.
            end = time.monotonic() + PROBE * (1 + dice.random())
            while time.monotonic() < end:
                await took(both)
                await asyncio.sleep(0.005)
            await control(one, SERVE)
            healed = time.monotonic()
            while await from_replica(both):  # noqa: ASYNC110  (it is read as applications do)
                await asyncio.sleep(0.005)
            found.append(time.monotonic() - healed)
    middle, longest = statistics.median(found), max(found)
    # Probes are a tenth more or less apart, so that hosts do not probe together; and the one
    # that was sent just before the end has to run out of time first.
    most = 1.1 * PROBE + TRY
    what = "recovery noticed"
    against = "that, a tenth, and a try's deadline"
    return [
        row(f"{what}, median", "s", middle, ("the probe interval", PROBE), 1.0),
        row(f"{what}, longest of {RECOVERIES}", "s", longest, (against, most), 1.0),
    ]


async def from_replica(opened: Cloud) -> bool:
    """Whether a read is answered by another target than the primary."""
    told = (await opened.secrets.get(NAME)).provenance
    assert told is not None
    return told.degraded


async def hedging(tail: int, other: int) -> list[Row]:
    """(d) p99 of a primary with a slow tail, with and without, and what it costs in calls."""
    found: dict[bool, list[float]] = {False: [], True: []}
    calls: dict[bool, int] = {False: 0, True: 0}
    hedge = HedgeSettings(enabled=True)
    async with cloud(tail, other) as plain, cloud(tail, other, hedge=hedge) as hedged:
        for _ in range(TURNS):
            for enabled, opened in ((False, plain), (True, hedged)):
                before = await counted(tail, other)
                found[enabled] += [await took(opened) for _ in range(HEDGED)]
                calls[enabled] += await counted(tail, other) - before
    with_, without = (percentile(found[each], 0.99) * 1e3 for each in (True, False))
    middle, plain_middle = (percentile(found[each], 0.5) * 1e3 for each in (True, False))
    against = "not hedged"
    return [
        row(f"hedged p99, {TAIL:.2%} {LATE} ms late", "ms", with_, (against, without), 0.5),
        row("hedged p50", "ms", middle, (against, plain_middle), None),
        row("hedged, all calls", "calls", calls[True], (against, calls[False]), 1.05),
    ]


async def counted(*ports: int) -> int:
    """Reads that the servers have seen."""
    return sum([int(await control(port, COUNT)) for port in ports])


def percentile(found: list[float], share: float) -> float:
    """By nearest rank."""
    return sorted(found)[math.ceil(len(found) * share) - 1]


async def cached(one: int, two: int) -> list[Row]:
    """(e) A cached read of an environment with two targets, and of one with one."""
    ttl = CacheSettings(ttl_seconds=300)
    found: dict[str, list[float]] = {"two": [], "one": []}
    async with cloud(one, two, cache=ttl) as both, cloud(one, cache=ttl) as alone:
        for _ in range(TIMES):
            for name, opened in (("two", both), ("one", alone)):
                get = opened.secrets.get
                await get(NAME)
                begun = time.process_time()
                for _ in range(CACHED):
                    await get(NAME)
                found[name].append((time.process_time() - begun) / CACHED * 1e6)
    ours, theirs = statistics.median(found["two"]), statistics.median(found["one"])
    return [row("a cached read, two targets", "µs CPU", ours, ("one target", theirs), 1.05)]


def measured() -> Iterator[Row]:
    """All of it."""
    server = ("bench.outage_server", "{port}")
    with served(*server) as one, served(*server) as two, asyncio.Runner() as runner:
        for part in (first_read, near_and_far, recovery, cached):
            yield from runner.run(part(one, two))
    slow = ("bench.outage_server", "{port}", str(TAIL), str(LATE))
    with served(*slow) as tail, served(*server) as other, asyncio.Runner() as runner:
        yield from runner.run(hedging(tail, other))


def main() -> int:
    """Measure and tell; 1 if a bar was not met."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.failover",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--write", action="store_true", help="keep it: file and page")
    keep = parser.parse_args().write
    logging.getLogger("skykeep").setLevel(logging.ERROR)  # breakers say what they do
    where = machine()  # before: its load is that of the others
    rows = []
    for each in measured():
        rows.append(each.rounded())
        print(f"{each.what}: {each.ours:.4g} {each.unit}, ratio {each.held:.3f}", flush=True)
    results = Results(
        date=datetime.now(UTC).date().isoformat(),
        machine=where,
        versions={name: version(name) for name in PACKAGES},
        rows=rows,
    )
    print(f"\n{table(results)}")
    if keep:
        save(results)
    return 0 if all(each.met for each in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
