"""The shapes of Cloud Storage's answers, and what is kept beside a body.

JSON: "Objects", JSON API reference (64-bit numbers are texts). Headers: "HTTP headers and query
string parameters for XML API".
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

import msgspec

from skykeep.interfaces.object_driver import (
    DEFAULT_CONTENT_TYPE,
    Checksum,
    ObjectAttributes,
    ObjectInfo,
)
from skykeep.providers.wire import Reply

META: Final = "x-goog-meta-"
TAGS: Final = "skykeep-tags"
"""The pair of the metadata that holds all tags, as a query."""
DEFAULT_CLASS: Final = "STANDARD"
FIELDS: Final = (
    "name,size,generation,metageneration,updated,timeCreated,contentType,storageClass,crc32c,"
    "md5Hash,metadata"
)
LISTED: Final = (
    "nextPageToken,prefixes,items(name,size,generation,metageneration,updated,contentType,"
    "storageClass,crc32c,md5Hash)"
)

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_TOTAL: Final = re.compile(r"bytes (\d+)-\d+/(\d+)")
_ETAG: Final = re.compile(r"([1-9]\d{0,18})\.([1-9]\d{0,18})")


class Resource(msgspec.Struct, rename="camel"):
    """An object without its body. Fields of the reference's names."""

    name: str = ""
    size: str = "0"
    generation: str = ""
    metageneration: str = "1"
    updated: datetime | None = None
    time_created: datetime | None = None
    content_type: str | None = None
    content_encoding: str | None = None
    content_disposition: str | None = None
    content_language: str | None = None
    cache_control: str | None = None
    storage_class: str = DEFAULT_CLASS
    crc32c: str = ""
    md5_hash: str = ""
    metadata: dict[str, str] = {}

    @property
    def etag(self) -> str:
        """What we call its etag."""
        return etag_of(self.generation, self.metageneration)

    def info(self, key: str) -> ObjectInfo:
        """What is known of the object; times to a second, as headers tell them."""
        sums = {"crc32c": self.crc32c, "md5": self.md5_hash}
        return ObjectInfo(
            key,
            int(self.size) if self.size.isdigit() else 0,
            self.etag,
            (self.updated or _EPOCH).astimezone(UTC).replace(microsecond=0),
            self.content_type or DEFAULT_CONTENT_TYPE,
            shown_metadata(self.metadata),
            self.storage_class,
            checksums_of(sums),
        )


class Page(msgspec.Struct, rename="camel"):
    """A page of a listing."""

    items: list[Resource] = []
    prefixes: list[str] = []
    next_page_token: str = ""


class Rewritten(msgspec.Struct, rename="camel"):
    """What a call of ``rewrite`` gives: the end, or how to go on."""

    done: bool = False
    rewrite_token: str = ""
    resource: Resource | None = None


class BucketResource(msgspec.Struct, rename="camel"):
    """A bucket, as far as it is asked for."""

    location: str = ""
    metageneration: str = ""
    lifecycle: dict[str, Any] = {}


class Nothing(msgspec.Struct):
    """An answer of which nothing is used."""


def etag_of(generation: str, metageneration: str) -> str:
    """One changes with the body, the other with what is kept beside it."""
    return f"{generation}.{metageneration}"


def numbers_of(etag: str) -> tuple[str, str] | None:
    """Generation and metageneration; None for an etag of another store."""
    found = _ETAG.fullmatch(etag)
    return (found[1], found[2]) if found else None


def kept_metadata(attributes: ObjectAttributes) -> dict[str, str]:
    """The metadata as it is sent, with the tags in a pair of its own."""
    pairs = {name.lower(): value for name, value in attributes.metadata.items()}
    if attributes.tags:
        pairs[TAGS] = urlencode(attributes.tags)
    return pairs


def shown_metadata(pairs: Mapping[str, str]) -> dict[str, str]:
    """Without what is ours; names in lower case."""
    return {name.lower(): value for name, value in pairs.items() if name.lower() != TAGS}


def tags_of(pairs: Mapping[str, str]) -> dict[str, str]:
    """The tags of an object's metadata."""
    return dict(parse_qsl(pairs.get(TAGS, ""), keep_blank_values=True))


def info_of(key: str, reply: Reply) -> ObjectInfo:
    """What an answer of the XML API to HEAD or GET tells of the object."""
    headers = reply.headers
    size = headers.get("x-goog-stored-content-length", "")
    ranged = _TOTAL.fullmatch(headers.get("content-range", ""))
    if not size.isdigit():
        size = ranged.group(2) if ranged else headers.get("content-length", "")
    return ObjectInfo(
        key,
        int(size) if size.isdigit() else len(reply.body),
        etag_of(
            headers.get("x-goog-generation", "0"), headers.get("x-goog-metageneration", "1")
        ),
        http_moment(headers.get("last-modified", "")),
        headers.get("content-type") or DEFAULT_CONTENT_TYPE,
        shown_metadata(header_pairs(headers)),
        headers.get("x-goog-storage-class") or DEFAULT_CLASS,
        checksums_of(hashes_of(headers)),
    )


def header_pairs(headers: Mapping[str, str]) -> dict[str, str]:
    """The metadata in an answer's headers. Others' may be UTF-8, which headers carry as
    bytes."""
    return {
        name.lower()[len(META) :]: value.encode("utf-8", "surrogateescape").decode(
            "utf-8", "replace"
        )
        for name, value in headers.items()
        if name.lower().startswith(META)
    }


def start_of(reply: Reply) -> int:
    """Where the bytes of an answer to GET begin."""
    ranged = _TOTAL.fullmatch(reply.headers.get("content-range", ""))
    return int(ranged.group(1)) if ranged and reply.status == 206 else 0


def hashes_of(headers: Mapping[str, str]) -> dict[str, str]:
    """``x-goog-hash: crc32c=…,md5=…``, which may come as one header or as two, of which the
    first is read: the one of CRC-32C."""
    pairs = (each.strip().partition("=") for each in headers.get("x-goog-hash", "").split(","))
    return {name: value for name, _, value in pairs}


def checksums_of(encoded: Mapping[str, str]) -> dict[Checksum, str]:
    """Checksums of base64 as we show them. A composed object has no MD5."""
    found: dict[Checksum, str] = {}
    names: tuple[tuple[Checksum, int], ...] = (("crc32c", 4), ("md5", 16))
    for name, length in names:
        try:
            value = base64.b64decode(encoded.get(name, ""), validate=True)
        except binascii.Error:
            continue
        if len(value) == length:
            found[name] = value.hex()
    return found


@lru_cache(maxsize=1024)
def http_moment(text: str) -> datetime:
    """A time of a header, UTC; 1970 for what is none. Remembered: those of one second have one
    text, and reading it is a tenth of a call."""
    try:
        return parsedate_to_datetime(text).astimezone(UTC)
    except ValueError:
        return _EPOCH
