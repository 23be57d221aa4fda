"""``python -m bench.compare``: the local vault beside keyring, pykeepass and a sealed file.

Sets one, gets one, and opens and gets one, at 10, 1,000 and 100,000 secrets; all stores in
turns, in one run of some ten minutes. ``--write`` keeps the figures in ``compare.json`` and
makes the plot and the README's table from them; ``--sizes`` measures at other sizes, and then
nothing can be written.
"""

from __future__ import annotations

import argparse
import os
import platform
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from bench import plot, report
from bench.results import Derivation, Figure, Machine, Results
from bench.rival_stores import Keyring, Pykeepass, SealedFile
from bench.store import OPEN, SET, VALUE_BYTES, Store, Timed
from bench.vault_stores import Skykeep, SkykeepPassphrase

STORES: tuple[type[Store], ...] = (Skykeep, SkykeepPassphrase, Keyring, Pykeepass, SealedFile)
SIZES = (10, 1_000, 100_000)
ROUNDS = 15
SLOW = 10_000
"""More secrets than that, and a store takes part in every third round."""

SECONDS = 0.2
"""A store's share of a round; an operation that takes longer is done once."""

MOST = {SET: 50, OPEN: 50}
"""Calls in a share. Of sets, since the vault keeps versions, which the rivals do not."""

MOST_GETS = 10_000
PACKAGES = ("skykeep", "keyring", "keyrings.alt", "pykeepass", "cryptography")


class Bar:
    """Progress on standard error: redrawn on a terminal, a line a step elsewhere."""

    def __init__(self, steps: int) -> None:
        self._steps = steps
        self._done = 0
        self._shown = ""

    def show(self, what: str, part: float = 0) -> None:
        """``part`` of the step under way is done."""
        done = (self._done + part) / self._steps
        line = f"[{'#' * round(30 * done):30}] {done:4.0%} {what}"
        if sys.stderr.isatty():
            if line != self._shown:
                print(f"\r{line:<78}", end="", file=sys.stderr, flush=True)
        elif part == 0:
            print(line, file=sys.stderr, flush=True)
        self._shown = line

    def step(self) -> None:
        self._done += 1

    def end(self) -> None:
        if sys.stderr.isatty():
            print(file=sys.stderr)


@contextmanager
def made(sizes: tuple[int, ...], folder: Path, bar: Bar) -> Iterator[list[Store]]:
    """All stores of all sizes, filled, each in a directory of its own."""
    stores: list[Store] = []
    try:
        for size in sizes:
            for number, kind in enumerate(STORES):
                place = folder / f"{size}-{number}"
                place.mkdir()
                store = kind(place, size)
                stores.append(store)
                what = f"{size:,} secrets: making {store.label}"
                bar.show(what)
                store.make(lambda done, what=what, size=size: bar.show(what, done / size))  # type: ignore[misc]  # bound now
                store.check()
                bar.step()
        yield stores
    finally:
        for store in stores:
            store.close()


@dataclass
class Case:
    """An operation on a store, and the microseconds that it took in each round."""

    store: Store
    operation: str
    timed: Timed
    calls: int
    found: list[float] = field(default_factory=list)

    def figure(self) -> Figure:
        return Figure(
            self.store.label,
            self.operation,
            self.store.size,
            statistics.median(self.found),
            self.calls,
            len(self.found),
        )


def measured(stores: list[Store], bar: Bar) -> tuple[list[Figure], dict[str, float]]:
    """Medians of all operations, and of the derivations of keys in milliseconds.

    The sizes take turns as the stores do: what else the machine does hits all of them.
    """
    cases = [
        Case(store, operation, timed, share(operation, timed(1)))
        for store in stores
        for operation, timed in store.timed().items()
    ]
    smallest = min(store.size for store in stores)
    derived: dict[str, list[float]] = {}
    for turn in range(ROUNDS):
        bar.show(f"round {turn + 1} of {ROUNDS}")
        for case in cases:
            if takes_part(case.store.size, turn):
                case.found.append(case.timed(case.calls))
        for store in stores:
            if store.size == smallest:
                begun = time.perf_counter()
                store.derive()
                spent = (time.perf_counter() - begun) * 1e3
                derived.setdefault(store.label, []).append(spent)
        bar.step()
    for store in stores:
        store.check()
    return [case.figure() for case in cases], {
        label: statistics.median(figures) for label, figures in derived.items()
    }


def share(operation: str, once: float) -> int:
    """How often an operation is done in a round, if it took so many microseconds once."""
    return max(1, min(MOST.get(operation, MOST_GETS), int(SECONDS * 1e6 / max(once, 0.01))))


def takes_part(size: int, turn: int) -> bool:
    """Whether stores of this size are measured in this round: large ones in every third."""
    return size <= SLOW or turn % 3 == 0


def machine() -> Machine:
    """Where it is measured."""
    return Machine(
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 0,
        system=f"{platform.system()} {platform.machine()}",
        python=platform.python_version(),
        sqlite=sqlite3.sqlite_version,
        load=round(os.getloadavg()[0], 2),
    )


def run(sizes: tuple[int, ...] = SIZES) -> Results:
    """Measure everything, in a directory that goes away."""
    where = machine()  # before: its load is that of the others
    bar = Bar(len(sizes) * len(STORES) + ROUNDS)
    with (
        tempfile.TemporaryDirectory(prefix="skykeep-bench-") as folder,
        made(sizes, Path(folder), bar) as stores,
    ):
        figures, derivations = measured(stores, bar)
    bar.end()
    return Results(
        date=datetime.now(UTC).date().isoformat(),
        machine=where,
        versions={package: version(package) for package in PACKAGES},
        value_bytes=VALUE_BYTES,
        derivations=[
            Derivation(kind.label, kind.derivation, derivations[kind.label]) for kind in STORES
        ],
        figures=figures,
    ).rounded()


def main() -> int:
    """Measure and tell."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.compare",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--write", action="store_true", help="keep it: file, plot and README")
    parser.add_argument("--sizes", help="numbers of secrets, with commas between them")
    given = parser.parse_args()
    if given.write and given.sizes:
        parser.error("what is kept has all sizes: leave one of --write and --sizes")
    sizes = tuple(map(int, given.sizes.split(","))) if given.sizes else SIZES
    found = run(sizes)
    print(report.markdown(found))
    if given.write:
        found.save()
        plot.write(found)
        report.write(found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
