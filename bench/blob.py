"""``python -m bench.blob``: blobs of 4 KiB and of 256 MiB, beside azure-storage-blob, obstore
and adlfs.

All in one run on loopback, rivals in turns, medians; the servers (``bench.blob_server``,
``bench.transfer_server``) are processes of their own. obstore is measured where it is
installed, adlfs where ``bench.rival_process`` keeps it; azure-storage-blob is in
``requirements/dev.txt``. Prints tables; takes about two minutes. ``large NAME DIRECTION PORT``
is as that of ``bench.s3``.
"""

from __future__ import annotations

import asyncio
import base64
import importlib
import json
import sys
import tempfile
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
from azure.storage.blob import ContainerClient
from azure.storage.blob.aio import ContainerClient as AsyncContainerClient

from bench.reads import AT_ONCE, Clock, opened_cloud, served
from bench.rival_process import prepare, rival
from bench.s3 import (
    BODY,
    Small,
    Wave,
    bare,
    has_obstore,
    medians,
    ours,
    peak,
    print_small,
    print_transfers,
    threaded,
    waves,
)
from bench.s3 import transfers as s3_transfers
from bench.s3_server import LARGE
from skykeep.interfaces.provider import OpenContext
from skykeep.providers.azure.blob.opening import open_objects
from skykeep.providers.azure.settings import AzureSettings

SDK = "azure-storage-blob"
ACCOUNT, CONTAINER = "benchaccount", "bench"
KEY = base64.b64encode(b"made up").decode()
ENVIRON = {"STORAGE_KEY": KEY}


def address(port: int) -> str:
    """Of the account."""
    return f"http://127.0.0.1:{port}/{ACCOUNT}"


def settings(port: int, checksum: str = "md5") -> AzureSettings:
    """A target that is the server."""
    given = {
        "backend": "azure",
        "storage_account": ACCOUNT,
        "container": CONTAINER,
        "objects_endpoint": address(port),
        "account_key_env": "STORAGE_KEY",
        "object_checksum": checksum,
    }
    return msgspec.convert(given, AzureSettings)


def raw(port: int) -> tuple[Any, Any]:
    """obstore, and a store of its own over the server."""
    obstore: Any = importlib.import_module("obstore")
    stores: Any = importlib.import_module("obstore.store")
    store = stores.AzureStore(
        CONTAINER,
        account_name=ACCOUNT,
        account_key=KEY,
        endpoint=address(port),
        client_options={"allow_http": True},
    )
    return obstore, store


def obstore_of(port: int) -> dict[str, Callable[[str], Awaitable[object]]]:
    """obstore, if it is here."""
    if not has_obstore():
        return {}
    obstore, store = raw(port)

    async def get(key: str) -> object:
        return await (await obstore.get_async(store, key)).bytes_async()

    return {
        "get: obstore": get,
        "put: obstore": lambda key: obstore.put_async(store, key, BODY),
    }


def small(port: int) -> Small:
    """4 KiB, 64 at once: medians."""
    threads = ThreadPoolExecutor(AT_ONCE)
    client = ContainerClient(address(port), CONTAINER, credential=KEY)
    with asyncio.Runner() as runner, rival("adlfs", port) as adlfs:
        driver = runner.run(open_objects(settings(port), OpenContext("bench", ENVIRON, Path)))
        cloud = opened_cloud(settings(port), ENVIRON)
        theirs = AsyncContainerClient(address(port), CONTAINER, credential=KEY)

        async def read(key: str) -> object:
            return await (await theirs.download_blob(key)).readall()

        work: dict[str, Callable[[str], Awaitable[object]]] = {
            "get: driver": driver.read,
            "put: driver": lambda key: driver.write(key, BODY),
            "get: all layers": cloud.objects.get,
            "put: all layers": lambda key: cloud.objects.put(key, BODY),
            "get: azure-storage-blob, aio": read,
            "put: azure-storage-blob, aio": lambda key: theirs.upload_blob(
                key, BODY, overwrite=True
            ),
            **obstore_of(port),
        }
        blocking: dict[str, Callable[[str], object]] = {
            "get: azure-storage-blob": lambda key: client.download_blob(key).readall(),
            "put: azure-storage-blob": lambda key: client.upload_blob(
                key, BODY, overwrite=True
            ),
        }
        rivals: dict[str, Wave] = {
            **{name: partial(_run, runner, call) for name, call in work.items()},
            **{name: partial(threaded, threads, call) for name, call in blocking.items()},
        }
        if adlfs is not None:
            rivals["get: adlfs"] = partial(adlfs.waves, "get")
            rivals["put: adlfs"] = partial(adlfs.waves, "put")
        found = medians(rivals)
        runner.run(theirs.close())
        runner.run(cloud.close())
        runner.run(driver.close())
    client.close()
    threads.shutdown()
    return found


def _run(runner: asyncio.Runner, work: Callable[[str], Awaitable[object]]) -> Clock:
    return runner.run(waves(work))


# -- 256 MiB, each in a process of its own


def large(name: str, direction: str, port: int) -> dict[str, float]:
    """As ``bench.s3.large``. The SDK and obstore send no checksum unless they are told to, and
    making one takes longer than the rest: both are measured with MD5 and without."""
    name, _, checksum = name.partition(", ")
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "body"
        with file.open("wb") as made:
            made.truncate(LARGE)
        if name == "skykeep":
            with asyncio.Runner() as runner:
                cloud = opened_cloud(settings(port, checksum.lower() or "none"), ENVIRON)
                runner.run(cloud.objects.put("warm", b""))
                before = peak()
                clock = runner.run(ours(cloud, direction, file))
                runner.run(cloud.close())
        elif name == SDK:
            with ContainerClient(address(port), CONTAINER, credential=KEY) as client:
                client.upload_blob("warm", b"", overwrite=True)
                before = peak()
                with Clock() as clock:
                    _by_sdk(client, direction, file, validate=bool(checksum))
        else:
            clock, before = bare(*raw(port), direction, file)
        return {
            "seconds": clock.wall / 1e6,
            "processor": clock.cpu / 1e6,
            "memory": peak() - before,
        }


def _by_sdk(client: ContainerClient, direction: str, file: Path, *, validate: bool) -> None:
    if direction == "up":
        with file.open("rb") as body:
            client.upload_blob(
                "large", body, overwrite=True, max_concurrency=4, validate_content=validate
            )
    else:
        with file.open("wb") as sink:
            client.download_blob("large", max_concurrency=4).readinto(sink)


def transfers(port: int) -> dict[str, dict[str, float]]:
    """256 MiB, by direction and rival."""
    return s3_transfers(port, "bench.blob", SDK, ["skykeep, MD5", f"{SDK}, MD5"])


def main() -> None:
    prepare()
    with served("bench.blob_server") as port:
        print_small(small(port))
    with served("bench.transfer_server") as port:
        print_transfers(transfers(port))


if __name__ == "__main__":
    if sys.argv[1:2] == ["large"]:
        print(json.dumps(large(sys.argv[2], sys.argv[3], int(sys.argv[4]))))
    else:
        main()
