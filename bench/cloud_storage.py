"""``python -m bench.cloud_storage``: objects of 4 KiB and of 256 MiB beside
google-cloud-storage.

All in one run on loopback, rivals in turns, medians; the server
(``bench.cloud_storage_server``) is a process of its own. google-cloud-storage is in
``requirements/dev.txt``; obstore's client writes over the XML API, which that server does not
speak. Prints tables; takes about a minute. ``large NAME DIRECTION PORT`` is one transfer in a
process of its own, which tells its time and its peak of memory.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
import requests.adapters
from google.auth.credentials import AnonymousCredentials
from google.cloud.storage import Client

from bench.reads import AT_ONCE, ROUNDS, WAVES, Clock, opened_cloud, served
from bench.s3 import BODY, LARGE_ROUNDS, Wave, peak, threaded, waves
from bench.s3_server import LARGE
from skykeep.interfaces.provider import OpenContext
from skykeep.providers.gcp.settings import GcpSettings
from skykeep.providers.gcp.storage.opening import open_objects

BUCKET = "bench"
SETTINGS = msgspec.convert({"backend": "gcp", "bucket": BUCKET}, GcpSettings)


def environ(port: int) -> dict[str, str]:
    """The server is an emulator: nobody logs in."""
    return {"STORAGE_EMULATOR_HOST": f"http://127.0.0.1:{port}"}


def judge(port: int) -> Any:
    """A bucket of Google's client, with room for a connection a thread."""
    credentials = AnonymousCredentials()  # type: ignore[no-untyped-call]  # it has no types
    options = {"api_endpoint": f"http://127.0.0.1:{port}"}
    client = Client("bench", credentials=credentials, client_options=options)
    adapter = requests.adapters.HTTPAdapter(pool_maxsize=AT_ONCE)
    client._http.mount("http://", adapter)
    return client.bucket(BUCKET)


def small(port: int) -> None:
    """Prints the table of 4 KiB, 64 at once."""
    threads = ThreadPoolExecutor(AT_ONCE)
    with asyncio.Runner() as runner:
        context = OpenContext("bench", environ(port), Path)
        driver = runner.run(open_objects(SETTINGS, context))
        cloud, bucket = opened_cloud(SETTINGS, environ(port)), judge(port)
        rivals: dict[str, Wave] = {
            "get: SDK": lambda: threaded(
                threads, lambda key: bucket.blob(key).download_as_bytes()
            ),
            "put: SDK": lambda: threaded(
                threads, lambda key: bucket.blob(key).upload_from_string(BODY)
            ),
            "get: driver": lambda: runner.run(waves(driver.read)),
            "put: driver": lambda: runner.run(waves(lambda key: driver.write(key, BODY))),
            "get: all layers": lambda: runner.run(waves(cloud.objects.get)),
            "put: all layers": lambda: runner.run(
                waves(lambda key: cloud.objects.put(key, BODY))
            ),
        }
        figures: dict[str, list[tuple[float, float]]] = {name: [] for name in sorted(rivals)}
        for _ in range(ROUNDS):
            for name, found in figures.items():
                clock = rivals[name]()
                calls = AT_ONCE * WAVES
                found.append((clock.cpu / calls, clock.wall / calls))
        runner.run(cloud.close())
        runner.run(driver.close())
    threads.shutdown()
    print(f"{'4 KiB, 64 at once':24}{'CPU us':>10}{'wall us':>10}")
    for name, found in figures.items():
        cpu, wall = (statistics.median(each) for each in zip(*found, strict=True))
        print(f"{name:24}{cpu:10.0f}{wall:10.0f}")


def large(name: str, direction: str, port: int) -> dict[str, float]:
    """One transfer of a file: seconds, seconds of the processor, MiB of memory over idle."""
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "body"
        with file.open("wb") as made:
            made.truncate(LARGE)
        if name == "skykeep":
            with asyncio.Runner() as runner:
                cloud = opened_cloud(SETTINGS, environ(port))
                runner.run(cloud.objects.put("warm", b""))
                before = peak()
                clock = runner.run(_ours(cloud, direction, file))
                runner.run(cloud.close())
        else:
            bucket = judge(port)
            bucket.blob("warm").upload_from_string(b"")
            before = peak()
            with Clock() as clock:
                blob = bucket.blob("large")
                if direction == "up":
                    blob.upload_from_filename(str(file))
                else:
                    blob.download_to_filename(str(file))
        return {
            "seconds": clock.wall / 1e6,
            "processor": clock.cpu / 1e6,
            "memory": peak() - before,
        }


async def _ours(cloud: Any, direction: str, file: Path) -> Clock:
    with Clock() as clock:
        if direction == "up":
            await cloud.objects.put("large", file)
        else:
            with file.open("wb") as sink:
                async with cloud.objects.stream("large") as body:
                    async for chunk in body:
                        sink.write(chunk)
    return clock


def transfers(port: int) -> None:
    """Prints the table of 256 MiB."""
    print(f"\n{'256 MiB':24}{'MiB/s':>10}{'CPU s':>10}{'MiB over idle':>15}")
    for direction in ("up", "down"):
        figures: dict[str, list[dict[str, float]]] = {"skykeep": [], "SDK": []}
        for _ in range(LARGE_ROUNDS):
            for name, found in figures.items():
                words = ["-m", "bench.cloud_storage", "large", name, direction, str(port)]
                done = subprocess.run([sys.executable, *words], check=True, capture_output=True)
                found.append(json.loads(done.stdout))
        for name, found in figures.items():
            middle = {key: statistics.median(each[key] for each in found) for key in found[0]}
            speed = LARGE / 1024 / 1024 / middle["seconds"]
            print(
                f"{direction + ': ' + name:24}{speed:10.0f}{middle['processor']:10.2f}"
                f"{middle['memory']:15.0f}"
            )


def main() -> None:
    with served("bench.cloud_storage_server") as port:
        small(port)
        transfers(port)


if __name__ == "__main__":
    if sys.argv[1:2] == ["large"]:
        print(json.dumps(large(sys.argv[2], sys.argv[3], int(sys.argv[4]))))
    else:
        main()
