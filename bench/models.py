"""``python -m bench.models``: a model of 100 MB, from this disk and from a store.

A hit beside hashing the file, which is what verifying costs without a record; a cold pull
beside ``objects.get`` of the same object, which keeps nothing, and beside a stream of it into a
file that is flushed to the disk, which verifies nothing. The stores are a directory on the same
disk and SeaweedFS on loopback. Rivals take turns, medians; prints a table and takes about a
minute. Exits 1 if a hit takes 3 ms.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any

import msgspec

from bench.measure import in_turns
from skykeep import Cloud, ModelStore
from skykeep.providers.aws.settings import AwsSettings
from skykeep.providers.local.settings import LocalSettings
from skykeep.settings.model import Environment, TargetSettings
from tests.peers.s3 import seaweedfs_s3
from tests.providers.aws.opening_s3 import ENVIRON

SIZE = 100_000_000
ROUNDS = 9
HITS = 100
"""In a round."""
BAR = 3.0
"""Milliseconds that a hit may take."""

Timed = Callable[[], float]
"""Does it, and says how many milliseconds it took."""


class Rivals:
    """One store with one model, and a cache of its own."""

    def __init__(
        self,
        runner: asyncio.Runner,
        home: Path,
        target: TargetSettings,
        environ: Mapping[str, str],
    ) -> None:
        self._runner = runner
        self._home = home
        environ = {**environ, "SKYKEEP_HOME": str(home / "skykeep")}
        self.cloud = Cloud(Environment(primary=target), environ=environ)
        path = home / "m.onnx"
        path.write_bytes(random.Random(6).randbytes(SIZE))
        self._models = ModelStore.of(self.cloud)
        pushed = runner.run(self._models.push("m", "1", path))
        (file,) = pushed.manifest.files
        self._key = f"models/m/1/{file.sha256}/{file.path}"
        self._path = runner.run(self._models.pull("m"))

    def hits(self) -> dict[str, float]:
        """Milliseconds a hit, by what is asked."""

        def hashed() -> float:
            begun = time.perf_counter()
            with self._path.open("rb") as file:
                hashlib.file_digest(file, "sha256")
            return (time.perf_counter() - begun) * 1e3

        return in_turns(
            {
                "a named version": self._timed(lambda: self._pull("1"), HITS),
                "the latest version": self._timed(lambda: self._pull(None), HITS),
                "hashing the file": hashed,
            },
            ROUNDS,
        )

    def cold(self) -> dict[str, float]:
        """Milliseconds for all of it from the store."""
        return in_turns(
            {
                "pull": self._timed(self._pulled_anew),
                "objects.get": self._timed(lambda: self.cloud.objects.get(self._key)),
                "a stream into a file": self._timed(self._streamed),
            },
            ROUNDS,
        )

    def _timed(self, work: Callable[[], Coroutine[Any, Any, object]], times: int = 1) -> Timed:
        async def repeated() -> float:
            begun = time.perf_counter()
            for _ in range(times):
                await work()
            return (time.perf_counter() - begun) * 1e3 / times

        async def settled() -> float:
            await self._models.close()
            if times == 1:
                await self._models.gc(everything=True)
            return await repeated()

        return lambda: self._runner.run(settled())

    async def _pull(self, version: str | None) -> None:
        await self._models.pull("m", version)

    async def _pulled_anew(self) -> None:
        found = await self._models.fetch("m", "1")
        assert found.downloaded == SIZE

    async def _streamed(self) -> None:
        descriptor = os.open(self._home / "copy", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        try:
            async with self.cloud.objects.stream(self._key) as body:
                async for chunk in body:
                    await asyncio.to_thread(os.write, descriptor, chunk)
            await asyncio.to_thread(os.fsync, descriptor)
        finally:
            os.close(descriptor)

    def close(self) -> None:
        self._runner.run(self.cloud.close())


def measured(home: Path, name: str, target: TargetSettings, environ: Mapping[str, str]) -> bool:
    """Print the tables of one store; whether hits are as quick as they have to be."""
    place = home / name
    place.mkdir()
    with asyncio.Runner() as runner:
        rivals = Rivals(runner, place, target, environ)
        hits, cold = rivals.hits(), rivals.cold()
        rivals.close()
    for title, figures in (("hit", hits), ("cold", cold)):
        for what, milliseconds in figures.items():
            print(f"{name:10}{title:6}{what:24}{milliseconds:10.2f} ms")
    return hits["a named version"] < BAR


def main() -> int:
    """Measure, tell, and say whether the bar was met."""
    with tempfile.TemporaryDirectory() as directory:
        home = Path(directory)
        local = LocalSettings(backend="local", objects=str(home / "store"))
        met = measured(home, "local", local, {})
        served = home / "seaweedfs"
        served.mkdir()
        with seaweedfs_s3(served) as server:
            target = msgspec.convert(
                {
                    "backend": "aws",
                    "region": "us-east-1",
                    "bucket": server.new_bucket(),
                    "objects_endpoint": server.address,
                },
                AwsSettings,
            )
            return 0 if measured(home, "s3", target, ENVIRON) and met else 1


if __name__ == "__main__":
    sys.exit(main())
