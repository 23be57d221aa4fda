"""``python -m bench.objects``: all figures of objects, beside what they are held to.

Runs ``bench.s3``, ``bench.blob``, ``bench.listing``, ``bench.sealing`` and, of
``bench.models``, the hit on a local store; prints their tables and at the end one of Markdown:
figure, rival, ratio, bar, and whether it was met. Takes about seven minutes on two cores.
``--write`` keeps it in ``objects.json``, and makes the plot and the page's table from that
(``bench.objects_report``, which does it again without measuring).

The ratios of small objects are of processor time, which what else the machine does hardly
changes; those of large ones and of listings are of time on the wall, as is what it names.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from importlib.util import find_spec
from itertools import product
from pathlib import Path

from bench import blob, listing, models, s3, sealing
from bench.compare import machine
from bench.objects_report import Results, Row, markdown, write
from bench.reads import served
from bench.rival_process import prepare
from bench.s3_server import LARGE
from skykeep.providers.local.settings import LocalSettings

PACKAGES = ("skykeep", "aiohttp", "boto3", "azure-storage-blob", "obstore")
OURS = "all layers"
MEMORY = 64 * 1e6 / 1024 / 1024
"""MiB over idle that a large transfer may take."""

GROWN = 4.0
"""MiB that a hundred times as many keys may take: less than a tenth of what they hold."""


def small_rows(store: str, found: s3.Small) -> Iterator[Row]:
    """4 KiB: obstore may be 1.15 times as quick, all others are to be 5 times as slow."""
    for direction in ("get", "put"):
        what = f"{store}: {direction} 4 KiB, 64 at once"
        ours = found[f"{direction}: {OURS}"][0]
        bare = found[f"{direction}: driver"][0]
        alone: list[Row] = []
        for name, (cpu, _) in found.items():
            way, _, rival = name.partition(": ")
            if way != direction or rival in {OURS, "driver"}:
                continue
            if rival == "obstore":
                yield Row(what, "µs CPU", ours, rival, cpu, ours / cpu, 1.15)
                whose = f"{what}, the driver alone"
                alone.append(Row(whose, "µs CPU", bare, rival, cpu, bare / cpu, 1.15))
            else:
                yield Row(what, "µs CPU", ours, rival, cpu, cpu / ours, 5.0, least=True)
        yield from alone


def transfer_rows(store: str, found: Mapping[str, Mapping[str, float]]) -> Iterator[Row]:
    """256 MiB: throughput beside the quickest, and memory."""
    for direction, checksum in product(("up", "down"), ("", ", MD5")):
        own = f"{direction}: skykeep{checksum}"
        if own not in found:
            continue
        others = {
            name.partition(": ")[2]: each
            for name, each in found.items()
            if name.startswith(direction) and name.endswith(", MD5") == bool(checksum)
        }
        ours = others.pop(f"skykeep{checksum}")
        rival = min(others, key=lambda name: others[name]["seconds"])
        theirs = others[rival]
        what = f"{store}: 256 MiB {direction}{checksum}"
        ratio = theirs["seconds"] / ours["seconds"]
        speeds = [LARGE / 1024 / 1024 / each["seconds"] for each in (ours, theirs)]
        yield Row(what, "MiB/s", speeds[0], rival, speeds[1], ratio, 0.95, least=True)
        memory, other = ours["memory"], theirs["memory"]
        whose = f"{what}, memory over idle"
        yield Row(whose, "MiB", memory, rival, other, memory, MEMORY, fixed=True)


def listing_rows(found: Mapping[str, Mapping[str, float]]) -> Iterator[Row]:
    """100,000 keys: time beside obstore, and what more keys than 1,000 take of memory."""
    ours, theirs = found["skykeep"], found.get("obstore")
    what = "S3: list 100,000 keys"
    if theirs is not None:
        for unit, key in (("s", "seconds"), ("s CPU", "processor")):
            ratio = ours[key] / theirs[key]
            yield Row(what, unit, ours[key], "obstore", theirs[key], ratio, 1.3)
    slow = found["boto3"]["processor"]
    yield Row(what, "s CPU", ours["processor"], "boto3", slow, slow / ours["processor"], None)
    grown = ours["grown"]
    whose = f"{what}, memory over that of 1,000"
    yield Row(whose, "MiB", grown, "", None, grown, GROWN, fixed=True)


def sealing_rows() -> Iterator[Row]:
    """A gigabyte a second of one core; 15 % more time than without."""
    for name, speed in sealing.core().items():
        what = f"{name}, one core"
        yield Row(what, "GB/s", speed, "", None, speed, 1.0, least=True, fixed=True)
    for what, ratio in sealing.transfers().items():
        bar = 1.15 if "256 MiB" in what else None
        yield Row(f"sealed, {what}", "times as long", ratio, "not sealed", None, ratio, bar)


def model_rows() -> Iterator[Row]:
    """A model that is on the disk."""
    with tempfile.TemporaryDirectory() as directory, asyncio.Runner() as runner:
        home = Path(directory)
        target = LocalSettings(backend="local", objects=str(home / "store"))
        rivals = models.Rivals(runner, home, target, {})
        hits = rivals.hits()
        rivals.close()
    hashed = hits["hashing the file"]
    for what in ("a named version", "the latest version"):
        bar = models.BAR if what == "a named version" else None
        row = f"model of 100 MB on this disk, {what}"
        taken = hits[what]
        yield Row(row, "ms", taken, "hashing it", hashed, taken, bar, fixed=True)


def measured() -> list[Row]:
    """Everything, one after the other."""
    prepare()
    rows: list[Row] = []
    with served("bench.s3_server") as port:
        found = s3.small(port)
        s3.print_small(found)
        rows += small_rows("S3", found)
        listings = listing.listings(port)
        listing.print_listings(listings)
    with served("bench.blob_server") as port:
        found = blob.small(port)
        s3.print_small(found)
        rows += small_rows("Blob", found)
    with served("bench.transfer_server") as port:
        for store, large in (("S3", s3.transfers(port)), ("Blob", blob.transfers(port))):
            s3.print_transfers(large)
            rows += transfer_rows(store, large)
    rows += [*listing_rows(listings), *sealing_rows(), *model_rows()]
    return rows


def main() -> int:
    """Measure and tell; 1 if a bar was not met."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.objects",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--write", action="store_true", help="keep it: file, plot and page")
    keep = parser.parse_args().write
    where = machine()  # before: its load is that of the others
    results = Results(
        date=datetime.now(UTC).date().isoformat(),
        machine=where,
        versions={name: version(name) for name in PACKAGES if name_there(name)},
        rows=[row.rounded() for row in measured()],
    )
    print(f"\n{markdown(results)}")
    if keep:
        results.save()
        write(results)
    return 0 if all(row.met for row in results.rows) else 1


def name_there(package: str) -> bool:
    """Whether it is installed."""
    return package != "obstore" or find_spec("obstore") is not None


if __name__ == "__main__":
    sys.exit(main())
