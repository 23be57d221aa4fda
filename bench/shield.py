"""``python -m bench.shield``: how long the shield's scanners take, and what they cost to have.

Beside them, in the same run, on the same texts and in turns: those scanners of llm-guard that
work without a network (``bench.shield_beside``), in an environment of their own of 5.7 GB,
which is made on first use; ``--alone`` goes without. ``--write`` keeps the figures in
``shield.json`` and makes the tables and the plot of docs/shield/speed.md. Exits 1 if a bar was
missed. Takes three minutes, ``--full`` seven.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from bench.compare import machine
from bench.objects_report import Results, Row
from bench.shield_beside import beside
from bench.shield_fresh import fixed, processes
from bench.shield_report import PACKAGES, Line, Scaling, save, table
from bench.shield_texts import CHEAP, HUNDRED, INPUT, SETTINGS, text_of
from llm_shield.pipeline import Pipeline
from llm_shield.scanner import Cost, Request, Scanner, Side
from llm_shield.scanners import HOMES
from llm_shield.settings import ShieldSettings, settings_of
from llm_shield.shield import Shield
from llm_shield.text import Text
from llm_shield.urls import extract

SIZES = (1_000, 10_000, 100_000, 1_000_000)
MODEL_SIZES = (1_000, 10_000, 100_000)
"""What is embedded takes a minute for a megabyte: ``--full`` measures that, too."""

SLOW = 3_000
"""Milliseconds from which on a scan is done once: it is warm before it ends."""

PUBLISHED = 104.21
"""Milliseconds, the average of llm-guard's PromptInjection with ONNX on an AWS m5.xlarge, four
cores, for 384 characters: docs/input_scanners/prompt_injection.md of its repository,
https://github.com/protectai/llm-guard. A smaller text than ours, on a larger machine."""


def settings(side: Side, names: Sequence[str]) -> ShieldSettings:
    """These scanners, none of which ends the others."""
    chosen = {name: SETTINGS.get(name, True) for name in names}
    return settings_of(
        {"preset": "permissive", "max_characters": 10_000_000, side.value: chosen}
    )


async def median(
    work: Callable[[], Awaitable[object]],
    rounds: int,
    clock: Callable[[], float] = time.perf_counter,
) -> float:
    """Milliseconds."""
    times = []
    for _ in range(rounds):
        begun = clock()
        await work()
        times.append(clock() - begun)
    return statistics.median(times) * 1000


class Bench:
    """All scanners, loaded once."""

    def __init__(self, scanners: dict[str, Scanner[Any]], shield: Shield) -> None:
        self.scanners = scanners
        self.shield = shield

    def request(self, side: Side = Side.INPUT) -> Request:
        """A new one, with nothing computed."""
        prompt = Text(text_of(70))
        return Request(self.shield._owned.resources, side, prompt=prompt, context=prompt)

    async def together(self, length: int) -> float:
        """Time of the cheap ten on one text."""
        scanners = Pipeline(
            [self.scanners[name] for name in CHEAP], bound=None, max_characters=10**7
        )
        sent = text_of(length)

        async def work() -> None:
            result = await scanners.scan(sent, self.request())
            extract(sent)
            if any(one.error for one in result.scanners):
                raise RuntimeError("a scanner failed")

        return await median(work, 300 if length < 5000 else 60)

    async def alone(
        self, name: str, length: int, clock: Callable[[], float] = time.process_time
    ) -> float:
        """Processor time of one scanner, all threads together, with the normalising of its
        text: whether that is linear must not depend on what else the machine does."""
        scanner = self.scanners[name]
        side = Side.INPUT if Side.INPUT in scanner.sides else Side.OUTPUT
        sent = text_of(length)

        async def work() -> None:
            request = self.request(side)
            await scanner.scan(Text(sent), request)
            await request.close()

        first = await median(work, 1, clock)
        if first > SLOW:
            return first
        # A second's worth: less where one takes long, more where the clock would be seen.
        return await median(work, max(5, min(100, round(1000 / first))), clock)


async def rows(*, full: bool) -> tuple[list[Row], Scaling]:
    """Everything but what needs processes of its own."""
    found: list[Row] = []
    names = [name for name in HOMES if name != "URLReachability"]
    inputs, outputs = names[:12], names[12:]
    source = {
        "preset": "permissive",
        "max_characters": 10_000_000,
        "input": {name: SETTINGS.get(name, True) for name in inputs},
        "output": {name: SETTINGS.get(name, True) for name in outputs},
    }
    async with Shield.of(source, only=names) as shield:
        scanners = {
            one.name: one for side in Side for one in (await shield.pipeline(side)).scanners
        }
        bench = Bench(scanners, shield)
        for length, bar in ((1_000, 0.3), (10_000, 2.5)):
            took = await bench.together(length)
            found.append(fixed(f"the cheap ten, {length // 1000} KB", "ms", took, bar))
        scaling = Scaling([await line(bench, name, full=full) for name in names])
        worst = max(scaling.lines, key=lambda one: one.growth)
        found.append(
            fixed(
                f"time for ten times the text, worst ({worst.scanner})", "x", worst.growth, 15
            )
        )
    async with Shield.of(settings(Side.INPUT, INPUT), only=INPUT) as shield:
        prompt = text_of(HUNDRED)

        async def scan() -> None:
            result = await shield.scan_prompt(prompt)
            if any(one.status.value != "done" for one in result.scanners):
                raise RuntimeError("a scanner had no say")

        await median(scan, 5)
        took = await median(scan, 60)
        found += (
            fixed("all 12 input scanners, 100 tokens, p50", "ms", took, 35),
            Row(
                "all 12 input scanners, 100 tokens, p50",
                "ms",
                took,
                "llm-guard's one injection model with ONNX, as published",
                PUBLISHED,
                PUBLISHED / took,
                3,
                least=True,
            ),
        )
    return found, scaling


async def line(bench: Bench, name: str, *, full: bool) -> Line:
    """A scanner at all lengths."""
    cheap = bench.scanners[name].cost is Cost.PATTERN or name in {"BanCode", "MaliciousURLs"}
    sizes = SIZES if cheap or full else MODEL_SIZES
    times = [await bench.alone(name, size) for size in sizes]
    print(name, [f"{one:.3f} ms" for one in times], file=sys.stderr)
    return Line(name, list(sizes[: len(times)]), times)


def main() -> int:
    """Measure and tell."""
    parser = argparse.ArgumentParser(prog="python -m bench.shield", description=__doc__)
    parser.add_argument("--write", action="store_true", help="keep it, and fill the page")
    parser.add_argument("--full", action="store_true", help="models on a megabyte, too")
    parser.add_argument("--alone", action="store_true", help="without llm-guard (5.7 GB)")
    options = parser.parse_args()
    where = machine()
    date = datetime.now(UTC).date().isoformat()
    versions = {name: version(name) for name in PACKAGES}
    guard, theirs = (None, []) if options.alone else beside()
    if guard is not None:
        versions["llm-guard"] = guard
    found = processes()
    measured, scaling = asyncio.run(rows(full=options.full))
    results = Results(
        date,
        where,
        versions,
        [row.rounded() for row in [*measured, *found, *theirs]],
    )
    print(table(results, scaling))
    if options.write:
        save(results, scaling)
    return 0 if all(row.met for row in results.rows) else 1


if __name__ == "__main__":
    sys.exit(main())
