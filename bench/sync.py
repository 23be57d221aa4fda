"""``python -m bench.sync``: a sync between two stores beside a sequential copy.

10,000 secrets of 64 bytes between two stores in memory that take 5 ms for each call and are
met through the layers of remote ones; and, where their servers are installed, 1,000 between
OpenBao (KV 2) and a kube-apiserver. The sequential copy is a loop of ``get`` and ``put``,
which verifies nothing; the sync plans, writes, and reads each value back. Without the
documented quotas, which in a real account are what decides. Each figure is of a process of its
own, with its peak of resident memory; the stores in memory are in it. Takes about four minutes.

``KIND HOW COUNT`` is one of them: ``memory|peers sync|loop COUNT``.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from bench.cases import VALUE, Remote
from skykeep import Cloud, Secrets, drift
from skykeep.providers.kubernetes.settings import KubernetesSettings
from skykeep.providers.memory.secrets import MemorySecrets
from skykeep.providers.vault.settings import VaultSettings
from skykeep.settings.model import CacheSettings, Environment, TargetSettings

LATENCY = 0.005
MEMORY, PEERS = 10_000, 1_000
RATIO, PEAK = 20, 80
"""The bars: so many times the loop, at most so many MB."""


@asynccontextmanager
async def in_memory(count: int) -> AsyncIterator[tuple[Secrets, Secrets]]:
    """A, filled, and B, empty; from here on each call takes its time."""
    async with Remote(0) as a, Remote(0) as b:
        await fill(a.secrets, count)
        for remote in (a, b):
            assert isinstance(remote, Remote)
            driver = await remote.raw()
            assert isinstance(driver, MemorySecrets)
            driver.latency = LATENCY
        yield a.secrets, b.secrets


@asynccontextmanager
async def at_peers(count: int) -> AsyncIterator[tuple[Secrets, Secrets]]:
    """The servers that are described in the environment."""
    vault, kubernetes = (json.loads(os.environ[f"BENCH_{side}"]) for side in "AB")
    async with (
        opened(msgspec.convert(vault, VaultSettings)) as a,
        opened(msgspec.convert(kubernetes, KubernetesSettings)) as b,
    ):
        await fill(a.secrets, count)
        yield a.secrets, b.secrets


def opened(target: TargetSettings) -> Cloud:
    return Cloud(Environment(primary=target, cache=CacheSettings(ttl_seconds=0)))


def names(count: int) -> list[str]:
    return [f"service-{number % 100}/secret-{number}" for number in range(count)]


async def fill(secrets: Secrets, count: int) -> None:
    gate = asyncio.Semaphore(32)

    async def put(name: str) -> None:
        async with gate:
            await secrets.put(name, f"{name:{len(VALUE)}}")

    await asyncio.gather(*map(put, names(count)))


async def sync(a: Secrets, b: Secrets, count: int) -> None:
    """As the command does it."""
    course = drift.Course()
    plan = await drift.plan(a, b, course=course)
    outcome = await drift.carry_out(plan, a, b, course)
    assert len(outcome.written) == count, outcome.failed[:1]


async def loop(a: Secrets, b: Secrets, count: int) -> None:
    """As a script would."""
    for name in names(count):
        await b.put(name, (await a.get(name)).value)


async def measured(kind: str, how: str, count: int) -> dict[str, float]:
    """Seconds of the work; the most memory of the process, MB."""
    async with {"memory": in_memory, "peers": at_peers}[kind](count) as (a, b):
        begun = time.perf_counter()
        await {"sync": sync, "loop": loop}[how](a, b, count)
        seconds = time.perf_counter() - begun
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        async for each in drift.compare(a, b):
            assert each.kind is drift.Kind.SAME, each
        return {"seconds": seconds, "peak": peak}


@dataclass(frozen=True, slots=True)
class Row:
    """A sync beside its loop; seconds and MB."""

    what: str
    ours: float
    loop: float
    peak: float

    @property
    def ratio(self) -> float:
        return self.loop / self.ours


def apart(kind: str, how: str, count: int, environ: dict[str, str]) -> dict[str, float]:
    """One figure, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.sync", kind, how, str(count)],
        env={**os.environ, **environ},
        stdout=subprocess.PIPE,
        check=True,
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found


def row(what: str, kind: str, count: int, ways: list[dict[str, str]]) -> Row:
    """``ways``: the environment of the sync's process, and of the loop's."""
    ours, other = (
        apart(kind, how, count, environ)
        for how, environ in zip(("sync", "loop"), ways, strict=True)
    )
    return Row(what, ours["seconds"], other["seconds"], ours["peak"])


def peers() -> Row | None:
    """OpenBao to a kube-apiserver; None if one of them is not installed."""
    from tests.peers import kube, openbao, places
    from tests.peers.certificates import Authority
    from tests.peers.peer import KUBE, OPENBAO

    if any(places.missing(peer) for peer in (OPENBAO, KUBE)):
        return None
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="skykeep-bench-")))
        for each in ("authority", "openbao", "kube"):
            (folder / each).mkdir()
        bao = stack.enter_context(openbao.development(folder / "openbao"))
        authority = Authority(folder / "authority")
        server = stack.enter_context(kube.api_server(folder / "kube", authority))

        def way() -> dict[str, str]:
            space = server.new_namespace()
            config = server.kubeconfig(folder / space, namespace=space)
            a: dict[str, Any] = {"backend": "vault", "address": bao.address, "mount": bao.kv(2)}
            b: dict[str, Any] = {"backend": "kubernetes", "kubeconfig": str(config)}
            return {
                "BENCH_A": json.dumps(a),
                "BENCH_B": json.dumps(b),
                "VAULT_TOKEN": bao.token,
            }

        return row(f"{PEERS:,}, OpenBao to a kube-apiserver", "peers", PEERS, [way(), way()])


def main() -> int:
    """Measure, print; 1 if a bar is missed."""
    what = f"{MEMORY:,}, {LATENCY * 1e3:g} ms for each call"
    rows = [row(what, "memory", MEMORY, [{}, {}])]
    real = peers()
    print("| secrets | `sync` | `get` and `put` in a loop | ratio | peak of `sync` |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for each in [*rows, *([real] if real else [])]:
        print(
            f"| {each.what} | {each.ours:.1f} s | {each.loop:.1f} s | {each.ratio:.1f} "
            f"| {each.peak:.0f} MB |"
        )
    if real is None:
        print("\nOpenBao and kube-apiserver are not installed: not measured.")
    met = rows[0].ratio >= RATIO and rows[0].peak < PEAK
    print(f"\nAt least {RATIO} times, under {PEAK} MB: {'met' if met else '**missed**'}.")
    return 0 if met else 1


if __name__ == "__main__":
    if sys.argv[1:]:
        kind, how, count = sys.argv[1:]
        print(json.dumps(asyncio.run(measured(kind, how, int(count)))))
    else:
        sys.exit(main())
