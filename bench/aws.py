"""``python -m bench.aws``: uncached reads of AWS Secrets Manager beside boto3.

All in one run of some two minutes, rivals in turns, medians; the server is ``bench.aws_server``
on loopback, so that the client is what is measured. boto3 must be installed (``requirements/
dev.txt`` has it). Prints a table of figures and their ratios to boto3's.
"""

from __future__ import annotations

import asyncio
import os
import resource
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

import boto3
import botocore.config
import msgspec

from bench.aws_server import VERSION
from bench.measure import process
from skykeep import Cloud
from skykeep.interfaces.provider import OpenContext
from skykeep.interfaces.secret_driver import SecretDriver
from skykeep.providers.aws.secrets import open_secrets
from skykeep.providers.aws.settings import AwsSettings
from skykeep.settings.model import CacheSettings, Environment

ROUNDS = 9
CALLS = 300
AT_ONCE = 64
WAVES = 10
REGION = "us-east-1"
KEYS = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret"}
ONE_LINER = (
    "import boto3; c = boto3.client('secretsmanager'); "
    "print(c.get_secret_value(SecretId='a/b')['SecretString'])"
)
MEMORY = """
import asyncio, resource
from bench.aws import opened_cloud
async def main():
    async with opened_cloud({url!r}) as cloud:
        await cloud.secrets.get_many([f"a/{{n}}" for n in range(100)])
        print(round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024))
asyncio.run(main())
"""


@contextmanager
def serving(delay_ms: float = 0.0) -> Iterator[str]:
    """The server; its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "bench.aws_server", str(port), str(delay_ms)]
    )
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


def settings(url: str) -> AwsSettings:
    return msgspec.convert({"backend": "aws", "region": REGION, "endpoint": url}, AwsSettings)


def opened_cloud(url: str) -> Cloud:
    """All layers, the cache off."""
    environment = Environment(
        primary=settings(url), cache=CacheSettings(ttl_seconds=0), deadline_seconds=30.0
    )
    return Cloud(environment, environ=KEYS)


def judge(url: str) -> Any:
    """boto3's client, as quick as it can be made."""
    session = boto3.Session("AKIDEXAMPLE", "secret", region_name=REGION)
    config = botocore.config.Config(
        max_pool_connections=AT_ONCE, retries={"total_max_attempts": 1}
    )
    return session.client("secretsmanager", endpoint_url=url, config=config)


class Clock:
    """Processor time of this process and time on the wall, microseconds a call."""

    def __enter__(self) -> Clock:
        self._cpu, self._wall = time.process_time(), time.perf_counter()
        return self

    def __exit__(self, *exc: object) -> None:
        self.cpu = (time.process_time() - self._cpu) * 1e6
        self.wall = (time.perf_counter() - self._wall) * 1e6


def main() -> None:
    with serving() as url:
        with asyncio.Runner() as runner:
            Warm(runner, url).report()
        environ = {
            **KEYS,
            "AWS_ENDPOINT_URL": url,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "HOME": "/nonexistent",
        }
        cold(environ)
        here = Path(__file__).parents[1]
        said = subprocess.run(
            [sys.executable, "-c", MEMORY.format(url=url)],
            check=True,
            capture_output=True,
            text=True,
            cwd=here,
            env={**os.environ, "PYTHONPATH": str(here)},
        )
        print(f"a process with the store open, after 100 reads: {said.stdout.strip()} MB")
    with serving(delay_ms=20) as url, asyncio.Runner() as runner:
        runner.run(hundred(url))


class Warm:
    """Reads of an open client."""

    def __init__(self, runner: asyncio.Runner, url: str) -> None:
        self.run = runner.run
        self.boto = judge(url)
        self.driver = self.run(open_secrets(settings(url), OpenContext("bench", KEYS, Path)))
        self.cloud = opened_cloud(url)
        self.threads = ThreadPoolExecutor(AT_ONCE)

    def report(self) -> None:
        rivals: dict[str, Callable[[], Clock]] = {
            "one: boto3": self.one_boto3,
            "one: driver": self.one_driver,
            "one: all layers": self.one_cloud,
            "64: boto3 in threads": self.many_boto3,
            "64: driver": self.many_driver,
            "64: driver, no batches": self.many_single,
            "64: all layers": self.many_cloud,
        }
        figures: dict[str, list[tuple[float, float]]] = {name: [] for name in rivals}
        for _ in range(ROUNDS):
            for name, work in rivals.items():
                calls = CALLS if name.startswith("one") else AT_ONCE * WAVES
                clock = work()
                figures[name].append((clock.cpu / calls, clock.wall / calls))
        print(f"{'':26}{'CPU us':>8}{'wall us':>9}{'CPU/boto3':>11}{'wall/boto3':>12}")
        median = {
            name: tuple(statistics.median(each) for each in zip(*found, strict=True))
            for name, found in figures.items()
        }
        for name, (cpu, wall) in median.items():
            base = median["one: boto3" if name.startswith("one") else "64: boto3 in threads"]
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
        self.boto.close()
        self.threads.shutdown()

    def one_boto3(self) -> Clock:
        with Clock() as clock:
            for _ in range(CALLS):
                self.boto.get_secret_value(SecretId="a/b")
        return clock

    def one_driver(self) -> Clock:
        async def work() -> Clock:
            with Clock() as clock:
                for _ in range(CALLS):
                    await self.driver.get("a/b")
            return clock

        return self.run(work())

    def one_cloud(self) -> Clock:
        async def work() -> Clock:
            with Clock() as clock:
                for _ in range(CALLS):
                    await self.cloud.secrets.get("a/b", fresh=True)
            return clock

        return self.run(work())

    def many_boto3(self) -> Clock:
        names = [f"a/{number}" for number in range(AT_ONCE)]
        with Clock() as clock:
            for _ in range(WAVES):
                list(
                    self.threads.map(
                        lambda name: self.boto.get_secret_value(SecretId=name), names
                    )
                )
        return clock

    def many_driver(self) -> Clock:
        return self.run(_waves(self.driver.get))

    def many_single(self) -> Clock:
        return self.run(_waves(lambda name: self.driver.get(name, version=VERSION)))

    def many_cloud(self) -> Clock:
        return self.run(_waves(lambda name: self.cloud.secrets.get(name, fresh=True)))


async def _waves(get: Callable[[str], Any]) -> Clock:
    names = [f"a/{number}" for number in range(AT_ONCE)]
    with Clock() as clock:
        for _ in range(WAVES):
            await asyncio.gather(*(get(name) for name in names))
    return clock


def cold(environ: dict[str, str]) -> None:
    """A whole process for one value."""
    commands = {
        "boto3": [sys.executable, "-c", ONE_LINER],
        "skykeep": [sys.executable, "-m", "skykeep", "--backend", "aws", "get", "a/b"],
    }
    taken: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(2 * ROUNDS + 1):
        for name, command in commands.items():
            taken[name].append(process(command, environ))
    boto, ours = (statistics.median(taken[name]) for name in commands)
    print(f"cold: skykeep get {ours:.0f} ms, boto3 one-liner {boto:.0f} ms: {ours / boto:.2f}")


async def hundred(url: str) -> None:
    """What ``skykeep run`` reads at its start, each call delayed by 20 ms."""
    names = [f"a/{number}" for number in range(100)]
    taken = []
    for _ in range(ROUNDS):
        async with opened_cloud(url) as cloud:
            begun = time.perf_counter()
            found = await cloud.secrets.get_many(names)
            taken.append((time.perf_counter() - begun) * 1e3)
            assert len(found) == 100
    driver: SecretDriver = await open_secrets(settings(url), OpenContext("b", KEYS, Path))
    begun = time.perf_counter()
    await asyncio.gather(*(driver.get(name) for name in names))
    bare = (time.perf_counter() - begun) * 1e3
    await driver.close()
    print(
        f"100 secrets, 20 ms a call: {statistics.median(taken):.0f} ms "
        f"(driver alone, all at once: {bare:.0f} ms)"
    )


if __name__ == "__main__":
    main()
    print(f"this process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")
