"""``PYTHON rivals_objects.py {s3fs,adlfs} PORT``: objects through a file system of fsspec.

A process of its own, in an environment of its own (``requirements/rivals.txt``: their pins
clash with boto3's): it imports nothing of ours. For every line on its input, ``get`` or
``put``, it does the waves of ``bench.s3``, 64 objects of 4 KiB at once, through the library's
own coroutines, and answers with a line: microseconds of the processor and of the wall for one
call, as JSON. Ends with its input.

The calls are ``_cat_file`` and ``_pipe_file``: those that ``cat_file`` and ``pipe_file`` hand
to a thread with a loop (fsspec ``asyn.py``), without that thread.
"""

from __future__ import annotations

import asyncio
import base64
import importlib
import json
import sys
import time
from typing import Any

AT_ONCE, WAVES = 64, 10
BODY = b"x" * 4096


def s3fs_at(port: int) -> Any:
    """The bucket of ``bench.s3``."""
    return importlib.import_module("s3fs").S3FileSystem(
        key="AKIDBENCH",
        secret="made-up",
        endpoint_url=f"http://127.0.0.1:{port}",
        client_kwargs={"region_name": "us-east-1"},
        config_kwargs={"max_pool_connections": AT_ONCE, "s3": {"addressing_style": "path"}},
        asynchronous=True,
        skip_instance_cache=True,
    )


def adlfs_at(port: int) -> Any:
    """The container of ``bench.blob``."""
    key = base64.b64encode(b"made up").decode()
    return importlib.import_module("adlfs").AzureBlobFileSystem(
        connection_string=f"DefaultEndpointsProtocol=http;AccountName=benchaccount;"
        f"AccountKey={key};BlobEndpoint=http://127.0.0.1:{port}/benchaccount;",
        asynchronous=True,
        skip_instance_cache=True,
    )


async def waves(work: Any) -> dict[str, float]:
    """Microseconds of a call."""
    cpu, wall = time.process_time(), time.perf_counter()
    for _ in range(WAVES):
        await asyncio.gather(*(work(f"bench/a/{number}") for number in range(AT_ONCE)))
    each = 1e6 / AT_ONCE / WAVES
    return {
        "cpu": (time.process_time() - cpu) * each,
        "wall": (time.perf_counter() - wall) * each,
    }


async def main(name: str, port: int) -> None:
    """Answer until the input ends."""
    files = {"s3fs": s3fs_at, "adlfs": adlfs_at}[name](port)
    if name == "s3fs":
        await files.set_session()
    work = {"get": files._cat_file, "put": lambda key: files._pipe_file(key, BODY)}
    assert await files._cat_file("bench/a/0") is not None
    while line := await asyncio.to_thread(sys.stdin.readline):
        print(json.dumps(await waves(work[line.strip()])), flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
