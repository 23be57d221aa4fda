"""Listings as Azure gives them and Azurite does not."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from skykeep.conformance.cases import refused
from skykeep.errors import Invalid
from skykeep.providers.azure.blob.writing import BlobObjects
from tests.peers.blob import ACCOUNT, Azurite
from tests.peers.faults import Answer, FaultProxy
from tests.providers.azure.blob.going_wrong_blob import XML, asks, says
from tests.providers.azure.blob.opening_blob import opened

pytestmark = pytest.mark.asyncio

ENTRY = (
    "<Blob><Name{how}>{name}</Name><Properties>{more}"
    "<Last-Modified>Sun, 01 Mar 2026 10:00:00 GMT</Last-Modified><Etag>0x8D</Etag>"
    "<Content-Length>5</Content-Length><Content-Type>text/plain</Content-Type>"
    "<AccessTier>Hot</AccessTier><AccessTierInferred>true</AccessTierInferred>"
    "</Properties></Blob>"
)


@pytest.fixture
def proxy(azurite: Azurite) -> Iterator[FaultProxy]:
    with FaultProxy(azurite.server.address) as made:
        yield made


@pytest_asyncio.fixture
async def driver(proxy: FaultProxy, azurite: Azurite) -> AsyncIterator[BlobObjects]:
    made = await opened(azurite, "listings", address=f"{proxy.address}/{ACCOUNT}")
    yield made
    await made.close()


def entry(name: str, how: str = "", more: str = "") -> str:
    return ENTRY.format(name=name, how=how, more=more)


def page(*entries: str, marker: str = "") -> Answer:
    """A page as Azure gives it, with its byte order mark."""
    text = (
        '\ufeff<?xml version="1.0" encoding="utf-8"?><EnumerationResults><Blobs>'
        f"{''.join(entries)}</Blobs><NextMarker>{marker}</NextMarker></EnumerationResults>"
    )
    return Answer(200, text.encode(), (XML,))


async def test_a_name_that_xml_cannot_carry(driver: BlobObjects, proxy: FaultProxy) -> None:
    encoded = entry("a%EF%BF%BEb%25", ' Encoded="true"')
    below = '<BlobPrefix><Name Encoded="true">dir%EF%BF%BF/</Name></BlobPrefix>'
    proxy.fail(page(encoded, entry("plain%25"), below), when=asks("GET"))
    found = await driver.list("", cursor=None, limit=10, delimiter=True)
    assert [item.key for item in found.items] == ["a\ufffeb%", "plain%25"]
    assert found.prefixes == ["dir\uffff"]


async def test_directories_of_a_hierarchical_namespace_are_no_objects(
    driver: BlobObjects, proxy: FaultProxy
) -> None:
    directory = entry("dir", more="<ResourceType>directory</ResourceType>")
    file = entry("dir/file", more="<ResourceType>file</ResourceType>")
    proxy.fail(page(directory, file), when=asks("GET"))
    found = await driver.list("", cursor=None, limit=10)
    assert [item.key for item in found.items] == ["dir/file"]


async def test_what_an_entry_tells(driver: BlobObjects, proxy: FaultProxy) -> None:
    proxy.fail(page(entry("a")), when=asks("GET"))
    (item,) = (await driver.list("", cursor=None, limit=10)).items
    assert (item.size, item.etag, item.content_type) == (5, '"0x8D"', "text/plain")
    assert item.storage_class is None, "a tier that nobody chose is none"
    assert item.modified_at.isoformat() == "2026-03-01T10:00:00+00:00"


async def test_a_page_without_objects_goes_on(driver: BlobObjects, proxy: FaultProxy) -> None:
    proxy.fail(page(marker="2!72!next"), when=asks("GET"))
    first = await driver.list("", cursor=None, limit=10)
    assert (list(first.items), bool(first.cursor)) == ([], True)
    proxy.fail(page(entry("a")), when=asks("GET", "marker=2%2172%21next"))
    second = await driver.list("", cursor=first.cursor, limit=10)
    assert ([item.key for item in second.items], second.cursor) == (["a"], None)


async def test_a_marker_that_azure_does_not_take(
    driver: BlobObjects, proxy: FaultProxy
) -> None:
    proxy.fail(page(marker="old"), when=asks("GET"))
    first = await driver.list("", cursor=None, limit=10)
    proxy.fail(says("InvalidMarker", 400), when=asks("GET"))
    await refused(Invalid, driver.list("", cursor=first.cursor, limit=10))
