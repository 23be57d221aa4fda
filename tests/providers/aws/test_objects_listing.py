"""A page of a listing is read alike by the expression and by the parser."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.s3_server import listed
from skykeep.errors import Unavailable
from skykeep.interfaces.object_keys import MAX_SEGMENT_BYTES, PLAIN, check_key, is_key
from skykeep.providers.aws.s3 import listing
from skykeep.providers.wire import Reply

SPACE = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'


def one(
    key: str = "a/b", etag: str = "&quot;e&quot;", *, size: str = "7", more: str = ""
) -> str:
    """An element as S3 writes it."""
    return (
        f"<Contents><Key>{key}</Key><LastModified>2026-11-22T04:34:00.000Z</LastModified>"
        f"<ETag>{etag}</ETag>{more}<Size>{size}</Size>"
        "<StorageClass>STANDARD</StorageClass></Contents>"
    )


def reply(contents: str, before: str = "", after: str = "") -> Reply:
    text = f"<ListBucketResult {SPACE}>{before}{contents}{after}</ListBucketResult>"
    return Reply(200, {}, text.encode())


def test_what_s3_writes_is_read_at_once_and_as_the_parser_reads_it() -> None:
    body = listed(2_500, 1).partition(b"\r\n\r\n")[2]
    quick, parsed = listing._quick(Reply(200, {}, body)), listing._parsed(Reply(200, {}, body))
    assert quick is not None
    objects = list(quick[1])
    assert objects == list(parsed[1])
    assert len(objects) == 1000
    for name in ("NextContinuationToken", "IsTruncated", "EncodingType", "Prefix"):
        assert quick[0].text(name) == parsed[0].text(name) != ""


def test_prefixes_beside_the_objects_are_kept() -> None:
    prefixes = "<CommonPrefixes><Prefix>c/</Prefix></CommonPrefixes>"
    quick = listing._quick(reply(one() + one("a/c"), after=prefixes))
    assert quick is not None
    assert [fields[0] for fields in quick[1]] == ["a/b", "a/c"]
    assert len(quick[0].all("CommonPrefixes")) == 1


@pytest.mark.parametrize(
    "odd",
    [
        one() + "<!-- -->" + one("a/c"),
        one() + "\n" + one("a/c"),
        one() + one("a&amp;c"),
        one() + one("ä"),
        one() + one(etag="bare"),
        one() + one(size=""),
        one() + one(more="<Owner><ID>7</ID></Owner>"),
        one() + "<Contents><Size>1</Size><Key>a/c</Key></Contents>",
        one().replace(">", " >", 1) + one("a/c"),
        "",
    ],
)
def test_what_is_written_otherwise_is_read_by_the_parser(odd: str) -> None:
    given_ = reply(odd)
    assert listing._quick(given_) is None
    objects = list(listing.page(given_)[1])
    assert objects == list(listing._parsed(given_)[1])
    assert len(objects) == odd.count("<Contents")


def test_objects_deeper_in_the_document_are_none_of_the_listing() -> None:
    assert list(listing.page(reply(f"<Other>{one()}</Other>"))[1]) == []


def test_a_document_that_breaks_off_is_refused() -> None:
    body = reply(one() + one("a/c")).body
    for cut in range(len(body)):
        with pytest.raises(Unavailable):
            listing.page(Reply(200, {}, body[:cut]))


@given(st.text(string.ascii_letters + string.digits + "_=@-./+%", max_size=300))
def test_what_is_plain_is_a_key(key: str) -> None:
    if len(key) <= MAX_SEGMENT_BYTES and PLAIN.fullmatch(key):
        assert check_key(key) == key
        assert is_key(key)


def test_keys_of_listings_are_checked_by_the_same_rules() -> None:
    assert is_key("a/" + "b" * MAX_SEGMENT_BYTES)
    for wrong in ("", "a//b", "a/../b", "a.", "a\x00", "b" * (MAX_SEGMENT_BYTES + 1)):
        assert not is_key(wrong)
