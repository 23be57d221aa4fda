"""``python -m bench.s3``: objects of 4 KiB and of 256 MiB beside boto3, obstore and s3fs.

All in one run on loopback, rivals in turns, medians; the servers (``bench.s3_server``,
``bench.transfer_server``) are processes of their own. obstore is measured where it is
installed; boto3 is in ``requirements/dev.txt``, s3fs where ``bench.rival_process`` keeps it.
Over plain HTTP all of them sign the SHA-256 of what they send; ours is kept as the object's
checksum as well, boto3 adds a CRC32. Prints tables; takes about two minutes.
``large NAME DIRECTION PORT`` is one transfer in a process of its own, which tells its time and
its peak of memory.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import importlib.util
import json
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import boto3
import botocore.config
import msgspec
from boto3.s3.transfer import TransferConfig

from bench.reads import AT_ONCE, ROUNDS, WAVES, Clock, opened_cloud, served
from bench.rival_process import prepare, rival
from bench.s3_server import LARGE, SMALL
from skykeep.interfaces.provider import OpenContext
from skykeep.providers.aws.s3.opening import open_objects
from skykeep.providers.aws.settings import AwsSettings

KEYS = {"AWS_ACCESS_KEY_ID": "AKIDBENCH", "AWS_SECRET_ACCESS_KEY": "made-up"}
BUCKET = "bench"
BODY = b"x" * SMALL
LARGE_ROUNDS = 5
Wave = Callable[[], Clock]


def settings(port: int) -> AwsSettings:
    """A target that is the server."""
    given = {
        "backend": "aws",
        "region": "us-east-1",
        "bucket": BUCKET,
        "objects_endpoint": f"http://127.0.0.1:{port}",
    }
    return msgspec.convert(given, AwsSettings)


def judge(port: int) -> Any:
    """A client of boto3, with room for a connection a thread."""
    config = botocore.config.Config(
        max_pool_connections=AT_ONCE, s3={"addressing_style": "path"}
    )
    return boto3.client(
        "s3",
        endpoint_url=f"http://127.0.0.1:{port}",
        region_name="us-east-1",
        aws_access_key_id=KEYS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=KEYS["AWS_SECRET_ACCESS_KEY"],
        config=config,
    )


def raw(port: int) -> tuple[Any, Any]:
    """obstore, and a store of its own over the server."""
    obstore, stores = (
        importlib.import_module("obstore"),
        importlib.import_module("obstore.store"),
    )
    store = stores.S3Store(
        BUCKET,
        endpoint=f"http://127.0.0.1:{port}",
        access_key_id=KEYS["AWS_ACCESS_KEY_ID"],
        secret_access_key=KEYS["AWS_SECRET_ACCESS_KEY"],
        region="us-east-1",
        virtual_hosted_style_request=False,
        client_options={"allow_http": True},
    )
    return obstore, store


def has_obstore() -> bool:
    return importlib.util.find_spec("obstore") is not None


# -- 4 KiB, 64 at once


async def waves(work: Callable[[str], Awaitable[object]]) -> Clock:
    """``WAVES`` times 64 at once."""
    with Clock() as clock:
        for _ in range(WAVES):
            await asyncio.gather(*(work(f"a/{number}") for number in range(AT_ONCE)))
    return clock


def threaded(threads: ThreadPoolExecutor, work: Callable[[str], object]) -> Clock:
    """The same in threads."""
    with Clock() as clock:
        for _ in range(WAVES):
            list(threads.map(work, [f"a/{number}" for number in range(AT_ONCE)]))
    return clock


Small = dict[str, tuple[float, float]]
"""What is called -> microseconds of the processor and of the wall, of one call."""


def small(port: int) -> Small:
    """4 KiB, 64 at once: medians."""
    threads = ThreadPoolExecutor(AT_ONCE)
    with asyncio.Runner() as runner, rival("s3fs", port) as s3fs:
        driver = runner.run(open_objects(settings(port), OpenContext("bench", KEYS, Path)))
        cloud = opened_cloud(settings(port), KEYS)
        client = judge(port)
        rivals: dict[str, Wave] = {}

        def asynchronous(name: str, work: Callable[[str], Awaitable[object]]) -> None:
            rivals[name] = lambda: runner.run(waves(work))

        def in_threads(name: str, work: Callable[[str], object]) -> None:
            rivals[name] = lambda: threaded(threads, work)

        def boto_get(key: str) -> object:
            return client.get_object(Bucket=BUCKET, Key=key)["Body"].read()

        def boto_put(key: str) -> object:
            return client.put_object(Bucket=BUCKET, Key=key, Body=BODY)

        in_threads("get: boto3", boto_get)
        in_threads("put: boto3", boto_put)
        asynchronous("get: driver", driver.read)
        asynchronous("put: driver", lambda key: driver.write(key, BODY))
        asynchronous("get: all layers", cloud.objects.get)
        asynchronous("put: all layers", lambda key: cloud.objects.put(key, BODY))
        if has_obstore():
            obstore, store = raw(port)

            async def raw_get(key: str) -> object:
                return await (await obstore.get_async(store, key)).bytes_async()

            asynchronous("get: obstore", raw_get)
            asynchronous("put: obstore", lambda key: obstore.put_async(store, key, BODY))
        if s3fs is not None:
            rivals["get: s3fs"] = partial(s3fs.waves, "get")
            rivals["put: s3fs"] = partial(s3fs.waves, "put")
        found = medians(rivals)
        runner.run(cloud.close())
        runner.run(driver.close())
    threads.shutdown()
    return found


def medians(rivals: Mapping[str, Wave]) -> Small:
    """Of rounds in which all take turns, after one that is not counted.

    What is there by then is out of the garbage collector's sight: nobody pays for looking
    through the service models of another.
    """
    figures: dict[str, list[tuple[float, float]]] = {name: [] for name in sorted(rivals)}
    for turn in range(ROUNDS + 1):
        for name, found in figures.items():
            clock = rivals[name]()
            calls = AT_ONCE * WAVES
            if turn:
                found.append((clock.cpu / calls, clock.wall / calls))
        gc.collect()
        gc.freeze()
    gc.unfreeze()
    return {
        name: (
            statistics.median(cpu for cpu, _ in found),
            statistics.median(wall for _, wall in found),
        )
        for name, found in figures.items()
    }


def print_small(figures: Small) -> None:
    """As a table."""
    print(f"{'4 KiB, 64 at once':32}{'CPU us':>10}{'wall us':>10}")
    for name, (cpu, wall) in figures.items():
        print(f"{name:32}{cpu:10.0f}{wall:10.0f}")


# -- 256 MiB, each in a process of its own


def large(name: str, direction: str, port: int) -> dict[str, float]:
    """One transfer of a file: seconds, seconds of the processor, MiB of memory over idle."""
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "body"
        with file.open("wb") as made:
            made.truncate(LARGE)
        before: float
        if name == "skykeep":
            with asyncio.Runner() as runner:
                cloud = opened_cloud(settings(port), KEYS)
                runner.run(cloud.objects.put("warm", b""))
                before = peak()
                clock = runner.run(ours(cloud, direction, file))
                runner.run(cloud.close())
        elif name == "boto3":
            client, config = judge(port), TransferConfig()
            client.put_object(Bucket=BUCKET, Key="warm", Body=b"")
            before = peak()
            with Clock() as clock:
                if direction == "up":
                    client.upload_file(str(file), BUCKET, "large", Config=config)
                else:
                    client.download_file(BUCKET, "large", str(file), Config=config)
        else:
            clock, before = bare(*raw(port), direction, file)
        return {
            "seconds": clock.wall / 1e6,
            "processor": clock.cpu / 1e6,
            "memory": peak() - before,
        }


def bare(obstore: Any, store: Any, direction: str, file: Path) -> tuple[Clock, float]:
    """By obstore; and the peak of memory before."""
    obstore.put(store, "warm", b"")
    before = peak()
    with Clock() as clock:
        if direction == "up":
            obstore.put(store, "large", file)
        else:
            with file.open("wb") as sink:
                for chunk in obstore.get(store, "large").stream():
                    sink.write(chunk)
    return clock, before


async def ours(cloud: Any, direction: str, file: Path) -> Clock:
    """By skykeep."""
    with Clock() as clock:
        if direction == "up":
            await cloud.objects.put("large", file)
        else:
            with file.open("wb") as sink:
                async with cloud.objects.stream("large") as body:
                    async for chunk in body:
                        await asyncio.to_thread(sink.write, chunk)
    return clock


def peak() -> float:
    """The most memory that this process has had, MiB.

    Not ``ru_maxrss`` where Linux tells more: a program that is started has its parent's.
    """
    status = Path("/proc/self/status")
    if status.exists():
        lines = status.read_text().splitlines()
        told = next(line for line in lines if line.startswith("VmHWM:"))
        return int(told.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def transfers(
    port: int, module: str = "bench.s3", sdk: str = "boto3", also: Sequence[str] = ()
) -> dict[str, dict[str, float]]:
    """256 MiB, by direction and rival: medians of what ``large`` of a module tells.

    ``also``: more of them that go up.
    """
    middle: dict[str, dict[str, float]] = {}
    for direction in ("up", "down"):
        rivals = ["skykeep", sdk, *(["obstore"] if has_obstore() else [])]
        rivals += also if direction == "up" else ()
        figures: dict[str, list[dict[str, float]]] = {name: [] for name in rivals}
        for _ in range(LARGE_ROUNDS):
            for name in rivals:
                command = [
                    sys.executable,
                    "-m",
                    module,
                    "large",
                    name,
                    direction,
                    str(port),
                ]
                said = subprocess.run(command, check=True, capture_output=True).stdout
                figures[name].append(json.loads(said))
        for name, found in figures.items():
            middle[f"{direction}: {name}"] = {
                key: statistics.median(each[key] for each in found) for key in found[0]
            }
    return middle


def print_transfers(figures: Mapping[str, Mapping[str, float]]) -> None:
    """As a table."""
    print(f"\n{'256 MiB':24}{'MiB/s':>10}{'CPU s':>10}{'MiB over idle':>15}")
    for name, each in figures.items():
        speed = LARGE / 1024 / 1024 / each["seconds"]
        print(f"{name:24}{speed:10.0f}{each['processor']:10.2f}{each['memory']:15.0f}")


def main() -> None:
    prepare()
    with served("bench.s3_server") as port:
        print_small(small(port))
    with served("bench.transfer_server") as port:
        print_transfers(transfers(port))


if __name__ == "__main__":
    if sys.argv[1:2] == ["large"]:
        print(json.dumps(large(sys.argv[2], sys.argv[3], int(sys.argv[4]))))
    else:
        main()
