"""The shield's encoder: ``python -m bench.shield_models [--json FILE]``.

Each figure says whether it is warm (the model was read and has run before) or cold (a new
process, whose start is not counted, with the files in the page cache). Times are medians.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from llm_shield.models.embedder import Embedder
from llm_shield.models.encoder import Encoder
from llm_shield.text import Text

_PROSE = """
The committee met on Tuesday to look at what the new rules would cost. Three members said that
the figures of last year could not be compared with those of this one, since the shops in the
north had been closed for repairs, and asked for another month. The chair noted that the report
was due before the summer, and that a second meeting would have to be short. After some
discussion it was agreed that each office should send its own numbers, with a page on how they
were counted, and that nobody should publish them before the auditors had seen them.
"""
_LOAD = """
import asyncio, json, os, sys, time
began = time.perf_counter()
def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
from llm_shield.models.embedder import Embedder
imported = time.perf_counter() - began
async def main():
    embedder = Embedder(threads=int(sys.argv[1]))
    await embedder.embed(["the first text of this process"])
    first = time.perf_counter() - began
    from llm_shield.models.heads import arrays_of
    from llm_shield.models.pins import installed, pin_of, pins, read_pinned
    kept = []
    for model, file in pins():
        if model.startswith("heads/"):
            pin = pin_of(model, file)
            kept.append(arrays_of(read_pinned(installed(pin), pin)))
    from llm_shield.text import Text
    settled = resident()
    await embedder.windows(Text("Some words of a text that is long. " * 300))
    with open("/proc/self/status") as file:  # ru_maxrss would begin with the parent's
        peak = next(int(line.split()[1]) for line in file if line.startswith("VmHWM")) / 1e3
    print(json.dumps([imported, first, settled, resident(), peak]))
    embedder.close()
asyncio.run(main())
"""


@dataclass(frozen=True, slots=True)
class Row:
    """A figure.

    Attributes:
        what: it is of.
        state: ``warm`` or ``cold``.
        threads: of ONNX Runtime.
        value, unit: the figure.
    """

    what: str
    state: str
    threads: int
    value: float
    unit: str


async def _median(work: Callable[[], Awaitable[object]], times: int) -> float:
    """Milliseconds."""
    taken = []
    for _ in range(times + 1):
        began = time.perf_counter()
        await work()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken[1:]) * 1e3  # the first warms up


async def _warm(threads: int) -> list[Row]:
    encoder = Encoder.packaged(window=512)
    prose = " ".join((_PROSE * 40).split())
    hundred = prose[: encoder.tokens(prose[:2000])[1][99][1]]
    short = "What is the capital of France?"
    embedder = Embedder(threads=threads)
    rows = []
    for what, text, times in (
        (f"{len(short)} characters", short, 60),
        ("100 tokens", hundred, 40),
        ("1 KB", prose[:1024], 20),
        ("10 KB", prose[:10_240], 5),
    ):
        given = Text(text)
        taken = await _median(lambda given=given: embedder.windows(given), times)  # type: ignore[misc]  # a lambda with a default has no inferred type
        rows.append(Row(f"windows of {what}", "warm", threads, taken, "ms"))
    asked = [f"Question {each:02}: when do the shops in the north open?" for each in range(32)]

    async def together() -> None:
        await asyncio.gather(*(embedder.embed([each]) for each in asked))

    async def one_by_one() -> None:
        for each in asked:
            await embedder.embed([each])

    for what, work in (("32 requests at once", together), ("one by one", one_by_one)):
        taken = await _median(work, 9)
        rows.append(Row(f"{what}, of 14 tokens each", "warm", threads, taken, "ms"))
    long = asyncio.ensure_future(embedder.windows(Text(prose[:20_480])))
    await asyncio.sleep(0.05)  # it is being run by now
    taken = await _median(lambda: embedder.embed([short]), 5)
    rows.append(Row("a short text while 20 KB are embedded", "warm", threads, taken, "ms"))
    await long
    embedder.close()
    return rows


async def _windows() -> list[Row]:
    """What a window's size costs."""
    prose = " ".join((_PROSE * 40).split())[:10_240]
    rows = []
    for window in (64, 128, 256):
        embedder = Embedder(threads=1, window=window)
        await embedder.load()
        taken = await _median(lambda given=embedder: given.windows(Text(prose)), 3)  # type: ignore[misc]  # as above
        rows.append(Row(f"1 KB, in windows of {window} tokens", "warm", 1, taken / 10, "ms"))
        embedder.close()
    return rows


def _cold(threads: int) -> list[Row]:
    """Medians of five processes."""
    found = []
    for _ in range(5):
        done = subprocess.run(
            [sys.executable, "-c", _LOAD, str(threads)],
            capture_output=True,
            text=True,
            check=True,
        )
        found.append(json.loads(done.stdout))
    imported, first, settled, after, peak = (
        statistics.median(each) for each in zip(*found, strict=True)
    )
    return [
        Row("import of the embedder", "cold", threads, imported * 1e3, "ms"),
        Row("first embedding, with reading and verifying", "cold", threads, first * 1e3, "ms"),
        Row("memory, encoder and all heads read", "cold", threads, settled, "MB"),
        Row("the same after 10 KB", "cold", threads, after, "MB"),
        Row("its highest, while the model is read", "cold", threads, peak, "MB"),
    ]


def table(rows: list[Row]) -> str:
    """As Markdown."""
    lines = ["| what | state | threads | |", "| --- | --- | ---: | ---: |"]
    lines += [
        f"| {row.what} | {row.state} | {row.threads} | {row.value:,.1f} {row.unit} |"
        for row in rows
    ]
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="also write the figures here")
    chosen = parser.parse_args()
    rows = [row for threads in (1, 2) for row in asyncio.run(_warm(threads))]
    rows += asyncio.run(_windows())
    rows += _cold(min(2, os.cpu_count() or 1))
    print(table(rows))
    if chosen.json:
        said = {"machine": platform.machine(), "cores": os.cpu_count()}
        chosen.json.write_text(
            json.dumps(said | {"rows": [asdict(row) for row in rows]}, indent=2) + "\n"
        )


if __name__ == "__main__":
    main()
