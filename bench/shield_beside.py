"""``python -m bench.shield_beside``: the shield beside llm-guard's scanners that work offline.

Both get the same texts, of 1,000 and 10,000 characters, with nothing to be found and with
something, and take turns; the times are of the processor, warm, one thread. Ours are whole:
a new ``Text`` for each scan, with its normalising and the look through encodings, which in a
pipeline is paid once for all scanners. llm-guard looks at the text as it is.
"""

from __future__ import annotations

import asyncio
import random
import string
import sys
import time
from collections.abc import Iterator
from typing import Any

from bench.compare import machine
from bench.objects_report import Results, Row, markdown
from bench.shield_fresh import FIVE, fresh
from bench.shield_rival import SCANNERS, Ours, Sample, compared, place, prepare, rival, starts
from bench.shield_texts import HUNDRED, PATTERNS, WORDS, text_of
from llm_shield.scanner import Request, Scanner, Side
from llm_shield.shield import Shield
from llm_shield.text import Text

SIZES = (1_000, 10_000)


def samples() -> Iterator[Sample]:
    """Prose, and prose with three things in its middle for the scanner to find."""
    source = random.Random(2)

    def token(count: int) -> str:
        return "".join(source.choices(string.ascii_letters + string.digits, k=count))

    things = {
        "BanSubstrings": f" {WORDS[3]} and {WORDS[50]}, then {WORDS[99]} ",
        "InvisibleText": " in\u200bvisi\u2063ble, na\u00efve, \U000e0041 ",
        "Regex": f" {WORDS[0]}4711 {WORDS[30]}22 {WORDS[90]}123 ",
        "Secrets": f"\nghp_{token(36)}\napi_key = '{token(32)}'\nDB_PASSWORD='{token(14)}'\n",
    }
    for name in SCANNERS:
        for size in SIZES:
            prose = text_of(size)
            what = f"{name}, {size // 1000} KB"
            if name == "ReadingTime":  # what takes longer than five minutes is found
                yield Sample(what, prose, size > 5_000)
                continue
            yield Sample(what, prose, False)
            middle = (size - len(things[name])) // 2
            end = size - len(things[name])
            text = prose[:middle] + things[name] + prose[middle:end]
            yield Sample(f"{what}, 3 to find", text, True)


def ours(runner: asyncio.Runner, shield: Shield, scanners: dict[str, Scanner[Any]]) -> Ours:
    """How a text is scanned by one of them."""

    async def scan(name: str, text: str, times: int) -> tuple[float, bool]:
        scanner = scanners[name]
        side = Side.INPUT if Side.INPUT in scanner.sides else Side.OUTPUT
        resources = shield._owned.resources
        flagged = False
        begun = time.process_time()
        for _ in range(times):
            verdict = await scanner.scan(Text(text), Request(resources, side))
            flagged = bool(verdict.findings)
        return (time.process_time() - begun) / times * 1e3, flagged

    return lambda name, text, times: runner.run(scan(name, text, times))


async def loaded(shield: Shield) -> dict[str, Scanner[Any]]:
    """Its scanners of both sides, by name."""
    return {one.name: one for side in Side for one in (await shield.pipeline(side)).scanners}


def beside() -> tuple[str | None, list[Row]]:
    """llm-guard's version and the rows; None and none where it cannot be had."""
    if not prepare():
        return None, []
    python = place() / "bin" / "python"
    patterns = list(PATTERNS.values())
    hello = starts(WORDS, patterns, python)
    who = f"llm-guard {hello.version}"
    text = text_of(HUNDRED)
    mine = [fresh(FIVE, list(SCANNERS), text, outputs=True) for _ in range(5)]
    imported, _, resident = (sorted(each)[2] for each in zip(*mine, strict=True))
    rows = [
        Row("import", "s", imported, who, hello.imported, hello.imported / imported, None),
        Row(
            "resident, with these five scanners",
            "MB",
            resident,
            f"{who}, with the same",
            hello.resident,
            hello.resident / resident,
            None,
        ),
    ]
    with asyncio.Runner() as runner, rival(WORDS, patterns, python) as theirs:
        shield = Shield.of(FIVE, only=list(SCANNERS))
        runner.run(shield.__aenter__())
        try:
            scan = ours(runner, shield, runner.run(loaded(shield)))
            rows += compared(scan, theirs.scan, list(samples()), who)
        finally:
            runner.run(shield.__aexit__(None, None, None))
    return hello.version, rows


def main() -> int:
    """Measure and print; 1 if a bar was missed, 2 if there is nothing to measure beside."""
    where = machine()
    found, rows = beside()
    if found is None:
        return 2
    print(markdown(Results("", where, {"llm-guard": found}, [row.rounded() for row in rows])))
    return 0 if all(row.met for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
