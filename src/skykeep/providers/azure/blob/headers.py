"""What is known of an object and kept beside its body, as Blob Storage's headers have it."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Final
from urllib.parse import urlencode

from skykeep.errors import Invalid
from skykeep.interfaces.object_driver import (
    DEFAULT_CONTENT_TYPE,
    Checksum,
    ObjectAttributes,
    ObjectInfo,
)
from skykeep.providers.azure.blob.names import portable, stored
from skykeep.providers.azure.blob.xml import EPOCH
from skykeep.providers.wire import Reply

META: Final = "x-ms-meta-"
TIER: Final = "x-ms-access-tier"
INFERRED: Final = "x-ms-access-tier-inferred"
# "Set Blob Tags", Azure Storage REST API.
_MAX_TAGS, _MAX_TAG_NAME, _MAX_TAG_VALUE = 10, 128, 256
_TAG: Final = re.compile(r"[A-Za-z0-9 +./:=_-]*")
_TOTAL: Final = re.compile(r"bytes (\d+)-\d+/(\d+)")
# What a blob is served with, and what writes call it.
_SERVED: Final = {
    "cache-control": "x-ms-blob-cache-control",
    "content-disposition": "x-ms-blob-content-disposition",
    "content-encoding": "x-ms-blob-content-encoding",
    "content-language": "x-ms-blob-content-language",
}


def attribute_headers(attributes: ObjectAttributes) -> dict[str, str]:
    """What a write sends of what is kept beside the body. Raises ``Invalid`` for tags that
    Azure does not take."""
    headers = {"x-ms-blob-content-type": attributes.content_type or DEFAULT_CONTENT_TYPE}
    for name, value in attributes.metadata.items():
        headers[META + stored(name.lower())] = value
    if attributes.tags:
        headers["x-ms-tags"] = tagging(attributes.tags)
    if attributes.storage_class is not None:
        headers[TIER] = attributes.storage_class
    return headers


def tagging(tags: Mapping[str, str]) -> str:
    """The tags as a header. Raises ``Invalid``."""
    if len(tags) > _MAX_TAGS:
        raise Invalid(f"Azure keeps at most {_MAX_TAGS} tags of a blob; these are {len(tags)}")
    for name, value in tags.items():
        if not 1 <= len(name) <= _MAX_TAG_NAME or len(value) > _MAX_TAG_VALUE:
            raise Invalid(
                f"the tag {name[:_MAX_TAG_NAME]!a} is not one: its name has 1 to "
                f"{_MAX_TAG_NAME} characters, its value up to {_MAX_TAG_VALUE}"
            )
        if not _TAG.fullmatch(name) or not _TAG.fullmatch(value):
            raise Invalid(
                f"the tag {name!a} has a character that Azure takes in no tag",
                hint="use letters, digits, spaces and + - . / : = _",
            )
    return urlencode(tags)


def served_headers(reply: Reply) -> dict[str, str]:
    """What a write sends so that a blob is served as the one of an answer to HEAD."""
    return {
        ours: reply.headers[theirs]
        for theirs, ours in _SERVED.items()
        if theirs in reply.headers
    }


def info_of(key: str, reply: Reply) -> ObjectInfo:
    """What the answer to HEAD or GET tells of the object."""
    headers = reply.headers
    ranged = _TOTAL.fullmatch(headers.get("content-range", ""))
    size = ranged.group(2) if ranged else headers.get("content-length", "")
    inferred = headers.get(INFERRED, "").lower() == "true"
    return ObjectInfo(
        key,
        int(size) if size.isdigit() else len(reply.body),
        headers.get("etag", ""),
        http_moment(headers.get("last-modified", "")),
        headers.get("content-type"),
        {
            portable(name[len(META) :]): value
            for name, value in headers.items()
            if name.lower().startswith(META)
        },
        None if inferred else headers.get(TIER),
        # Of a range, ``content-md5`` would be the range's.
        md5_of(headers.get("x-ms-blob-content-md5" if ranged else "content-md5", "")),
    )


def start_of(reply: Reply) -> int:
    """Where the bytes of an answer to GET begin."""
    ranged = _TOTAL.fullmatch(reply.headers.get("content-range", ""))
    return int(ranged.group(1)) if ranged and reply.status == 206 else 0


def md5_of(encoded: str) -> dict[Checksum, str]:
    """The body's MD5 as checksums have it; none for what is none."""
    try:
        digest = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return {}
    return {"md5": digest.hex()} if len(digest) == 16 else {}


def etag_of(text: str) -> str:
    """An etag of a document as headers have it: in quotes."""
    return text if not text or text.startswith('"') else f'"{text}"'


@lru_cache(maxsize=1024)
def http_moment(text: str) -> datetime:
    """A time of a header or a document, UTC; 1970 for what is none.

    Remembered: the answers of one second have one text, and reading it is a tenth of a call.
    """
    try:
        return parsedate_to_datetime(text).astimezone(UTC)
    except ValueError:
        return EPOCH
