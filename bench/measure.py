"""Clocks: medians of repeated runs, the rivals taken in turns so that noise hits both."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeVar

K = TypeVar("K")

ROUNDS = 9


def in_turns(rivals: Mapping[K, Callable[[], float]], rounds: int = ROUNDS) -> dict[K, float]:
    """The median of each rival's own figure; one round lets each run once."""
    figures: dict[K, list[float]] = {name: [] for name in rivals}
    for _ in range(rounds):
        for name, run in rivals.items():
            figures[name].append(run())
    return {name: statistics.median(found) for name, found in figures.items()}


def per_call(work: Callable[[], object], times: int) -> float:
    """Microseconds a call."""
    begun = time.perf_counter()
    for _ in range(times):
        work()
    return (time.perf_counter() - begun) / times * 1e6


async def per_await(work: Callable[[], Awaitable[object]], times: int) -> float:
    """Microseconds an awaited call."""
    begun = time.perf_counter()
    for _ in range(times):
        await work()
    return (time.perf_counter() - begun) / times * 1e6


def process(command: Sequence[str], environ: Mapping[str, str] | None = None) -> float:
    """Milliseconds of a whole process, which must succeed."""
    # As on a user's machine: compiled modules are kept, output is buffered.
    unset = ("PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED")
    inherited = {name: value for name, value in os.environ.items() if name not in unset}
    begun = time.perf_counter()
    subprocess.run(
        command,
        check=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        env={**inherited, **(environ or {})},
    )
    return (time.perf_counter() - begun) * 1e3
