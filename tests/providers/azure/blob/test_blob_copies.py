"""Copies that Azurite makes: in one call, in ranges, and by what right it reads the source."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from skykeep.conformance.cases import refused
from skykeep.conformance.objects_cases import body
from skykeep.errors import Conflict, NotFound, Unavailable
from skykeep.interfaces.object_driver import Condition, ObjectAttributes
from skykeep.providers.azure.blob import copying
from skykeep.providers.azure.blob.writing import BlobObjects
from tests.peers.blob import ACCOUNT, KEY, Azurite
from tests.peers.faults import FaultProxy
from tests.providers.azure.blob.going_wrong_blob import asks, says, seen
from tests.providers.azure.blob.opening_blob import Tokens, by_tokens, opened

pytestmark = pytest.mark.asyncio

SIZE = 5000
KEPT = ObjectAttributes("text/x-test", {"one-two": "1"}, {"team": "ml"}, "Cool")


@pytest.fixture
def proxy(azurite: Azurite) -> Iterator[FaultProxy]:
    with FaultProxy(azurite.server.address) as made:
        yield made


@pytest.fixture
def prefix() -> str:
    return f"copies/{secrets.token_hex(8)}/"


@pytest_asyncio.fixture(params=["key", "signature"])
async def driver(
    request: pytest.FixtureRequest, proxy: FaultProxy, azurite: Azurite, prefix: str
) -> AsyncIterator[BlobObjects]:
    container = azurite.shared_container()
    by = (
        {}
        if request.param == "key"
        else {
            "sas_token_env": "SIGNATURE",
            "environ": {"SIGNATURE": f"?{azurite.signature(container)}"},
        }
    )
    address = f"{proxy.address}/{ACCOUNT}"
    made = await opened(azurite, container, address=address, objects_prefix=prefix, **by)
    yield made
    await made.close()


@pytest.fixture
def in_ranges(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copying, "MAX_COPY", SIZE)
    monkeypatch.setattr(copying, "RANGE", SIZE)


@pytest.mark.usefixtures("in_ranges")
@pytest.mark.parametrize("size", [SIZE - 1, SIZE, SIZE + 1, 2 * SIZE, 2 * SIZE + 1])
async def test_a_copy_is_whole_whatever_its_size(
    driver: BlobObjects, proxy: FaultProxy, azurite: Azurite, prefix: str, size: int
) -> None:
    data = secrets.token_bytes(size)
    await driver.write("source", data, KEPT)
    with azurite.client(azurite.shared_container()) as client:
        blob = client.get_blob_client(f"{prefix}source")
        headers = blob.get_blob_properties().content_settings
        headers.content_encoding, headers.cache_control = "x-none", "max-age=1"
        headers.content_disposition = "inline"
        blob.set_http_headers(headers)
    proxy.seen.clear()
    info = await driver.copy("source", "copied")
    assert seen(proxy).count("PUT") == (1 if size <= SIZE else 1 + -(-size // SIZE))
    for each in proxy.seen:
        if each.request.method == "PUT" and not each.request.body:
            assert b"content-length: 0\r\n" in each.request.head.lower()
    found, head = await driver.read("copied"), await driver.head("copied")
    assert (found.data, head.etag, head.size) == (data, info.etag, info.size)
    assert (head.content_type, head.metadata) == ("text/x-test", {"one-two": "1"})
    assert (head.storage_class, await driver.tags("copied")) == ("Cool", {"team": "ml"})
    with azurite.client(azurite.shared_container()) as client:
        kept = client.get_blob_client(f"{prefix}copied").get_blob_properties()
        assert kept.content_settings.content_encoding == "x-none"
        assert kept.content_settings.cache_control == "max-age=1"
        assert kept.content_settings.content_disposition == "inline"
    assert list(await driver.uploads("")) == []


@pytest.mark.usefixtures("in_ranges")
@pytest.mark.parametrize("size", [SIZE, 2 * SIZE])
async def test_a_copy_is_of_one_source_or_none(
    driver: BlobObjects, proxy: FaultProxy, size: int
) -> None:
    await driver.write("source", b"a" * size)
    old = await driver._head("source", None)
    await driver.write("source", b"b" * size)
    head = driver._head

    async def outdated(key: str, if_match: str | None) -> object:
        return old if key == "source" else await head(key, if_match)

    driver._head = outdated  # type: ignore[method-assign,assignment]  # the source is replaced behind its HEAD
    await refused(Conflict, driver.copy("source", "copied"))
    del driver._head
    await refused(NotFound, driver.head("copied"))


@pytest.mark.usefixtures("in_ranges")
async def test_conditions_of_a_copy_in_ranges(driver: BlobObjects) -> None:
    await driver.write("source", b"x" * (2 * SIZE))
    there = await driver.write("there", body("old"))
    await refused(Conflict, driver.copy("source", "there", Condition(if_absent=True)))
    await refused(Conflict, driver.copy("source", "there", Condition('"0x1"')))
    await refused(Conflict, driver.copy("source", "absent", Condition(there.etag)))
    assert (await driver.read("there")).data == body("old")
    await driver.copy("source", "there", Condition(there.etag))
    assert (await driver.head("there")).size == 2 * SIZE


@pytest.mark.usefixtures("in_ranges")
async def test_a_copy_that_breaks_off_shows_nothing(
    driver: BlobObjects, proxy: FaultProxy
) -> None:
    await driver.write("source", b"x" * (3 * SIZE))
    proxy.fail(says("InternalError", 500), when=asks("PUT", "comp=blocklist"))
    error = await refused(Unavailable, driver.copy("source", "copied"))
    assert KEY not in str(error)
    assert "sig=" not in f"{error} {vars(error)}"
    await refused(NotFound, driver.head("copied"))


@pytest.mark.usefixtures("in_ranges")
async def test_a_write_that_comes_between_is_a_conflict(
    driver: BlobObjects, proxy: FaultProxy
) -> None:
    await driver.write("source", b"x" * (3 * SIZE))
    proxy.fail(says("InvalidBlockList", 400), when=asks("PUT", "comp=blocklist"))
    await refused(Conflict, driver.copy("source", "copied"))


async def test_a_copy_onto_itself_is_what_is_there(driver: BlobObjects) -> None:
    there = await driver.write("made", body(), KEPT)
    copied = await driver.copy("made", "made")
    assert copied.etag == there.etag == (await driver.head("made")).etag
    assert (await driver.copy("made", "made", Condition(there.etag))).etag == there.etag
    await refused(Conflict, driver.copy("made", "made", Condition(if_absent=True)))
    await refused(Conflict, driver.copy("made", "made", Condition('"0x1"')))


async def test_a_source_is_read_by_the_same_token(azurite_tls: Azurite, prefix: str) -> None:
    tokens = Tokens(azurite_tls)
    driver = await by_tokens(
        azurite_tls, azurite_tls.shared_container(), tokens, objects_prefix=prefix
    )
    sent = []
    ask = driver._container.ask

    async def seeing(*arguments: object, **options: object) -> object:
        sent.append(options.get("headers"))
        return await ask(*arguments, **options)  # type: ignore[arg-type]  # as it was given

    driver._container.ask = seeing  # type: ignore[method-assign,assignment]  # to see headers
    try:
        await driver.write("source", body())
        await driver.copy("source", "copied")
        headers = sent[-1]
        assert isinstance(headers, dict)
        assert headers["x-ms-copy-source-authorization"].startswith("Bearer ey")
        assert headers["x-ms-copy-source"].endswith(f"/{prefix}source")
        assert (await driver.read("copied")).data == body()
    finally:
        await driver.close()
