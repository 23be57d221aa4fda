"""``python -m bench.vault``: uncached reads of KV 2 beside hvac.

All in one run of about a minute, rivals in turns, medians. The server answers every request
with one version of a secret, from a process of its own on loopback, so that the client is what
is measured. hvac must be installed (``requirements/dev.txt`` has it). Prints a table of figures
and their ratios to hvac's.
"""

from __future__ import annotations

import asyncio
import json
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import hvac
import msgspec
import requests
from requests.adapters import HTTPAdapter

from bench.measure import process
from skykeep import Cloud
from skykeep.interfaces.provider import OpenContext
from skykeep.providers.vault.secrets import open_secrets
from skykeep.providers.vault.settings import VaultSettings
from skykeep.settings.model import CacheSettings, Environment

ROUNDS = 9
CALLS = 300
AT_ONCE = 64
WAVES = 10
VALUE = "x" * 64
TOKEN = {"VAULT_TOKEN": "s.made-up-for-the-benchmark"}
ABOUT = {
    "created_time": "2026-11-22T04:34:00.221924036Z",
    "custom_metadata": None,
    "deletion_time": "",
    "destroyed": False,
    "version": 1,
}
MOUNT = {"type": "kv", "options": {"version": "2"}}
ONE_LINER = (
    "import hvac; c = hvac.Client(); print(c.secrets.kv.v2.read_secret_version("
    "'a', raise_on_deleted_version=True)['data']['data']['value'])"
)


# -- the server


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Reads get the secret, the question of the engine's version its answer."""
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            data = (
                MOUNT if b"/mounts/" in head else {"data": {"value": VALUE}, "metadata": ABOUT}
            )
            body = json.dumps({"request_id": "1", "data": data}).encode()
            writer.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                b"Date: Sun, 22 Nov 2026 04:34:00 GMT\r\n"
                b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
            )
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def serve(port: int) -> None:
    server = await asyncio.start_server(answer, "127.0.0.1", port, backlog=256)
    await server.serve_forever()


@contextmanager
def serving() -> Iterator[str]:
    """The server; its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen([sys.executable, "-m", "bench.vault", str(port)])
    try:
        for _ in range(500):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.02)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait()


# -- the rivals


def settings(url: str) -> VaultSettings:
    return msgspec.convert({"backend": "vault", "address": url, "kv": 2}, VaultSettings)


def opened_cloud(url: str) -> Cloud:
    """All layers, the cache off."""
    environment = Environment(
        primary=settings(url), cache=CacheSettings(ttl_seconds=0), deadline_seconds=30.0
    )
    return Cloud(environment, environ=TOKEN)


def judge(url: str) -> Any:
    """A client of hvac, with room for a connection a thread."""
    session = requests.Session()
    session.mount("http://", HTTPAdapter(pool_maxsize=AT_ONCE))
    return hvac.Client(url=url, token=TOKEN["VAULT_TOKEN"], session=session)


class Clock:
    """Processor time of this process and time on the wall, microseconds."""

    def __enter__(self) -> Clock:
        self._cpu, self._wall = time.process_time(), time.perf_counter()
        return self

    def __exit__(self, *exc: object) -> None:
        self.cpu = (time.process_time() - self._cpu) * 1e6
        self.wall = (time.perf_counter() - self._wall) * 1e6


class Warm:
    """Reads of an open client."""

    def __init__(self, runner: asyncio.Runner, url: str) -> None:
        self.run = runner.run
        self.hvac = judge(url)
        self.driver = self.run(open_secrets(settings(url), OpenContext("bench", TOKEN, Path)))
        self.cloud = opened_cloud(url)
        self.threads = ThreadPoolExecutor(AT_ONCE)

    def report(self) -> None:
        rivals: dict[str, Callable[[], Clock]] = {
            "one: hvac": self.one_hvac,
            "one: driver": lambda: self.run(_one(self.driver.get)),
            "one: all layers": lambda: self.run(_one(self.fresh)),
            "64: hvac in threads": self.many_hvac,
            "64: driver": lambda: self.run(_waves(self.driver.get)),
            "64: all layers": lambda: self.run(_waves(self.fresh)),
        }
        figures: dict[str, list[tuple[float, float]]] = {name: [] for name in rivals}
        for _ in range(ROUNDS):
            for name, work in rivals.items():
                calls = CALLS if name.startswith("one") else AT_ONCE * WAVES
                clock = work()
                figures[name].append((clock.cpu / calls, clock.wall / calls))
        print(f"{'':26}{'CPU us':>8}{'wall us':>9}{'CPU/hvac':>11}{'wall/hvac':>12}")
        median = {
            name: tuple(statistics.median(each) for each in zip(*found, strict=True))
            for name, found in figures.items()
        }
        for name, (cpu, wall) in median.items():
            base = median["one: hvac" if name.startswith("one") else "64: hvac in threads"]
            print(f"{name:26}{cpu:8.0f}{wall:9.0f}{cpu / base[0]:11.2f}{wall / base[1]:12.2f}")
        over = [
            (layered[0] / bare[0] - 1, layered[1] / bare[1] - 1)
            for bare, layered in zip(
                figures["one: driver"], figures["one: all layers"], strict=True
            )
        ]
        cpu, wall = (statistics.median(each) * 100 for each in zip(*over, strict=True))
        print(f"layers over the driver's own call: CPU {cpu:+.1f} %, time {wall:+.1f} %")
        self.run(self.cloud.close())
        self.run(self.driver.close())
        self.hvac.adapter.close()
        self.threads.shutdown()

    def fresh(self, name: str) -> Any:
        return self.cloud.secrets.get(name, fresh=True)

    def read(self, name: str) -> object:
        return self.hvac.secrets.kv.v2.read_secret_version(name, raise_on_deleted_version=True)

    def one_hvac(self) -> Clock:
        with Clock() as clock:
            for _ in range(CALLS):
                self.read("a")
        return clock

    def many_hvac(self) -> Clock:
        names = [f"a/{number}" for number in range(AT_ONCE)]
        with Clock() as clock:
            for _ in range(WAVES):
                list(self.threads.map(self.read, names))
        return clock


async def _one(get: Callable[[str], Any]) -> Clock:
    with Clock() as clock:
        for _ in range(CALLS):
            await get("a")
    return clock


async def _waves(get: Callable[[str], Any]) -> Clock:
    names = [f"a/{number}" for number in range(AT_ONCE)]
    with Clock() as clock:
        for _ in range(WAVES):
            await asyncio.gather(*(get(name) for name in names))
    return clock


def cold(url: str) -> None:
    """A whole process for one value."""
    environ = {**TOKEN, "VAULT_ADDR": url, "HOME": "/nonexistent"}
    commands = {
        "hvac": [sys.executable, "-c", ONE_LINER],
        "skykeep": [sys.executable, "-m", "skykeep", "--backend", "vault", "get", "a"],
    }
    taken: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(2 * ROUNDS + 1):
        for name, command in commands.items():
            taken[name].append(process(command, environ))
    theirs, ours = (statistics.median(taken[name]) for name in commands)
    print(
        f"cold: skykeep get {ours:.0f} ms, hvac one-liner {theirs:.0f} ms: {ours / theirs:.2f}"
    )


def main() -> None:
    with serving() as url:
        with asyncio.Runner() as runner:
            Warm(runner, url).report()
        cold(url)


if __name__ == "__main__":
    if sys.argv[1:]:
        asyncio.run(serve(int(sys.argv[1])))
    else:
        main()
