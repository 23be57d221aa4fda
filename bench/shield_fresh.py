"""What a new process of the shield pays: its import, its first scan, its memory."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from typing import Any

from bench.objects_report import Row
from bench.shield_texts import CHEAP, HUNDRED, INPUT, SETTINGS, text_of

FIVE: dict[str, Any] = {
    "preset": "permissive",
    "input": {
        "BanSubstrings": SETTINGS["BanSubstrings"],
        "InvisibleText": True,
        "Regex": SETTINGS["Regex"],
        "Secrets": True,
    },
    "output": {"ReadingTime": True},
}
"""The scanners that llm-guard has, too, and can run offline."""

FRESH = """
import asyncio, json, sys, time
begun = time.perf_counter()
from llm_shield import Shield  # the package alone imports nothing
imported = time.perf_counter() - begun

async def main():
    begun = time.perf_counter()
    only = {only!r}
    async with Shield.of({settings!r}, only=only) as shield:
        await shield.scan_prompt({text!r})
        first = time.perf_counter() - begun
        if {outputs!r}:
            for each in ({text!r}, {long!r}):
                await shield.scan_prompt(each)
                done = await shield.scan_output(each, prompt={text!r}, context={text!r})
                if any(one.error for one in done.scanners):
                    raise RuntimeError("a scanner failed")
        with open("/proc/self/status") as status:
            lines = dict(line.split(":", 1) for line in status)
        megabytes = int(lines["VmRSS"].split()[0]) * 1024 / 1e6
    print(json.dumps([imported, first, megabytes]))

asyncio.run(main())
"""
"""A new process: seconds to import, seconds to the end of the first scan, MB resident."""


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
    text = text_of(HUNDRED)
    light = [fresh(without, cheap, text, outputs=False) for _ in range(5)]
    tokens = [fresh(exact, cheap, text, outputs=False) for _ in range(3)]
    heavy = [fresh(with_models, None, text, outputs=True) for _ in range(3)]
    both = {"light": light, "tokens": tokens, "heavy": heavy}
    at = {
        name: [statistics.median(one) for one in zip(*runs, strict=True)]
        for name, runs in both.items()
    }
    return [
        fixed("import of Shield", "s", at["light"][0], 0.3),
        fixed("the first scan, with all models", "s", at["heavy"][1], 2.0),
        fixed("resident without models", "MB", at["light"][2], 90),
        Row(
            "resident without models, with tables of o200k",
            "MB",
            at["tokens"][2],
            "",
            None,
            at["tokens"][2],
            None,
            fixed=True,
        ),
        fixed("resident with all models, after 10 KB each way", "MB", at["heavy"][2], 550),
    ]


def fresh(
    source: dict[str, Any], only: list[str] | None, text: str, *, outputs: bool
) -> list[float]:
    """Import, first scan, memory of a new process."""
    code = FRESH.format(
        settings=source, only=only, text=text, long=text_of(10_000), outputs=outputs
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    figures: list[float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def fixed(what: str, unit: str, ours: float, bar: float) -> Row:
    """A figure that is held to a bar in its own unit."""
    return Row(what, unit, ours, "", None, ours, bar, fixed=True)
