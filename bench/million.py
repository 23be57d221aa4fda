"""``python -m bench.million [N]``: the vault at N secrets (a million) against 10.

Makes both vaults through the driver, 64-byte values, 100 names under each prefix, and shows
the ratio of opening, reading, writing and listing, the bytes on disk and the memory.
"""

from __future__ import annotations

import asyncio
import os
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from skykeep import SecretValue
from skykeep.interfaces.provider import OpenContext
from skykeep.interfaces.secret_driver import Attributes
from skykeep.providers.local import vault
from skykeep.providers.local.secrets import LocalSecrets, open_secrets
from skykeep.providers.local.settings import LocalSettings

TOGETHER = 2000
"""Writes under way at once while a vault is made."""


def name(number: int) -> str:
    """100 names under each prefix."""
    return f"team-{number // 100:06d}/secret-{number % 100:02d}"


class Vault:
    """A vault of so many secrets, and what to measure of it."""

    def __init__(self, folder: Path, count: int) -> None:
        self.count = count
        self.path = folder / f"vault-{count}.db"
        self.settings = LocalSettings(backend="local", path=str(self.path))
        self.context = OpenContext(
            "bench", {"SKYKEEP_KEY_FILE": str(folder / "key")}, lambda: folder
        )

    async def make(self) -> None:
        """Fill it, with a progress bar on a terminal."""
        vault.create(self.settings, self.context)
        driver = await open_secrets(self.settings, self.context)
        for begin in range(0, self.count, TOGETHER):
            numbers = range(begin, min(begin + TOGETHER, self.count))
            await asyncio.gather(
                *(
                    driver.create(name(number), SecretValue(os.urandom(64)), Attributes())
                    for number in numbers
                )
            )
            if sys.stderr.isatty() or numbers.stop % 100_000 == 0:
                done = numbers.stop / self.count
                end = "\n" if numbers.stop == self.count else "\r"
                bar = f"{'#' * round(40 * done):40}"
                print(f"making {self.count:,} [{bar}] {done:4.0%}", file=sys.stderr, end=end)
        await driver.close()

    async def measure(self) -> dict[str, float]:
        """Medians in microseconds, after the file's pages were read once."""
        opening = await median(self._open, 15)
        driver = await open_secrets(self.settings, self.context)
        step = max(1, self.count // 997)
        numbers = [n * step % self.count for n in range(1000)]
        turn = iter(range(10**9))

        async def read() -> None:
            await driver.get(name(numbers[next(turn) % 1000]))

        async def write() -> None:
            value = SecretValue(os.urandom(64))
            await driver.update(name(numbers[next(turn) % 1000]), value, Attributes())

        async def listing() -> None:
            prefix = f"team-{numbers[next(turn) % 1000] // 100:06d}"
            page = await driver.list(prefix, cursor=None, limit=200)
            assert len(page.items) == min(100, self.count)

        found = {
            "open": opening,
            "read": await median(read, 1000),
            "write": await median(write, 300),
            "list a prefix": await median(listing, 100),
        }
        await driver.close()
        return found

    async def _open(self) -> None:
        driver: LocalSecrets = await open_secrets(self.settings, self.context)
        await driver.get(name(0))
        await driver.close()


async def median(work: Callable[[], Awaitable[None]], times: int) -> float:
    """Microseconds."""
    for _ in range(times // 10 + 1):
        await work()
    found = []
    for _ in range(times):
        begun = time.perf_counter()
        await work()
        found.append((time.perf_counter() - begun) * 1e6)
    return statistics.median(found)


async def compare(folder: Path, count: int) -> None:
    """Make, measure, print."""
    small, large = Vault(folder, 10), Vault(folder, count)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for one in (small, large):
        await one.make()
    few, many = await small.measure(), await large.measure()
    # A prefix of 10 names is held against one of 100: a tenth of its time, name by name.
    few["list a prefix"] *= 10
    print(f"| | at 10 | at {count:,} | ratio |\n| --- | ---: | ---: | ---: |")
    for what, figure in few.items():
        print(f"| {what} | {figure:.0f} µs | {many[what]:.0f} µs | {many[what] / figure:.2f} |")
    size = large.path.stat().st_size / count
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"\n{size:.0f} bytes a secret on disk; {peak / 1024:.0f} MB of memory at most,")
    print(f"{before / 1024:.0f} MB of it before the vaults were made.")


def main() -> None:
    """Do it in a directory that goes away."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory(prefix="skykeep-bench-") as folder:
        asyncio.run(compare(Path(folder), count))


if __name__ == "__main__":
    main()
