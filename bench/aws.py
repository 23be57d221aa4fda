"""``python -m bench.aws``: uncached reads of Secrets Manager beside boto3 (``bench.reads``).

The server is ``bench.aws_server``. boto3 must be installed (``requirements/dev.txt`` has it).
Prints a table of figures and their ratios to boto3's; takes some two minutes.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import boto3
import botocore.config
import msgspec

from bench.aws_server import VERSION
from bench.reads import AT_ONCE, ROUNDS, Sdk, cold, opened_cloud, served, warm
from skykeep.interfaces.provider import OpenContext
from skykeep.interfaces.secret_driver import SecretDriver
from skykeep.providers.aws.secrets import open_secrets
from skykeep.providers.aws.settings import AwsSettings

REGION = "us-east-1"
KEYS = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret"}
ONE_LINER = (
    "import boto3; c = boto3.client('secretsmanager'); "
    "print(c.get_secret_value(SecretId='a/b')['SecretString'])"
)
MEMORY = """
import asyncio, resource
from bench.aws import KEYS, settings
from bench.reads import opened_cloud
async def main():
    async with opened_cloud(settings({url!r}), KEYS) as cloud:
        await cloud.secrets.get_many([f"a/{{n}}" for n in range(100)])
        print(round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024))
asyncio.run(main())
"""


def settings(url: str) -> AwsSettings:
    return msgspec.convert({"backend": "aws", "region": REGION, "endpoint": url}, AwsSettings)


def judge(url: str) -> Any:
    """boto3's client, as quick as it can be made."""
    session = boto3.Session("AKIDEXAMPLE", "secret", region_name=REGION)
    config = botocore.config.Config(
        max_pool_connections=AT_ONCE, retries={"total_max_attempts": 1}
    )
    return session.client("secretsmanager", endpoint_url=url, config=config)


def main() -> None:
    with served("bench.aws_server", "{port}", "0") as port:
        url = f"http://127.0.0.1:{port}"
        boto = judge(url)

        def read(name: str) -> object:
            return boto.get_secret_value(SecretId=name)

        with asyncio.Runner() as runner:
            driver = runner.run(open_secrets(settings(url), OpenContext("bench", KEYS, Path)))
            cloud = opened_cloud(settings(url), KEYS)
            others = {"driver, no batches": lambda name: driver.get(name, version=VERSION)}
            warm(runner, [Sdk("boto3", read)], driver, cloud, one="a/b", others=others)
            runner.run(cloud.close())
            runner.run(driver.close())
        boto.close()
        environ = {
            **KEYS,
            "AWS_ENDPOINT_URL": url,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "HOME": "/nonexistent",
        }
        cold("boto3", ONE_LINER, ["--backend", "aws", "get", "a/b"], environ)
        print(f"a process with the store open, after 100 reads: {memory(url)} MB")
    with served("bench.aws_server", "{port}", "20") as port, asyncio.Runner() as runner:
        runner.run(hundred(f"http://127.0.0.1:{port}"))


def memory(url: str) -> str:
    """What a process of its own says, MB."""
    here = Path(__file__).parents[1]
    said = subprocess.run(
        [sys.executable, "-c", MEMORY.format(url=url)],
        check=True,
        capture_output=True,
        text=True,
        cwd=here,
        env={**os.environ, "PYTHONPATH": str(here)},
    )
    return said.stdout.strip()


async def hundred(url: str) -> None:
    """What ``skykeep run`` reads at its start, each call delayed by 20 ms."""
    names = [f"a/{number}" for number in range(100)]
    taken = []
    for _ in range(ROUNDS):
        async with opened_cloud(settings(url), KEYS) as cloud:
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
