"""Many histories, and figures of them."""

from __future__ import annotations

import multiprocessing
import sys
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from tests.simulation.generate import generate
from tests.simulation.history import Ask, History, Kill
from tests.simulation.world import Violation, World, run

BLOCK = 50


@dataclass(slots=True)
class Figures:
    """Of a campaign.

    Attributes:
        failed: the seeds of the histories in which something was violated, and what.
    """

    histories: int = 0
    calls: int = 0
    requests: int = 0
    kills: int = 0
    conflicts: int = 0
    virtual_seconds: float = 0.0
    outcomes: Counter[str] = field(default_factory=Counter)
    failed: list[tuple[int, list[Violation]]] = field(default_factory=list)

    def count(self, world: World) -> None:
        """Add a history that was run."""
        self.histories += 1
        self.calls += len(world.record.asked)
        self.requests += len(world.record.sent)
        self.kills += len(world.dead)
        self.conflicts += len(world.conflicts)
        self.virtual_seconds += world.loop.time()
        for asked in world.record.asked:
            what = "write" if asked.writes else "read"
            told = asked.provenance
            outcome: str = asked.outcome
            if outcome == "pending":
                outcome = "its process died"
            elif outcome == "done" and told is not None and (told.degraded or told.stale):
                outcome = "done, marked"
            self.outcomes[f"{what}: {outcome}"] += 1
        if world.violations:
            self.failed.append((world.history.seed, world.violations))

    def add(self, other: Figures) -> None:
        """Add those of others."""
        self.histories += other.histories
        self.calls += other.calls
        self.requests += other.requests
        self.kills += other.kills
        self.conflicts += other.conflicts
        self.virtual_seconds += other.virtual_seconds
        self.outcomes += other.outcomes
        self.failed += other.failed

    def told(self, seconds: float) -> str:
        """For people."""
        rate = self.histories / max(seconds, 1e-9)
        days = self.virtual_seconds / 86400
        lines = [
            f"{self.histories:,} histories in {seconds:.0f} s ({rate:.0f} a second)",
            f"{days:.1f} days of virtual time, {self.kills:,} deaths of processes",
            f"{self.calls:,} calls of applications, {self.requests:,} requests to stores",
            f"{self.conflicts:,} conflicts shown",
        ]
        lines += [f"  {what}: {count:,}" for what, count in sorted(self.outcomes.items())]
        lines.append(f"{len(self.failed)} histories violate an invariant")
        return "\n".join(lines)


def fingerprint(seed: int) -> int:
    """Of all that was sent and answered in a history."""
    world = run(generate(seed))
    said = [
        f"{sent.at} {sent.process} {sent.store} {sent.operation} {sent.name}"
        for sent in world.record.sent
    ]
    said += [
        f"{asked.began} {asked.ended} {asked.outcome} {asked.told} {asked.error}"
        for asked in world.record.asked
    ]
    return zlib.crc32("\n".join(said).encode())


def block(seeds: range) -> Figures:
    """The figures of some histories."""
    figures = Figures()
    for seed in seeds:
        figures.count(run(generate(seed)))
    return figures


def campaign(
    histories: int,
    seed: int,
    *,
    jobs: int = 1,
    progress: Callable[[Figures], None] | None = None,
    failures: int = 20,
) -> Figures:
    """So many histories, from this seed on; ends early after so many failures."""
    blocks = [
        range(at, min(at + BLOCK, seed + histories))
        for at in range(seed, seed + histories, BLOCK)
    ]
    total = Figures()
    for figures in _done(blocks, jobs):
        total.add(figures)
        if progress is not None:
            progress(total)
        if len(total.failed) >= failures:
            break
    total.failed.sort(key=lambda failure: failure[0])
    return total


def _done(blocks: list[range], jobs: int) -> Iterator[Figures]:
    if jobs == 1:
        yield from map(block, blocks)
        return
    with multiprocessing.get_context("spawn").Pool(jobs) as pool:
        yield from pool.imap_unordered(block, blocks)


class Progress:
    """One line on standard error, written over while it is a terminal's."""

    def __init__(self, histories: int) -> None:
        self._histories = histories
        self._begun = time.perf_counter()
        self._told = 0.0

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self._begun

    def __call__(self, figures: Figures) -> None:
        now, terminal = self.seconds, sys.stderr.isatty()
        if now - self._told < (0.2 if terminal else 10.0):
            return
        self._told = now
        rate = figures.histories / now
        left = (self._histories - figures.histories) / rate
        line = (
            f"{figures.histories:,} of {self._histories:,} histories, {rate:.0f} a second, "
            f"{len(figures.failed)} failed, {left:.0f} s left"
        )
        sys.stderr.write(f"\r{line}\x1b[K" if terminal else f"{line}\n")
        sys.stderr.flush()

    def end(self) -> None:
        if sys.stderr.isatty():
            sys.stderr.write("\r\x1b[K")


def described(history: History) -> str:
    """Of what a history is made, in a line."""
    asks = sum(isinstance(event, Ask) for event in history.events)
    kills = sum(isinstance(event, Kill) for event in history.events)
    return f"{asks} calls, {kills} kills, {len(history.events) - asks - kills} other events"
