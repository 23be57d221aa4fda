"""``python -m bench.sealing``: what encryption before upload costs.

How fast chunks are sealed and opened, on one core; then bodies of 4 KiB and 256 MiB with and
without sealing, in turns in one run, over a local directory and over S3 on loopback
(``bench.sealing_server``, a process of its own). Medians of the paired ratios. Also the time
that the event loop had no turn (99 of 100 are shorter). Prints tables; takes two minutes.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from bench.reads import served
from bench.s3 import KEYS, settings
from skykeep import Cloud
from skykeep.envelope.sealed_object import CHUNK, SEALED_CHUNK, ObjectKey
from skykeep.providers.local.settings import LocalSettings
from skykeep.providers.memory.settings import MemorySettings
from skykeep.settings.guarding import EncryptionSettings
from skykeep.settings.model import Environment, TargetSettings

LARGE = 256 * 1024 * 1024
SMALL = 4096
ROUNDS = 7
MANY = 400
AT_ONCE = 64

Work = Callable[[Cloud], Awaitable[None]]


def core() -> dict[str, float]:
    """GB/s of one core."""
    key, some = ObjectKey(os.urandom(32), "a/b"), os.urandom(16 * CHUNK)
    sealed = key.seal(0, some, last=False)
    speeds = {}
    rivals: dict[str, Callable[[], object]] = {
        "seal": lambda: key.seal(0, some, last=False),
        "open": lambda: key.open(0, sealed, last=False),
    }
    for name, work in rivals.items():
        times = []
        for _ in range(300):
            begun = time.process_time()
            work()
            times.append(time.process_time() - begun)
        speeds[name] = 16 * CHUNK / statistics.median(times) / 1e9
    assert len(sealed) == 16 * SEALED_CHUNK
    return speeds


def clouds(target: TargetSettings) -> dict[str, Cloud]:
    """One that seals, one that does not, over the same store."""
    return {
        "plain": Cloud(Environment(primary=target), environ=KEYS),
        "sealed": Cloud(
            Environment(
                primary=target,
                keys=MemorySettings(backend="memory"),
                encryption=EncryptionSettings(kek="main", secrets=False),
            ),
            environ=KEYS,
        ),
    }


async def compared(target: TargetSettings, file: Path, where: str) -> dict[str, float]:
    """Prints a line for each transfer; the time of each with sealing, to that without."""
    both = clouds(target)
    await both["sealed"].keys.create("main")
    sink = file.parent / "sink"

    def key_of(cloud: Cloud) -> str:
        return "sealed" if cloud is both["sealed"] else "plain"

    async def up(cloud: Cloud) -> None:
        await cloud.objects.put(f"large/{key_of(cloud)}", file)

    async def down(cloud: Cloud) -> None:
        with sink.open("wb") as made:
            async with cloud.objects.stream(f"large/{key_of(cloud)}") as body:
                async for chunk in body:
                    made.write(chunk)

    async def small_up(cloud: Cloud) -> None:
        await _waves(lambda at: cloud.objects.put(f"{key_of(cloud)}/{at}", bytes(SMALL)))

    async def small_down(cloud: Cloud) -> None:
        await _waves(lambda at: cloud.objects.get(f"{key_of(cloud)}/{at}"))

    ratios = {}
    for name, work in (
        ("256 MiB up", up),
        ("256 MiB down", down),
        ("4 KiB up, 64 at once", small_up),
        ("4 KiB down, 64 at once", small_down),
    ):
        ratios[f"{where}: {name}"] = await _line(f"{where}: {name}", both, work)
    for cloud in both.values():
        await cloud.close()
    return ratios


async def _line(what: str, both: dict[str, Cloud], work: Work) -> float:
    wall: dict[str, list[float]] = {name: [] for name in both}
    cpu: dict[str, list[float]] = {name: [] for name in both}
    stalls: dict[str, list[float]] = {name: [] for name in both}
    for turn in range(ROUNDS + 1):
        order = list(both.items()) if turn % 2 else list(both.items())[::-1]
        for name, cloud in order:
            watch = _Watch()
            begun, used = time.perf_counter(), time.process_time()
            await work(cloud)
            if turn:  # the first warms up
                wall[name].append(time.perf_counter() - begun)
                cpu[name].append(time.process_time() - used)
                stalls[name].append(await watch.ended())
            else:
                await watch.ended()
    ratios = [one / other for one, other in zip(wall["sealed"], wall["plain"], strict=True)]
    print(
        f"{what:32}{statistics.median(wall['plain']):9.3f}"
        f"{statistics.median(wall['sealed']):9.3f}{statistics.median(ratios):8.2f}"
        f"{statistics.median(cpu['plain']):9.3f}{statistics.median(cpu['sealed']):9.3f}"
        f"{statistics.median(stalls['plain']) * 1e3:9.1f}"
        f"{statistics.median(stalls['sealed']) * 1e3:9.1f}"
    )
    return statistics.median(ratios)


class _Watch:
    """The longest time that the loop had no turn, seconds; of the worst percent the least."""

    def __init__(self) -> None:
        self._gaps: list[float] = []
        self._task = asyncio.ensure_future(self._watch())

    async def _watch(self) -> None:
        before = time.perf_counter()
        while True:
            await asyncio.sleep(0.001)
            now = time.perf_counter()
            self._gaps.append(now - before - 0.001)
            before = now

    async def ended(self) -> float:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        worst = sorted(self._gaps or [0.0])
        return worst[int(len(worst) * 0.99) - 1 if len(worst) > 1 else 0]


async def _waves(work: Callable[[int], Awaitable[object]]) -> None:
    for first in range(0, MANY, AT_ONCE):
        await asyncio.gather(*(work(first + at) for at in range(AT_ONCE)))


def transfers() -> dict[str, float]:
    """As ``compared``, over both stores."""
    print(
        f"\n{'seconds':32}{'plain':>9}{'sealed':>9}{'ratio':>8}{'CPU':>9}{'sealed':>9}"
        f"{'stall ms':>9}{'sealed':>9}"
    )
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "body"
        file.write_bytes(os.urandom(1 << 20) * (LARGE >> 20))
        local = LocalSettings(backend="local", objects=str(Path(directory) / "objects"))
        ratios = asyncio.run(compared(local, file, "local"))
        with served("bench.sealing_server") as port:
            return ratios | asyncio.run(compared(settings(port), file, "S3"))


def main() -> None:
    """Measure and print."""
    print(f"{'one core, 1 MiB at a time':32}{'GB/s':>8}")
    for name, speed in core().items():
        print(f"{name:32}{speed:8.1f}")
    transfers()


if __name__ == "__main__":
    main()
