"""Uploads in parts: their records, other writers, and whoever is killed in the middle."""

from __future__ import annotations

import asyncio
import json
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio
from azure.storage.blob import ContainerClient

from skykeep import Cloud
from skykeep.conformance.cases import refused
from skykeep.conformance.objects_cases import ABSENT, body, kinds, outcome
from skykeep.errors import Conflict, Invalid, NotFound, Unavailable
from skykeep.interfaces.object_driver import ObjectAttributes
from skykeep.providers.azure.blob import parts as module
from skykeep.providers.azure.blob import writing
from skykeep.providers.azure.blob.names import RECORDS
from skykeep.providers.azure.blob.writing import BlobObjects
from skykeep.settings.model import Environment
from tests.peers.blob import ACCOUNT, KEY, Azurite
from tests.peers.faults import FaultProxy
from tests.providers.azure.blob.going_wrong_blob import asks, says
from tests.providers.azure.blob.opening_blob import ENVIRON, opened
from tests.providers.azure.opening import settings
from tests.repo.tree import ROOT

pytestmark = pytest.mark.asyncio

# Sends one part of an upload, says so, and waits to be killed.
BEGINS = """
import asyncio, sys
from pathlib import Path
import msgspec
from skykeep.interfaces.provider import OpenContext
from skykeep.providers.azure.blob.opening import open_objects
from skykeep.providers.azure.settings import AzureSettings

async def main():
    given = msgspec.convert(msgspec.json.decode(sys.argv[1]), AzureSettings)
    driver = await open_objects(given, OpenContext("x", {"STORAGE_KEY": sys.argv[2]}, Path))
    upload = await driver.begin_upload("dir/large")
    await driver.write_part("dir/large", upload, 1, b"x" * 100_000)
    print(upload, flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""


@pytest.fixture
def prefix() -> str:
    return f"uploads/{secrets.token_hex(8)}/"


@pytest_asyncio.fixture
async def driver(azurite: Azurite, prefix: str) -> AsyncIterator[BlobObjects]:
    made = await opened(azurite, azurite.shared_container(), objects_prefix=prefix)
    yield made
    await made.close()


@pytest_asyncio.fixture
async def other(azurite: Azurite, prefix: str) -> AsyncIterator[BlobObjects]:
    made = await opened(azurite, azurite.shared_container(), objects_prefix=prefix)
    yield made
    await made.close()


def names(azurite: Azurite, prefix: str) -> list[str]:
    """Of all blobs below the prefix, records too."""
    client: ContainerClient
    with azurite.client(azurite.shared_container()) as client:
        return [each.name for each in client.list_blobs(name_starts_with=prefix)]


async def test_another_driver_ends_what_was_begun_here(
    driver: BlobObjects, other: BlobObjects
) -> None:
    upload = await driver.begin_upload("made")
    first = await driver.write_part("made", upload, 1, body("1"))
    second = await other.write_part("made", upload, 2, body("2"))
    info = await other.complete_upload("made", upload, [first, second])
    assert (await driver.read("made")).data == body("1") + body("2")
    assert info.etag == (await driver.head("made")).etag
    await refused(NotFound, driver.complete_upload("made", upload, [first]))
    await refused(NotFound, driver.write_part("made", upload, 3, body("3")))


async def test_an_end_elsewhere_is_noticed_in_time(
    driver: BlobObjects, other: BlobObjects, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = await driver.begin_upload("made")
    await other.abort_upload("made", upload)
    token = await driver.write_part("made", upload, 1, body())
    later = time.monotonic() + module.SEEN + 1
    monkeypatch.setattr(time, "monotonic", lambda: later)
    await refused(NotFound, driver.write_part("made", upload, 1, body()))
    await refused(NotFound, driver.complete_upload("made", upload, [token]))


async def test_a_write_of_the_key_ends_its_uploads(azurite: Azurite, prefix: str) -> None:
    with FaultProxy(azurite.server.address) as proxy:
        driver = await opened(
            azurite,
            azurite.shared_container(),
            address=f"{proxy.address}/{ACCOUNT}",
            objects_prefix=prefix,
        )
        upload = await driver.begin_upload("made")
        token = await driver.write_part("made", upload, 1, body("part"))
        await driver.write("made", body("whole"))
        # Azure has dropped the part by now; Azurite keeps it.
        proxy.fail(says("InvalidBlockList", 400), when=asks("PUT", "comp=blocklist"))
        await refused(NotFound, driver.complete_upload("made", upload, [token]))
        assert (await driver.read("made")).data == body("whole")
        assert list(await driver.uploads("")) == []
        await driver.close()
    assert names(azurite, prefix) == [f"{prefix}made"]


@pytest.mark.parametrize("size", [0, 1, 1000, 2500])
async def test_parts_are_no_object_to_who_creates_one(
    driver: BlobObjects, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(writing, "MAX_PART", 1000)
    attributes = ObjectAttributes("text/x-test", {"one-two": "1"}, {"team": "ml"}, "Cool")
    upload = await driver.begin_upload("made")
    token = await driver.write_part("made", upload, 1, body("part"))
    made = await driver.write("made", body(size=size), attributes, ABSENT)
    found = await driver.read("made")
    assert (found.data, found.info.etag, made.size) == (body(size=size), made.etag, size)
    assert (found.info.content_type, found.info.metadata) == ("text/x-test", {"one-two": "1"})
    assert (await driver.head("made")).storage_class == made.storage_class == "Cool"
    assert await driver.tags("made") == {"team": "ml"}
    await refused(Conflict, driver.write("made", body("later"), condition=ABSENT))
    await refused(NotFound, driver.complete_upload("made", upload, [token]))


async def test_of_two_who_create_over_parts_one_wins(
    driver: BlobObjects, other: BlobObjects
) -> None:
    upload = await driver.begin_upload("made")
    await driver.write_part("made", upload, 1, body("part"))
    outcomes = await asyncio.gather(
        *(
            outcome(each.write("made", body(f"{n}"), condition=ABSENT))
            for n, each in enumerate([driver, other] * 4)
        )
    )
    assert kinds(outcomes) == ["Conflict"] * 7 + ["ObjectInfo"]
    assert (await driver.read("made")).data in {body(f"{n}") for n in range(8)}


async def test_a_part_of_another_upload_is_none_of_this(driver: BlobObjects) -> None:
    one, two = await driver.begin_upload("made"), await driver.begin_upload("made")
    ours = await driver.write_part("made", one, 1, body("1"))
    theirs = await driver.write_part("made", two, 1, body("2"))
    number, size, block = ours.split()
    for tokens in ([theirs], [f"2 {size} {block}"], [f"{number} {size}"], [ours, ours]):
        await refused(Invalid, driver.complete_upload("made", one, tokens))
    await driver.complete_upload("made", one, [ours])


async def test_only_the_last_part_may_be_empty(driver: BlobObjects) -> None:
    for count in (1, 2):
        upload = await driver.begin_upload("made")
        bodies = [body()] * (count - 1) + [b""]
        tokens = [
            await driver.write_part("made", upload, n, b) for n, b in enumerate(bodies, 1)
        ]
        info = await driver.complete_upload("made", upload, tokens)
        assert (await driver.read("made")).data == b"".join(bodies)
        assert info.size == len(b"".join(bodies))
    upload = await driver.begin_upload("made")
    tokens = [await driver.write_part("made", upload, n, b) for n, b in ((1, b""), (2, b"x"))]
    await refused(Invalid, driver.complete_upload("made", upload, tokens))


async def test_a_part_larger_than_azure_takes(
    driver: BlobObjects, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_PART", 1000)
    upload = await driver.begin_upload("made")
    for size in (999, 1000):
        await driver.write_part("made", upload, 1, b"x" * size)
    error = await refused(Invalid, driver.write_part("made", upload, 1, b"x" * 1001))
    assert "1,000" in str(error)


async def test_a_body_larger_than_azure_takes(
    driver: BlobObjects, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("skykeep.providers.azure.blob.writing.MAX_WRITE", 1000)
    for size in (999, 1000):
        await driver.write("made", b"x" * size)
    error = await refused(Invalid, driver.write("made", b"x" * 1001))
    assert "1,000" in str(error)


async def test_parts_of_another_tool_are_in_the_way(
    driver: BlobObjects, azurite: Azurite, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from skykeep.providers.azure.blob.errors import Failure

    upload = await driver.begin_upload("made")
    told = Failure(400, "InvalidBlobOrBlock", "", "request-1")
    ask = driver._container.ask

    async def refusing(method: str, *arguments: object, **options: object) -> object:
        if method == "PUT":
            return None, told
        return await ask(method, *arguments, **options)  # type: ignore[arg-type]  # as it was given

    monkeypatch.setattr(driver._container, "ask", refusing)
    error = await refused(Conflict, driver.write_part("made", upload, 1, body()))
    assert "another tool" in str(error)


async def test_records_are_no_objects(
    driver: BlobObjects, azurite: Azurite, prefix: str
) -> None:
    upload = await driver.begin_upload("dir/made")
    assert names(azurite, prefix) == [f"{prefix}{RECORDS}{upload}"]
    for delimiter in (False, True):
        page = await driver.list("", cursor=None, limit=10, delimiter=delimiter)
        assert (list(page.items), list(page.prefixes)) == ([], [])


async def test_a_record_that_is_damaged(
    driver: BlobObjects, azurite: Azurite, prefix: str
) -> None:
    upload = await driver.begin_upload("made")
    token = await driver.write_part("made", upload, 1, body())
    with azurite.client(azurite.shared_container()) as client:
        client.upload_blob(f"{prefix}{RECORDS}{upload}", b"{", overwrite=True)
        client.upload_blob(f"{prefix}{RECORDS}{'0' * 32}", b"{}")
        client.upload_blob(f"{prefix}{RECORDS}other", b"x", metadata={"skykeep_key": "YQ=="})
    await refused(Unavailable, driver.complete_upload("made", upload, [token]))
    assert list(await driver.uploads("")) == []
    await driver.abort_upload("made", upload)


async def test_uploads_have_their_time(driver: BlobObjects) -> None:
    before = datetime.now(UTC) - timedelta(seconds=2)
    ids = [await driver.begin_upload(f"key-{n}") for n in range(3)]
    found = await driver.uploads("")
    assert sorted(each.id for each in found) == sorted(ids)
    assert all(each.begun_at is not None and each.begun_at >= before for each in found)


async def test_who_is_killed_in_an_upload_leaves_nothing_that_is_seen(
    driver: BlobObjects, azurite: Azurite, prefix: str
) -> None:
    given = {
        "backend": "azure",
        "storage_account": ACCOUNT,
        "container": azurite.shared_container(),
        "objects_endpoint": azurite.address,
        "objects_prefix": prefix,
        "account_key_env": "STORAGE_KEY",
    }
    process = subprocess.Popen(  # noqa: ASYNC220  (a child to kill; nothing else runs here)
        [sys.executable, "-c", BEGINS, json.dumps(given), KEY],
        stdout=subprocess.PIPE,
        cwd=ROOT,
        text=True,
    )
    assert process.stdout is not None
    upload = process.stdout.readline().strip()
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert (await driver.list("", cursor=None, limit=10)).items == []
    await refused(NotFound, driver.head("dir/large"))
    (left,) = await driver.uploads("dir")
    assert (left.key, left.id) == ("dir/large", upload)
    environment = Environment(primary=settings(**given))
    async with Cloud(environment, environ=ENVIRON) as cloud:
        assert await cloud.objects.collect() == 0
        assert await cloud.objects.collect(older_than=timedelta(0)) == 1
    assert list(await driver.uploads("")) == []
    assert names(azurite, prefix) == []
