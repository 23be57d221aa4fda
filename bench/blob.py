"""``python -m bench.blob``: blobs of 4 KiB, 64 at once, beside azure-storage-blob, obstore and
adlfs.

All in one run on loopback, rivals in turns, medians; the server (``bench.blob_server``) is a
process of its own. obstore and adlfs are measured where they are installed; azure-storage-blob
is in ``requirements/dev.txt``. Prints a table; takes about a minute.
"""

from __future__ import annotations

import asyncio
import base64
import importlib
import statistics
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import msgspec
from azure.storage.blob import ContainerClient
from azure.storage.blob.aio import ContainerClient as AsyncContainerClient

from bench.reads import AT_ONCE, ROUNDS, WAVES, Clock, opened_cloud, served
from bench.s3 import BODY, threaded, waves
from skykeep.interfaces.provider import OpenContext
from skykeep.providers.azure.blob.opening import open_objects
from skykeep.providers.azure.settings import AzureSettings

ACCOUNT, CONTAINER = "benchaccount", "bench"
KEY = base64.b64encode(b"made up").decode()
ENVIRON = {"STORAGE_KEY": KEY}


def address(port: int) -> str:
    """Of the account."""
    return f"http://127.0.0.1:{port}/{ACCOUNT}"


def settings(port: int) -> AzureSettings:
    """A target that is the server."""
    given = {
        "backend": "azure",
        "storage_account": ACCOUNT,
        "container": CONTAINER,
        "objects_endpoint": address(port),
        "account_key_env": "STORAGE_KEY",
    }
    return msgspec.convert(given, AzureSettings)


def obstore_of(port: int) -> dict[str, Callable[[str], Awaitable[object]]]:
    """obstore, if it is here."""
    if find_spec("obstore") is None:
        return {}
    obstore: Any = importlib.import_module("obstore")
    stores: Any = importlib.import_module("obstore.store")
    store = stores.AzureStore(
        CONTAINER,
        account_name=ACCOUNT,
        account_key=KEY,
        endpoint=address(port),
        client_options={"allow_http": True},
    )

    async def get(key: str) -> object:
        return await (await obstore.get_async(store, key)).bytes_async()

    return {
        "get: obstore": get,
        "put: obstore": lambda key: obstore.put_async(store, key, BODY),
    }


def adlfs_of(port: int) -> dict[str, Callable[[str], object]]:
    """adlfs, if it is here."""
    if find_spec("adlfs") is None:
        return {}
    adlfs: Any = importlib.import_module("adlfs")
    string = f"AccountName={ACCOUNT};AccountKey={KEY};BlobEndpoint={address(port)}"
    files = adlfs.AzureBlobFileSystem(connection_string=string)
    return {
        "get: adlfs": lambda key: files.cat_file(f"{CONTAINER}/{key}"),
        "put: adlfs": lambda key: files.pipe_file(f"{CONTAINER}/{key}", BODY),
    }


def measure(port: int) -> None:
    """Prints the table."""
    threads = ThreadPoolExecutor(AT_ONCE)
    client = ContainerClient(address(port), CONTAINER, credential=KEY)
    with asyncio.Runner() as runner:
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
            **adlfs_of(port),
        }
        figures: dict[str, list[tuple[float, float]]] = {
            name: [] for name in sorted([*work, *blocking])
        }
        for _ in range(ROUNDS):
            for name, found in figures.items():
                clock: Clock
                if name in work:
                    clock = runner.run(waves(work[name]))
                else:
                    clock = threaded(threads, blocking[name])
                calls = AT_ONCE * WAVES
                found.append((clock.cpu / calls, clock.wall / calls))
        runner.run(theirs.close())
        runner.run(cloud.close())
        runner.run(driver.close())
    client.close()
    threads.shutdown()
    print(f"{'4 KiB, 64 at once':32}{'CPU us':>10}{'wall us':>10}")
    for name, found in figures.items():
        cpu, wall = (statistics.median(each) for each in zip(*found, strict=True))
        print(f"{name:32}{cpu:10.0f}{wall:10.0f}")


if __name__ == "__main__":
    with served("bench.blob_server") as listening:
        measure(listening)
