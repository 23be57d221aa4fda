"""Objects of Blob Storage are put together from parts, which it calls blocks.

Blob Storage has no uploads: blocks are sent to a name, and a list makes some of them the blob.
It cannot be told that an upload begins or ends, and which attributes it has; blocks that no
list names are dropped a week after the last one came, or by the next write of the name. So an
upload has a record, a blob beside the objects that says what it will become: it is there from
the beginning to the end, is what ``uploads`` finds, and who ends the upload removes it.

Its name begins with a space (`` skykeep-uploads/ID``), which no portable key does. The ids of
an upload's blocks begin with its own, so that two uploads of one key do not mix; and they end
with the block's digest, so that a part that is sent again with other bytes is another block.
"""

from __future__ import annotations

import base64
import re
import secrets
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple

import msgspec

from skykeep.errors import Invalid, NotFound, SkykeepError, Unavailable
from skykeep.interfaces.names import shown
from skykeep.interfaces.object_driver import (
    ALWAYS,
    DEFAULT_CONTENT_TYPE,
    NO_ATTRIBUTES,
    Condition,
    ObjectAttributes,
    ObjectInfo,
    Upload,
)
from skykeep.providers.azure.blob.client import path_of
from skykeep.providers.azure.blob.container import MAX_PART, MAX_PARTS, MISSING, conditions
from skykeep.providers.azure.blob.headers import META, attribute_headers, http_moment
from skykeep.providers.azure.blob.names import RECORDS
from skykeep.providers.azure.blob.presigning import Presigning
from skykeep.providers.azure.blob.xml import block_list, children, name_of

SEEN: Final = 60.0
"""Seconds for which an upload that was seen is believed to be there: for so long a part is sent
without a look at its record. ``complete_upload`` always looks."""
PAGE: Final = 1000
_KEY: Final = "skykeep_key"
_ID: Final = re.compile(r"[0-9a-f]{32}")
_TOKEN: Final = re.compile(r"(\d{1,5}) (\d{1,10}) ([A-Za-z0-9+/=]{48})")


class Record(msgspec.Struct):
    """What an upload will become."""

    key: str
    content_type: str | None = None
    metadata: dict[str, str] = {}
    tags: dict[str, str] = {}
    storage_class: str | None = None


class Part(NamedTuple):
    """What ``complete_upload`` needs of a part; its text is what ``write_part`` gives."""

    number: int
    size: int
    block: str

    def token(self) -> str:
        """Three fields, by spaces."""
        return f"{self.number} {self.size} {self.block}"

    @classmethod
    def of(cls, token: str) -> Part | None:
        """The part; None for what is no token of ours."""
        found = _TOKEN.fullmatch(token)
        return None if found is None else cls(int(found[1]), int(found[2]), found[3])


def block_of(upload: str, number: int, digest: bytes) -> str:
    """The id of a part's block: 36 bytes in base64. Azure takes up to 64, of one length in all
    blocks of a blob ("Put Block")."""
    return base64.b64encode(bytes.fromhex(upload) + number.to_bytes(4) + digest).decode()


class Parts(Presigning):
    """Uploads in parts."""

    def _records(self) -> str:
        return self._prefix + RECORDS

    def _record_path(self, upload: str) -> str:
        return path_of(self._container.name, self._records() + upload)

    def _saw(self, key: str, upload: str) -> None:
        """Believe for a while that it has not ended."""
        now, live = time.monotonic(), self._live
        for each in [each for each, until in live.items() if until < now]:
            del live[each]
        live[key, upload] = now + SEEN

    async def begin_upload(self, key: str, attributes: ObjectAttributes = NO_ATTRIBUTES) -> str:
        """Begin an upload in parts; its id."""
        self._check(attributes)
        attribute_headers(attributes)  # refuses tags that Azure does not take
        self._path(key)
        upload = secrets.token_hex(16)
        record = Record(
            key,
            attributes.content_type,
            dict(attributes.metadata),
            dict(attributes.tags),
            attributes.storage_class,
        )
        named = base64.urlsafe_b64encode(key.encode()).decode()
        await self._container.call(
            "Put Blob",
            "PUT",
            self._record_path(upload),
            subject=shown(key),
            headers={
                "x-ms-blob-type": "BlockBlob",
                "x-ms-blob-content-type": "application/json",
                META + _KEY: named,
                **self._encryption,
            },
            body=msgspec.json.encode(record),
        )
        self._saw(key, upload)
        return upload

    async def write_part(self, key: str, upload: str, number: int, data: bytes) -> str:
        """Keep part ``number``; it may be sent again."""
        try:
            size = len(data)
            if not 1 <= number <= MAX_PARTS:
                raise Invalid(f"parts are numbered from 1 to {MAX_PARTS:,}, not {number}")
            if size > MAX_PART:
                raise Invalid(f"a part has {MAX_PART:,} bytes at most; this has {size:,}")
            if self._live.get((key, upload), 0.0) < time.monotonic():
                await self._recorded(key, upload)
            headers = await self._md5(data)
            told = headers.get("content-md5")
            digest = secrets.token_bytes(16) if told is None else base64.b64decode(told)
            block = block_of(upload, number, digest)
            if size:  # Azure has no empty blocks; an empty part is told by its token alone
                await self._staged(key, block, data, headers)
        finally:
            del data
        return Part(number, size, block).token()

    async def _staged(
        self, key: str, block: str, data: bytes, headers: Mapping[str, str] | None = None
    ) -> None:
        """Send a block, with the headers that say its checksum, if they are known."""
        try:
            if headers is None:
                headers = await self._md5(data)
            await self._container.call(
                "Put Block",
                "PUT",
                self._path(key),
                {"comp": "block", "blockid": block},
                subject=shown(key),
                headers={**headers, **self._encryption},
                body=data,
            )
        finally:
            del data

    async def complete_upload(
        self, key: str, upload: str, parts: Sequence[str], condition: Condition = ALWAYS
    ) -> ObjectInfo:
        """Put the parts together; their numbers go up in this order."""
        record = await self._recorded(key, upload)
        known = _known(key, upload, parts)
        attributes = ObjectAttributes(
            record.content_type, record.metadata, record.tags, record.storage_class
        )
        try:
            info = await self._committed(
                key,
                [part.block for part in known if part.size],
                attribute_headers(attributes),
                condition,
            )
        except NotThere as gone:
            # The blocks are dropped by any other write of the key: so the upload has ended.
            await self.abort_upload(key, upload)
            raise _ended(key, gone.request_id) from None
        try:
            await self.abort_upload(key, upload)
        except SkykeepError:
            pass  # the object is there; what is left of the upload is for ``collect``
        return ObjectInfo(
            key,
            sum(part.size for part in known),
            info.etag,
            info.modified_at,
            attributes.content_type or DEFAULT_CONTENT_TYPE,
            {name.lower(): value for name, value in attributes.metadata.items()},
            attributes.storage_class,
        )

    async def _committed(
        self,
        key: str,
        blocks: Sequence[str],
        headers: Mapping[str, str],
        condition: Condition,
    ) -> ObjectInfo:
        """Make the blob of these blocks; its etag and time. Raises ``NotThere`` if some are
        not there."""
        body = block_list(blocks)
        reply, failure = await self._container.ask(
            "PUT",
            self._path(key),
            {"comp": "blocklist"},
            headers={
                **headers,
                **self._encryption,
                **conditions(condition),
                **await self._md5(body),
            },
            body=body,
        )
        if failure is not None:
            if failure.code == "InvalidBlockList":
                raise NotThere(failure.request_id)
            raise self._unwritten(failure, key, condition, "Put Block List")
        return ObjectInfo(
            key,
            0,
            reply.headers.get("etag", ""),
            http_moment(reply.headers.get("last-modified", "")),
        )

    async def abort_upload(self, key: str, upload: str) -> None:
        """End the upload. Azure drops its parts within a week."""
        self._live.pop((key, upload), None)
        if not _ID.fullmatch(upload):
            return
        _, failure = await self._container.ask("DELETE", self._record_path(upload))
        if failure is not None and failure.code not in MISSING:
            raise self._refusal(failure, "Delete Blob", key)

    async def uploads(self, prefix: str) -> Sequence[Upload]:
        """Uploads under the prefix that were begun and have not ended, the oldest first."""
        below = f"{prefix}/" if prefix else ""
        found: list[Upload] = []
        marker = ""
        while True:
            asked = {"include": "metadata"}
            page = await self._listed(self._records(), marker, PAGE, asked)
            for each in page.iterfind("Blobs/Blob"):
                id_ = name_of(each).removeprefix(self._records())
                told = children(each.find("Metadata"))
                key = _named(told.get(_KEY, ""))
                if key is not None and key.startswith(below) and _ID.fullmatch(id_):
                    times = children(each.find("Properties"))
                    begun = times.get("Creation-Time") or times.get("Last-Modified", "")
                    found.append(Upload(key, id_, http_moment(begun)))
            marker = page.findtext("NextMarker") or ""
            if not marker:
                break
        return sorted(found, key=lambda each: each.begun_at or datetime.min.replace(tzinfo=UTC))

    async def _recorded(self, key: str, upload: str) -> Record:
        """What the upload will become. Raises ``NotFound`` for one that has ended, or is of
        another key."""
        if not _ID.fullmatch(upload):
            raise _ended(key)
        reply, failure = await self._container.ask("GET", self._record_path(upload))
        if failure is not None:
            if failure.code in MISSING:
                self._live.pop((key, upload), None)
                raise _ended(key, failure.request_id)
            raise self._refusal(failure, "Get Blob", key)
        try:
            record = msgspec.json.decode(reply.body, type=Record)
        except msgspec.MsgspecError:
            record = None
        if record is None:
            raise Unavailable(
                f"the record of the upload of {shown(key)} is damaged",
                hint="begin it anew",
            )
        if record.key != key:
            raise _ended(key)
        self._saw(key, upload)
        return record


class NotThere(Exception):
    """Blocks that a list names are not there."""

    def __init__(self, request_id: str) -> None:
        super().__init__()
        self.request_id = request_id


def _ended(key: str, request_id: str = "") -> NotFound:
    return NotFound(f"the upload of {shown(key)} has ended", request_id=request_id)


def _known(key: str, upload: str, tokens: Sequence[str]) -> list[Part]:
    """The parts. Raises ``Invalid`` for what makes no object."""
    parts = [part for part in map(Part.of, tokens) if part is not None]
    own = bytes.fromhex(upload)
    foreign = [
        part
        for part in parts
        if base64.b64decode(part.block)[:20] != own + part.number.to_bytes(4)
    ]
    if not parts or foreign or len(parts) < len(tokens):
        raise Invalid(f"these are not the parts that the upload of {shown(key)} has")
    numbers = [part.number for part in parts]
    if numbers != sorted(set(numbers)):
        raise Invalid("parts are put together in the order of their numbers only")
    if not all(part.size for part in parts[:-1]):
        raise Invalid("a part but the last is empty")
    return parts


def _named(encoded: str) -> str | None:
    """The key in a record's metadata; None if there is none."""
    try:
        return base64.b64decode(encoded, altchars=b"-_", validate=True).decode() or None
    except ValueError:
        return None
