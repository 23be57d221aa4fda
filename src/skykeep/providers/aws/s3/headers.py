"""What is known of an object and kept beside its body, as S3's headers have it."""

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
from skykeep.providers.aws.s3.xml import EPOCH
from skykeep.providers.wire import Reply

META: Final = "x-amz-meta-"
DEFAULT_CLASS: Final = "STANDARD"
"""What an answer without ``x-amz-storage-class`` means."""

_CHECKSUMS: Final[tuple[Checksum, ...]] = ("sha256", "crc32c", "crc64nvme")
# "Categorizing your objects using tags" and "Tag restrictions", Amazon S3 User Guide.
_MAX_TAGS, _MAX_TAG_NAME, _MAX_TAG_VALUE = 10, 128, 256
_TAG: Final = re.compile(r"[\w\s+\-=.:/@]*", re.UNICODE)
_TOTAL: Final = re.compile(r"bytes (\d+)-\d+/(\d+)")


def attribute_headers(attributes: ObjectAttributes) -> dict[str, str]:
    """What a write sends of what is kept beside the body. Raises ``Invalid`` for tags that S3
    does not take."""
    headers = {"content-type": attributes.content_type or DEFAULT_CONTENT_TYPE}
    for name, value in attributes.metadata.items():
        headers[META + name.lower()] = value
    if attributes.tags:
        headers["x-amz-tagging"] = tagging(attributes.tags)
    if attributes.storage_class is not None:
        headers["x-amz-storage-class"] = attributes.storage_class
    return headers


def tagging(tags: Mapping[str, str]) -> str:
    """The tags as a header. Raises ``Invalid``."""
    if len(tags) > _MAX_TAGS:
        raise Invalid(f"S3 keeps at most {_MAX_TAGS} tags of an object; these are {len(tags)}")
    for name, value in tags.items():
        if not 1 <= len(name) <= _MAX_TAG_NAME or len(value) > _MAX_TAG_VALUE:
            raise Invalid(
                f"the tag {name[:_MAX_TAG_NAME]!a} is not one: its name has 1 to "
                f"{_MAX_TAG_NAME} characters, its value up to {_MAX_TAG_VALUE}"
            )
        if not _TAG.fullmatch(name) or not _TAG.fullmatch(value):
            raise Invalid(
                f"the tag {name!a} has a character that S3 takes in no tag",
                hint="use letters, digits, spaces and + - = . _ : / @",
            )
    return urlencode(tags)


def info_of(key: str, reply: Reply) -> ObjectInfo:
    """What the answer to HEAD or GET tells of the object."""
    headers = reply.headers
    ranged = _TOTAL.fullmatch(headers.get("content-range", ""))
    size = ranged.group(2) if ranged else headers.get("content-length", "")
    return ObjectInfo(
        key,
        int(size) if size.isdigit() else len(reply.body),
        headers.get("etag", ""),
        http_moment(headers.get("last-modified", "")),
        headers.get("content-type"),
        {
            name.lower()[len(META) :]: value
            for name, value in headers.items()
            if name.lower().startswith(META)
        },
        headers.get("x-amz-storage-class") or DEFAULT_CLASS,
        checksums_of(headers),
    )


def start_of(reply: Reply) -> int:
    """Where the bytes of an answer to GET begin."""
    ranged = _TOTAL.fullmatch(reply.headers.get("content-range", ""))
    return int(ranged.group(1)) if ranged and reply.status == 206 else 0


def checksums_of(headers: Mapping[str, str]) -> dict[Checksum, str]:
    """The checksums of the whole body that an answer tells; one made of the checksums of parts
    (it ends with ``-`` and their number) says nothing of the body."""
    found: dict[Checksum, str] = {}
    for name in _CHECKSUMS:
        value = headers.get(f"x-amz-checksum-{name}", "")
        if not value or "-" in value:
            continue
        try:
            found[name] = base64.b64decode(value, validate=True).hex()
        except binascii.Error:
            continue
    if headers.get("x-amz-checksum-type") == "COMPOSITE":
        return {}
    return found


@lru_cache(maxsize=1024)
def http_moment(text: str) -> datetime:
    """A time of a header, UTC; 1970 for what is none.

    Remembered: the answers of one second have one text, and reading it is a tenth of a call.
    """
    try:
        return parsedate_to_datetime(text).astimezone(UTC)
    except ValueError:
        return EPOCH
