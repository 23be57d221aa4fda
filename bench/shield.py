"""``python -m bench.shield``: how long the shield's scanners take, and what they cost to have.

llm-guard cannot be installed beside the shield (1.4 GB, other versions of the same packages):
what it takes for the same work was measured before, on two cores of the same kind, and is named
as such. ``--write`` keeps the figures in ``shield.json`` and makes the tables and the plot of
docs/shield/speed.md. Exits 1 if a bar was missed. Takes five minutes.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import cycle, islice
from typing import Any

from bench.compare import machine
from bench.objects_report import Results, Row
from bench.shield_report import PACKAGES, Line, Scaling, save, table
from llm_shield.pipeline import Pipeline
from llm_shield.scanner import Cost, Request, Scanner, Side
from llm_shield.scanners import HOMES
from llm_shield.settings import ShieldSettings, settings_of
from llm_shield.shield import Shield
from llm_shield.text import Text
from llm_shield.urls import extract

PROSE = (
    "The committee met on Tuesday to look at what the new rules would cost.",
    "Three members said that last year's figures could not be compared with these.",
    "The report is at https://example.com/reports/2026/q3?page=2 and was due in June.",
    "Please tell the office (extension 4711) whether a second meeting is needed.",
    "It was raining, and nobody had thought of bringing the keys to the archive.",
)
WORDS = [
    f"{first}{second}"
    for first in ("alder", "birch", "cedar", "daisy", "elm")
    for second in (
        "gate",
        "field",
        "ham",
        "wick",
        "ton",
        "bury",
        "ford",
        "mere",
        "stead",
        "worth",
        "brook",
        "well",
        "ley",
        "port",
        "mouth",
        "dale",
        "combe",
        "thorpe",
        "by",
        "cote",
    )
]
"""A hundred words that the texts do not have."""

PATTERNS = {f"p{at}": f"(?i){word}[0-9]{{2,8}}" for at, word in enumerate(WORDS[::10])}

CHEAP = (
    *("Secrets", "InvisibleText", "Language", "BanCompetitors", "BanSubstrings"),
    *("TokenLimit", "Regex", "RegexOutput", "ReadingTime"),
)
"""The cheap ten are these and the extraction of URLs."""

INPUT = list(HOMES)[:12]

SETTINGS: dict[str, dict[str, Any]] = {
    "BanCompetitors": {"competitors": {word: [word] for word in WORDS}},
    "BanSubstrings": {"substrings": WORDS},
    "Regex": {"patterns": PATTERNS},
    "RegexOutput": {"patterns": PATTERNS},
    "BanTopics": {"topics": ["politics", "medicine"]},
    "TokenLimit": {"limit": 1_000_000},
}

SIZES = (1_000, 10_000, 100_000, 1_000_000)
MODEL_SIZES = (1_000, 10_000, 100_000)
"""What is embedded takes a minute for a megabyte: ``--full`` measures that, too."""

GUARD = "llm-guard 0.3.16, measured before"
GUARD_SECRETS = {1_000: 7.7, 10_000: 66.7}
GUARD_INJECTION = 104.0
"""Milliseconds: of its Secrets on 1 KB and 10 KB; that it publishes for its one model."""

FRESH = """
import asyncio, json, sys, time
begun = time.perf_counter()
import llm_shield
imported = time.perf_counter() - begun

async def main():
    begun = time.perf_counter()
    only = {only!r}
    async with llm_shield.Shield.of({settings!r}, only=only) as shield:
        await shield.scan_prompt({text!r})
        first = time.perf_counter() - begun
        if {outputs!r}:
            await shield.scan_output({text!r}, prompt={text!r}, context={text!r})
        with open("/proc/self/status") as status:
            lines = dict(line.split(":", 1) for line in status)
        kilobytes = int(lines["VmRSS"].split()[0])
    print(json.dumps([imported, first, kilobytes / 1024]))

asyncio.run(main())
"""
"""A new process: seconds to import, seconds to the end of the first scan, MiB resident."""


def text_of(length: int) -> str:
    """Prose of so many characters."""
    sentences = islice(cycle(PROSE), length // 60 + 2)
    return " ".join(sentences)[:length]


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
        prompt = Text(PROSE[0])
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

    async def alone(self, name: str, length: int) -> float:
        """Processor time of one scanner, all threads together, with the normalising of its
        text: whether that is linear must not depend on what else the machine does."""
        scanner = self.scanners[name]
        side = Side.INPUT if Side.INPUT in scanner.sides else Side.OUTPUT
        sent = text_of(length)

        async def work() -> None:
            request = self.request(side)
            await scanner.scan(Text(sent), request)
            await request.close()

        cheap = scanner.cost is Cost.PATTERN
        rounds = {1_000: 100, 10_000: 30, 100_000: 5, 1_000_000: 3}[length]
        await work()
        return await median(work, rounds if cheap else max(1, rounds // 10), time.process_time)


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
        for length, theirs in GUARD_SECRETS.items():
            took = await bench.alone("Secrets", length)
            found.append(
                Row(
                    f"Secrets, {length // 1000} KB",
                    "ms CPU",
                    took,
                    GUARD,
                    theirs,
                    theirs / took,
                    200,
                    least=True,
                )
            )
        scaling = Scaling([await line(bench, name, full=full) for name in names])
        worst = max(scaling.lines, key=lambda one: one.growth)
        found.append(
            fixed(
                f"time for ten times the text, worst ({worst.scanner})", "x", worst.growth, 15
            )
        )
    async with Shield.of(settings(Side.INPUT, INPUT), only=INPUT) as shield:
        prompt = text_of(450)  # a hundred tokens of o200k, one more or less

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
                "llm-guard's one injection model, as published",
                GUARD_INJECTION,
                GUARD_INJECTION / took,
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


def processes() -> list[Row]:
    """What a new process pays."""
    cheap = [name for name in CHEAP if name not in {"RegexOutput", "ReadingTime"}]
    with_models = {
        "preset": "strict",
        "input": {name: SETTINGS.get(name, True) for name in INPUT},
        "output": {"BanTopics": SETTINGS["BanTopics"]},
    }
    settings_of_cheap = {name: SETTINGS.get(name, True) for name in cheap}
    exact = {"preset": "permissive", "input": settings_of_cheap}
    # As `skykeep[shield]` has it: the tables of tokens are an extra.
    without = {
        "preset": "permissive",
        "input": {**settings_of_cheap, "TokenLimit": {"encoding": "estimate"}},
    }
    text = text_of(450)
    light = [fresh(without, cheap, text, outputs=False) for _ in range(5)]
    tokens = [fresh(exact, cheap, text, outputs=False) for _ in range(3)]
    heavy = [fresh(with_models, None, text, outputs=True) for _ in range(3)]
    both = {"light": light, "tokens": tokens, "heavy": heavy}
    at = {
        name: [statistics.median(one) for one in zip(*runs, strict=True)]
        for name, runs in both.items()
    }
    return [
        fixed("import llm_shield", "s", at["light"][0], 0.3),
        fixed("the first scan, with all models", "s", at["heavy"][1], 2.0),
        fixed("resident without models", "MiB", at["light"][2], 90),
        Row(
            "resident without models, with tables of o200k",
            "MiB",
            at["tokens"][2],
            "",
            None,
            at["tokens"][2],
            None,
            fixed=True,
        ),
        fixed("resident with all models", "MiB", at["heavy"][2], 550),
    ]


def fresh(
    source: dict[str, Any], only: list[str] | None, text: str, *, outputs: bool
) -> list[float]:
    """Import, first scan, memory of a new process."""
    code = FRESH.format(settings=source, only=only, text=text, outputs=outputs)
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    figures: list[float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def fixed(what: str, unit: str, ours: float, bar: float) -> Row:
    """A figure that is held to a bar in its own unit."""
    return Row(what, unit, ours, "", None, ours, bar, fixed=True)


def main() -> int:
    """Measure and tell."""
    parser = argparse.ArgumentParser(prog="python -m bench.shield", description=__doc__)
    parser.add_argument("--write", action="store_true", help="keep it, and fill the page")
    parser.add_argument("--full", action="store_true", help="models on a megabyte, too")
    options = parser.parse_args()
    where = machine()
    date = datetime.now(UTC).date().isoformat()
    found = processes()
    measured, scaling = asyncio.run(rows(full=options.full))
    results = Results(
        date,
        where,
        {name: version(name) for name in PACKAGES},
        [row.rounded() for row in [*measured, *found]],
    )
    print(table(results, scaling))
    if options.write:
        save(results, scaling)
    return 0 if all(row.met for row in results.rows) else 1


if __name__ == "__main__":
    sys.exit(main())
