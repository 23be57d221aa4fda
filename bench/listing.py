"""``python -m bench.listing``: 100,000 keys listed, beside obstore and boto3's paginator.

All in one run on loopback, rivals in turns, each in a process of its own, which tells its time
and its peak of memory; the server is ``bench.s3_server``. Prints a table; takes about a minute.
``one NAME KEYS PORT`` is one listing.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import subprocess
import sys
from collections.abc import Mapping

from bench.reads import Clock, opened_cloud, served
from bench.s3 import BUCKET, KEYS, has_obstore, judge, peak, raw, settings

MANY, FEW = 100_000, 1_000
ROUNDS = 5


def one(name: str, keys: int, port: int) -> dict[str, float]:
    """List so many keys: seconds, seconds of the processor, MiB of memory over idle."""
    prefix = f"listed-{keys}/"
    found = size = 0
    if name == "skykeep":

        async def ours() -> None:
            nonlocal found, size
            async for info in cloud.objects.list(prefix):
                found += 1
                size += info.size

        with asyncio.Runner() as runner:
            cloud = opened_cloud(settings(port), KEYS)
            runner.run(cloud.objects.put("warm", b""))
            before = peak()
            with Clock() as clock:
                runner.run(ours())
            runner.run(cloud.close())
    elif name == "boto3":
        client = judge(port)
        client.put_object(Bucket=BUCKET, Key="warm", Body=b"")
        before = peak()
        with Clock() as clock:
            pages = client.get_paginator("list_objects_v2")
            for page in pages.paginate(Bucket=BUCKET, Prefix=prefix):
                for item in page["Contents"]:
                    found += 1
                    size += item["Size"]
    else:
        obstore, store = raw(port)
        obstore.put(store, "warm", b"")
        before = peak()
        with Clock() as clock:
            for chunk in obstore.list(store, prefix, chunk_size=1000):
                for meta in chunk:
                    found += 1
                    size += meta["size"]
    assert (found, size) == (keys, sum(range(4096, 4096 + keys)))
    return {
        "seconds": clock.wall / 1e6,
        "processor": clock.cpu / 1e6,
        "memory": peak() - before,
    }


def listings(port: int) -> Mapping[str, Mapping[str, float]]:
    """Medians of each rival; ``grown`` is how much more memory many keys take than few."""
    rivals = ["skykeep", "boto3", *(["obstore"] if has_obstore() else [])]
    figures: dict[tuple[str, int], list[dict[str, float]]] = {}
    for _ in range(ROUNDS):
        for name in rivals:
            for keys in (MANY, FEW):
                command = [sys.executable, "-m", "bench.listing", "one", name]
                done = subprocess.run(
                    [*command, str(keys), str(port)], check=True, capture_output=True
                )
                figures.setdefault((name, keys), []).append(json.loads(done.stdout))

    def middle(name: str, keys: int, what: str) -> float:
        return statistics.median(each[what] for each in figures[name, keys])

    return {
        name: {
            **{what: middle(name, MANY, what) for what in ("seconds", "processor", "memory")},
            "grown": middle(name, MANY, "memory") - middle(name, FEW, "memory"),
        }
        for name in rivals
    }


def print_listings(found: Mapping[str, Mapping[str, float]]) -> None:
    """As a table."""
    print(f"\n{'100,000 keys':24}{'s':>8}{'CPU s':>8}{'MiB':>8}{'more than of 1,000':>20}")
    for name, each in found.items():
        print(
            f"{name:24}{each['seconds']:8.2f}{each['processor']:8.2f}{each['memory']:8.1f}"
            f"{each['grown']:20.1f}"
        )


def main() -> None:
    with served("bench.s3_server") as port:
        print_listings(listings(port))


if __name__ == "__main__":
    if sys.argv[1:2] == ["one"]:
        print(json.dumps(one(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))))
    else:
        main()
