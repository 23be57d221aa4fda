"""Objects of Cloud Storage are composed from parts, which are objects under a reserved name.

``skykeep-uploads./KEY/UPLOAD/``: ``begin``, whose body says what ``begin_upload`` was given;
``NUMBER-NONCE`` for each part as often as it was sent, so that an answer that was lost and
comes late replaces nothing; ``level-HASH``, composed of 32 of them where there are more. These
have names that follow from their parts: a completion that is begun again goes on where the
last one ended.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple
from urllib.parse import quote, unquote

import msgspec

from skykeep.envelope.digests import sha256
from skykeep.errors import Invalid, NotFound, SkykeepError
from skykeep.interfaces.names import shown
from skykeep.interfaces.object_driver import (
    ALWAYS,
    NO_ATTRIBUTES,
    Condition,
    ObjectAttributes,
    ObjectInfo,
    Upload,
)
from skykeep.interfaces.object_keys import MAX_KEY_BYTES
from skykeep.interfaces.object_writing import MARK
from skykeep.interfaces.side_by_side import side_by_side
from skykeep.providers.gcp.errors import Failure
from skykeep.providers.gcp.storage.answers import DEFAULT_CLASS, FIELDS, Resource
from skykeep.providers.gcp.storage.bucket import AT_ONCE, MAX_PARTS, MAX_WRITE, conditions
from skykeep.providers.gcp.storage.client import JSON, decoded, strange
from skykeep.providers.gcp.storage.errors import explain, is_condition, is_gone
from skykeep.providers.gcp.storage.writing import Writing, resource_of

UPLOADS: Final = "skykeep-uploads./"
"""What the names of parts begin with, behind ``objects_prefix``. A segment that ends with a dot
is in no portable key."""
COMPOSED: Final = 32
"""Objects that one composition takes ("Composite objects")."""
CLEANING: Final = 5.0
"""Seconds for what a completed upload has left behind; what is still there is found by
``uploads``."""
KEY: Final = "skykeep-key"
"""The pair of a part's metadata that names the object, percent-encoded."""

_ID: Final = re.compile(r"[0-9a-f]{32}")
_TOKEN: Final = re.compile(r"(\d{1,5}) (\d{1,13}) ([0-9a-f]{16}) ([0-9a-f]{32})")
_ROOM: Final = len("/") + 32 + len("/level-") + 32
_BEGIN: Final = "begin"


class Part(NamedTuple):
    """What ``complete_upload`` needs of a part; its text is what ``write_part`` gives."""

    number: int
    size: int
    nonce: str
    upload: str

    @property
    def name(self) -> str:
        """Behind the upload's own."""
        return f"{self.number:05}-{self.nonce}"

    def token(self) -> str:
        """Four fields, by spaces."""
        return f"{self.number} {self.size} {self.nonce} {self.upload}"

    @classmethod
    def of(cls, token: str) -> Part | None:
        """The part; None for what is no token of ours."""
        found = _TOKEN.fullmatch(token)
        return cls(int(found[1]), int(found[2]), found[3], found[4]) if found else None


class Begun(msgspec.Struct):
    """What an upload was begun with."""

    content_type: str | None = None
    metadata: dict[str, str] = {}
    tags: dict[str, str] = {}
    storage_class: str | None = None

    @property
    def attributes(self) -> ObjectAttributes:
        """As a write says them."""
        return ObjectAttributes(self.content_type, self.metadata, self.tags, self.storage_class)


class Parts(Writing):
    """Uploads in parts."""

    async def begin_upload(self, key: str, attributes: ObjectAttributes = NO_ATTRIBUTES) -> str:
        """Begin an upload in parts; its id."""
        self._check(attributes)
        self._place(key)
        upload = secrets.token_hex(16)
        begun = Begun(
            attributes.content_type,
            dict(attributes.metadata),
            dict(attributes.tags),
            attributes.storage_class,
        )
        body = msgspec.json.encode(begun)
        place = self._root(key, upload) + _BEGIN
        await self._insert(place, body, self._temporary(key, DEFAULT_CLASS), {}, key=key)
        return upload

    async def write_part(self, key: str, upload: str, number: int, data: bytes) -> str:
        """Keep part ``number``; it may be sent again."""
        try:
            if not 1 <= number <= MAX_PARTS:
                raise Invalid(f"parts are numbered from 1 to {MAX_PARTS:,}, not {number}")
            size = len(data)
            if size > MAX_WRITE:
                raise Invalid(f"a part has {MAX_WRITE:,} bytes at most; this has {size:,}")
            begun = await self._begun(key, upload)
            part = Part(number, size, secrets.token_hex(8), upload)
            place = self._root(key, upload) + part.name
            # A composition keeps the storage class of what it is made of.
            if begun.storage_class is None:
                await self._insert_alone(place, key, data)
            else:
                resource = self._temporary(key, begun.storage_class)
                await self._insert(place, data, resource, {}, key=key)
        finally:
            del data
        return part.token()

    async def complete_upload(
        self, key: str, upload: str, parts: Sequence[str], condition: Condition = ALWAYS
    ) -> ObjectInfo:
        """Compose the parts; their numbers go up in this order."""
        known = _known(key, upload, parts)
        attributes = (await self._begun(key, upload)).attributes
        query = conditions(condition, key)
        root = self._root(key, upload)
        names = [root + part.name for part in known]
        size = str(sum(part.size for part in known))
        made = await self._composed(key, root, names, attributes, query)
        if isinstance(made, Failure):
            made = await self._completed_before(key, made, attributes, condition)
        if made.size != size:
            raise strange("tells another object than was composed")
        try:
            async with asyncio.timeout(CLEANING):
                await self._clean(root)
        except (SkykeepError, TimeoutError):
            pass  # the object is there; what is left of the upload is found by ``uploads``
        return made.info(key)

    async def abort_upload(self, key: str, upload: str) -> None:
        """End the upload and drop its parts."""
        if _ID.fullmatch(upload):
            root = self._root(key, upload)
            await self._drop(root + _BEGIN)  # first: no part is taken any more
            await self._clean(root)

    async def uploads(self, prefix: str) -> Sequence[Upload]:
        """Uploads under the prefix that were begun and have not ended, the oldest first; those
        of a completed one, too, of which something is left."""
        inside = f"{prefix}/" if prefix else ""
        start = self._prefix + UPLOADS + self._short(inside)
        keys: dict[str, str] = {}
        begun: dict[str, datetime] = {}
        for each in await self._under(start, "nextPageToken,items(name,metadata,timeCreated)"):
            head, _, _ = each.name[len(self._prefix) + len(UPLOADS) :].rpartition("/")
            head, _, upload = head.rpartition("/")
            if not _ID.fullmatch(upload):
                continue
            keys.setdefault(upload, head)
            if KEY in each.metadata:  # what the name says may be cut
                keys[upload] = unquote(each.metadata[KEY])
            made = each.time_created or datetime.now(UTC)
            begun[upload] = min(begun.get(upload, made), made)
        found = [
            Upload(key, upload, begun[upload])
            for upload, key in keys.items()
            if key.startswith(inside)
        ]
        return sorted(found, key=lambda each: begun[each.id])

    # -- names

    def _root(self, key: str, upload: str) -> str:
        return f"{self._prefix}{UPLOADS}{self._short(key)}/{upload}/"

    def _short(self, key: str) -> str:
        """The key, cut where the names of its parts would be too long."""
        room = MAX_KEY_BYTES - len((self._prefix + UPLOADS).encode()) - _ROOM
        return key.encode()[: max(room, 0)].decode("utf-8", "ignore")

    def _temporary(self, key: str, storage_class: str | None) -> dict[str, Any]:
        attributes = ObjectAttributes(metadata={KEY: quote(key)}, storage_class=storage_class)
        return resource_of(attributes)

    # -- steps

    async def _begun(self, key: str, upload: str) -> Begun:
        """What the upload was begun with. Raises ``NotFound`` for one that has ended."""
        if not _ID.fullmatch(upload):
            raise _ended(key)
        place = self._root(key, upload) + _BEGIN
        reply, failure = await self._client.ask("GET", self._media(place))
        if failure is None:
            self._answered()
            return decoded(reply, Begun)
        if await self._is_absent(place, failure):
            raise _ended(key)
        raise explain(failure, subject=shown(key), action="GET Object")

    async def _composed(
        self,
        key: str,
        root: str,
        names: Sequence[str],
        attributes: ObjectAttributes,
        query: Mapping[str, str],
    ) -> Resource | Failure:
        """The object of all parts, by as many levels as it takes."""
        resource = self._temporary(key, attributes.storage_class)
        while len(names) > COMPOSED:
            groups = [names[at : at + COMPOSED] for at in range(0, len(names), COMPOSED)]
            level = await side_by_side(
                lambda some: self._group(root, some, resource), groups, AT_ONCE
            )
            failures = [each for each in level if isinstance(each, Failure)]
            if failures:
                return failures[0]
            names = [each for each in level if isinstance(each, str)]
        return await self._compose(self._place(key), names, resource_of(attributes), query)

    async def _group(
        self, root: str, names: Sequence[str], resource: dict[str, Any]
    ) -> str | Failure:
        """One composition of a level; its name. It may be there from a completion before."""
        digest = sha256("\n".join(names).encode()).hex()[:32]
        place = f"{root}level-{digest}"
        made = await self._compose(place, names, resource, {"ifGenerationMatch": "0"})
        if isinstance(made, Failure) and not await self._is_there(place):
            return made
        return place

    async def _compose(
        self,
        place: str,
        names: Sequence[str],
        resource: Mapping[str, Any],
        query: Mapping[str, str],
    ) -> Resource | Failure:
        """One composition, which removes what it is made of."""
        body = msgspec.json.encode(
            {
                "sourceObjects": [{"name": name} for name in names],
                "destination": resource,
                "deleteSourceObjects": True,
            }
        )
        reply, failure = await self._client.ask(
            "POST",
            self._object(place, "/compose", **query, **self._encryption(), fields=FIELDS),
            headers={"Content-Type": JSON},
            body=body,
        )
        return failure or decoded(reply, Resource)

    async def _completed_before(
        self, key: str, failure: Failure, attributes: ObjectAttributes, condition: Condition
    ) -> Resource:
        """The object, if what bears our mark is there: the answer to its completion was lost.
        Raises what the refusal means otherwise."""
        mark = attributes.metadata.get(MARK)
        if mark is not None and (is_gone(failure) or is_condition(failure)):
            target = self._object(self._place(key), fields=FIELDS)
            reply, missing = await self._client.ask("GET", target)
            there = Resource() if missing is not None else decoded(reply, Resource)
            if there.metadata.get(MARK) == mark:
                return there
        if is_gone(failure):
            await self._check_bucket()
            raise _ended(key)
        raise await self._unwritten(failure, "objects.compose", key, condition)

    async def _is_there(self, place: str) -> bool:
        _, failure = await self._client.ask("GET", self._object(place, fields="size"))
        return failure is None

    async def _under(self, start: str, fields: str) -> list[Resource]:
        """All objects whose names begin so."""
        found: list[Resource] = []
        asked = {"prefix": start, "fields": fields}
        while True:
            page = await self._page(asked)
            found += [each for each in page.items if each.name.startswith(start)]
            if not page.next_page_token:
                return found
            asked["pageToken"] = page.next_page_token

    async def _clean(self, root: str) -> None:
        """Remove what is left of an upload."""
        left = await self._under(root, "nextPageToken,items(name)")
        await side_by_side(lambda each: self._drop(each.name), left, AT_ONCE)

    async def _drop(self, place: str) -> None:
        _, failure = await self._client.ask("DELETE", self._object(place))
        if failure is not None and not is_gone(failure):
            raise explain(failure, subject="a part of an upload", action="objects.delete")


def _known(key: str, upload: str, tokens: Sequence[str]) -> list[Part]:
    """The parts. Raises ``Invalid`` for what makes no object."""
    parts = [part for part in map(Part.of, tokens) if part and part.upload == upload]
    if not parts or len(parts) < len(tokens):
        if not _ID.fullmatch(upload):
            raise _ended(key)
        raise Invalid(f"these are not the parts that the upload of {shown(key)} has")
    numbers = [part.number for part in parts]
    if numbers != sorted(set(numbers)):
        raise Invalid("parts are put together in the order of their numbers")
    return parts


def _ended(key: str) -> NotFound:
    return NotFound(f"the upload of {shown(key)} has ended")
