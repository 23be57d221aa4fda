"""Uncached reads of one store beside its SDK: what ``bench.aws``, ``bench.vault`` and the other
clouds' benchmarks have in common.

All in one run, rivals in turns, medians. The server runs in a process of its own on loopback,
so that the client is what is measured.
"""

from __future__ import annotations

import asyncio
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from bench.measure import process
from skykeep import Cloud
from skykeep.interfaces.secret_driver import SecretDriver
from skykeep.settings.model import CacheSettings, Environment, TargetSettings

ROUNDS = 9
CALLS = 300
"""One after the other in a round."""
AT_ONCE = 64
WAVES = 10
"""So often that many at once in a round."""


class Clock:
    """Processor time of this process and time on the wall, microseconds."""

    def __enter__(self) -> Clock:
        self._cpu, self._wall = time.process_time(), time.perf_counter()
        return self

    def __exit__(self, *exc: object) -> None:
        self.cpu = (time.process_time() - self._cpu) * 1e6
        self.wall = (time.perf_counter() - self._wall) * 1e6


@dataclass(frozen=True, slots=True)
class Sdk:
    """The other side: one open client.

    Attributes:
        name: as it stands in the table.
        read: reads a secret by its name and waits; None if the client is asynchronous.
        read_async: the same, awaited; None if it is not.
    """

    name: str
    read: Callable[[str], object] | None = None
    read_async: Callable[[str], Awaitable[object]] | None = None


@contextmanager
def served(*command: str) -> Iterator[int]:
    """``python -m COMMAND PORT`` as a server on loopback, until it takes connections; its port.

    Every ``{port}`` in the command is replaced; without one the port is put behind it.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = [word.replace("{port}", str(port)) for word in command]
    if words == list(command):
        words.append(str(port))
    server = subprocess.Popen([sys.executable, "-m", *words])
    try:
        for _ in range(1500):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.02)
        yield port
    finally:
        server.terminate()
        server.wait()


def opened_cloud(settings: TargetSettings, environ: Mapping[str, str]) -> Cloud:
    """All layers, the cache off."""
    environment = Environment(
        primary=settings, cache=CacheSettings(ttl_seconds=0), deadline_seconds=30.0
    )
    return Cloud(environment, environ=environ)


def names(prefix: str = "a") -> list[str]:
    """Those that are read at once."""
    return [f"{prefix}/{number}" for number in range(AT_ONCE)]


def warm(
    runner: asyncio.Runner,
    sdks: Sequence[Sdk],
    driver: SecretDriver,
    cloud: Cloud,
    *,
    one: str = "a",
    many: Sequence[str] = (),
    others: Mapping[str, Callable[[str], Awaitable[object]]] | None = None,
) -> None:
    """Prints the table: each way to read, and its ratio to the first of the SDKs.

    Args:
        runner: runs all that is asynchronous, so that connections stay open.
        sdks: the first is what the ratios are to.
        driver, cloud: ours; neither is closed here.
        one: the secret that is read one at a time.
        many: those that are read at once; by default ``names()``.
        others: further ways of ours to read many, by their names in the table.
    """
    several = list(many) or names()
    threads = ThreadPoolExecutor(AT_ONCE)

    def fresh(name: str) -> Awaitable[object]:
        return cloud.secrets.get(name, fresh=True)

    rivals: dict[str, Callable[[], Clock]] = {}
    for sdk in sdks:
        rivals[f"one: {sdk.name}"] = _alone(runner, sdk, one)
    rivals["one: driver"] = lambda: runner.run(_one(driver.get, one))
    rivals["one: all layers"] = lambda: runner.run(_one(fresh, one))
    for sdk in sdks:
        rivals[f"{AT_ONCE}: {sdk.name}"] = _together(runner, sdk, several, threads)
    rivals[f"{AT_ONCE}: driver"] = lambda: runner.run(_waves(driver.get, several))
    for title, read in (others or {}).items():
        rivals[f"{AT_ONCE}: {title}"] = lambda read=read: runner.run(_waves(read, several))  # type: ignore[misc]  # mypy has no type for a lambda's default
    rivals[f"{AT_ONCE}: all layers"] = lambda: runner.run(_waves(fresh, several))

    figures: dict[str, list[tuple[float, float]]] = {name: [] for name in rivals}
    for _ in range(ROUNDS):
        for name, work in rivals.items():
            calls = CALLS if name.startswith("one") else len(several) * WAVES
            clock = work()
            figures[name].append((clock.cpu / calls, clock.wall / calls))
    threads.shutdown()
    _table(figures, sdks[0].name)


def _table(figures: Mapping[str, list[tuple[float, float]]], against: str) -> None:
    width = max(len(name) for name in figures) + 2
    print(
        f"{'':{width}}{'CPU us':>8}{'wall us':>9}{'CPU/' + against:>24}{'wall/' + against:>24}"
    )
    median = {
        name: tuple(statistics.median(each) for each in zip(*found, strict=True))
        for name, found in figures.items()
    }
    for name, (cpu, wall) in median.items():
        base = median[f"{name.partition(':')[0]}: {against}"]
        print(f"{name:{width}}{cpu:8.0f}{wall:9.0f}{cpu / base[0]:24.2f}{wall / base[1]:24.2f}")
    over = [
        (layered[0] / bare[0] - 1, layered[1] / bare[1] - 1)
        for bare, layered in zip(
            figures["one: driver"], figures["one: all layers"], strict=True
        )
    ]
    cpu, wall = (statistics.median(each) * 100 for each in zip(*over, strict=True))
    print(f"layers over the driver's own call: CPU {cpu:+.1f} %, time {wall:+.1f} %")


def _alone(runner: asyncio.Runner, sdk: Sdk, name: str) -> Callable[[], Clock]:
    read, read_async = sdk.read, sdk.read_async
    if read_async is not None:
        return lambda: runner.run(_one(read_async, name))
    assert read is not None

    def work() -> Clock:
        with Clock() as clock:
            for _ in range(CALLS):
                read(name)
        return clock

    return work


def _together(
    runner: asyncio.Runner, sdk: Sdk, several: Sequence[str], threads: ThreadPoolExecutor
) -> Callable[[], Clock]:
    read, read_async = sdk.read, sdk.read_async
    if read_async is not None:
        return lambda: runner.run(_waves(read_async, several))
    assert read is not None

    def work() -> Clock:
        with Clock() as clock:
            for _ in range(WAVES):
                list(threads.map(read, several))
        return clock

    return work


async def _one(get: Callable[[str], Awaitable[Any]], name: str) -> Clock:
    with Clock() as clock:
        for _ in range(CALLS):
            await get(name)
    return clock


async def _waves(get: Callable[[str], Awaitable[Any]], several: Sequence[str]) -> Clock:
    with Clock() as clock:
        for _ in range(WAVES):
            await asyncio.gather(*(get(name) for name in several))
    return clock


def cold(sdk: str, one_liner: str, skykeep: Sequence[str], environ: Mapping[str, str]) -> None:
    """Prints a whole process for one value: ``python -c ONE_LINER`` and ``skykeep WORDS``."""
    commands = {
        sdk: [sys.executable, "-c", one_liner],
        "skykeep": [sys.executable, "-m", "skykeep", *skykeep],
    }
    taken: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(2 * ROUNDS + 1):
        for name, command in commands.items():
            taken[name].append(process(command, environ))
    theirs, ours = (statistics.median(taken[name]) for name in commands)
    print(
        f"cold: skykeep get {ours:.0f} ms, {sdk} one-liner {theirs:.0f} ms: {ours / theirs:.2f}"
    )
