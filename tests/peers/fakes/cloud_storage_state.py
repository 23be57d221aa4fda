"""What the fake of Cloud Storage keeps, and the rules of what it keeps."""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any
from xml.sax.saxutils import escape

import google_crc32c

from tests.peers.fakes.serving import Reply, as_json

CLASSES = {"STANDARD", "NEARLINE", "COLDLINE", "ARCHIVE"}
KEPT = (
    "contentType", "contentEncoding", "contentDisposition", "contentLanguage", "cacheControl",
    "storageClass", "metadata", "kmsKeyName",
)  # fmt: skip


class Refusal(Exception):
    """An answer that says no, in both APIs' words."""

    def __init__(self, status: int, reason: str, message: str, *, xml: str = "") -> None:
        super().__init__(message)
        self.status, self.reason, self.message, self.xml = status, reason, message, xml

    def as_json(self) -> Reply:
        error = {"message": self.message, "domain": "global", "reason": self.reason}
        content = {"code": self.status, "message": self.message, "errors": [error]}
        return as_json(self.status, {"error": content})

    def as_xml(self) -> Reply:
        body = (
            f"<?xml version='1.0' encoding='UTF-8'?><Error><Code>{self.xml}</Code>"
            f"<Message>{escape(self.message)}</Message></Error>"
        )
        return Reply(self.status, body.encode(), {"Content-Type": "application/xml"})


def unmet() -> Refusal:
    said = "At least one of the pre-conditions you specified did not hold."
    return Refusal(412, "conditionNotMet", said, xml="PreconditionFailed")


@dataclass(frozen=True)
class Conditions:
    """What a call asks of the object; texts, as they were sent."""

    generation: str | None = None
    metageneration: str | None = None

    @classmethod
    def of(cls, query: Mapping[str, str], start: str = "if") -> Conditions:
        return cls(
            query.get(f"{start}GenerationMatch"), query.get(f"{start}MetagenerationMatch")
        )

    @classmethod
    def of_headers(cls, headers: Mapping[str, str]) -> Conditions:
        return cls(
            headers.get("x-goog-if-generation-match"),
            headers.get("x-goog-if-metageneration-match"),
        )


class Stored:
    """An object."""

    def __init__(
        self, name: str, data: bytes, resource: Mapping[str, Any], number: int
    ) -> None:
        self.name = name
        self.data = data
        self.resource = {key: resource[key] for key in KEPT if resource.get(key)}
        self.resource.setdefault("storageClass", "STANDARD")
        self.generation, self.metageneration = number, 1
        self.created = self.updated = datetime.now(UTC)
        self.crc32c = crc(data)
        self.md5 = base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode()

    def patch(self, resource: Mapping[str, Any]) -> None:
        metadata = {**self.resource.get("metadata", {}), **resource.get("metadata", {})}
        self.resource |= {key: resource[key] for key in KEPT if key in resource}
        self.resource["metadata"] = {k: v for k, v in metadata.items() if v is not None}
        self.metageneration += 1
        self.updated = datetime.now(UTC)

    def check(self, conditions: Conditions) -> None:
        wanted = (conditions.generation, conditions.metageneration)
        for is_, asked in zip((self.generation, self.metageneration), wanted, strict=True):
            if asked is not None and str(is_) != asked:
                raise unmet()

    def headers(self, *, metadata: bool) -> dict[str, str]:
        """Of the XML API's answers."""
        kind = self.resource.get("contentType")
        encoding = self.resource.get("contentEncoding")
        sums = f"crc32c={self.crc32c}" + (f",md5={self.md5}" if self.md5 else "")
        found = {
            "Content-Type": kind or "application/octet-stream",
            "Last-Modified": format_datetime(self.updated, usegmt=True),
            "x-goog-generation": str(self.generation),
            "x-goog-metageneration": str(self.metageneration),
            "x-goog-storage-class": self.resource["storageClass"],
            "x-goog-stored-content-length": str(len(self.data)),
            "x-goog-stored-content-encoding": encoding or "identity",
            "x-goog-hash": sums,
        }
        if encoding:
            found["Content-Encoding"] = encoding
        if metadata:
            for name, value in self.resource.get("metadata", {}).items():
                found[f"x-goog-meta-{name}"] = value.encode().decode("latin-1")
        return found


class Bucket:
    """A bucket with its objects, by name."""

    def __init__(self, name: str, location: str) -> None:
        self.name, self.location = name, location
        self.metageneration = 1
        self.lifecycle: dict[str, Any] = {}
        self.objects: dict[str, Stored] = {}
        self._last = 0

    def described(self) -> dict[str, Any]:
        found: dict[str, Any] = {
            "kind": "storage#bucket",
            "name": self.name,
            "location": self.location,
            "metageneration": str(self.metageneration),
        }
        return {**found, "lifecycle": self.lifecycle} if self.lifecycle else found

    def patch(self, content: Mapping[str, Any], query: Mapping[str, str]) -> None:
        asked = query.get("ifMetagenerationMatch")
        if asked is not None and asked != str(self.metageneration):
            raise unmet()
        rules = (content.get("lifecycle") or {}).get("rule", [])
        if len(rules) > 100:
            raise Refusal(400, "invalid", "Too many lifecycle rules.")
        self.lifecycle = {"rule": rules} if rules else {}
        self.metageneration += 1

    def check(self, name: str, conditions: Conditions) -> None:
        """Before a write: of what is there, or of what is not."""
        there = self.objects.get(name)
        if there is not None:
            there.check(conditions)
        elif conditions.generation not in {None, "0"} or conditions.metageneration is not None:
            raise unmet()

    def there(self, name: str, conditions: Conditions) -> Stored:
        found = self.objects.get(name)
        if found is None:
            said = f"No such object: {self.name}/{name}"
            raise Refusal(404, "notFound", said, xml="NoSuchKey")
        found.check(conditions)
        return found

    def insert(
        self, name: str, data: bytes, resource: Mapping[str, Any], conditions: Conditions
    ) -> Stored:
        if not 1 <= len(name.encode()) <= 1024:
            raise Refusal(400, "invalid", "The maximum object length is 1024 characters")
        pairs = resource.get("metadata") or {}
        if sum(len(k.encode()) + len(v.encode()) for k, v in pairs.items()) > 8192:
            raise Refusal(400, "invalid", "Metadata part is too large.")
        if resource.get("storageClass") not in {None, *CLASSES}:
            raise Refusal(400, "invalid", "The storage class you specified is not valid.")
        sent, is_ = resource.get("crc32c"), crc(data)
        if sent is not None and sent != is_:
            said = f'Provided CRC32C "{sent}" doesn\'t match calculated CRC32C "{is_}".'
            raise Refusal(400, "invalid", said)
        self.check(name, conditions)
        # A generation is a time of microseconds, and grows.
        self._last = max(self._last + 1, time.time_ns() // 1000)
        self.objects[name] = Stored(name, data, resource, self._last)
        return self.objects[name]

    def compose(self, name: str, content: Mapping[str, Any], conditions: Conditions) -> Stored:
        sources = content["sourceObjects"]
        if not 1 <= len(sources) <= 32:
            said = f"The number of source components provided ({len(sources)} > 32)"
            raise Refusal(400, "invalid", said)
        self.check(name, conditions)
        found = [self.there(each["name"], Conditions()) for each in sources]
        classes = {each.resource["storageClass"] for each in found}
        wanted = content.get("destination", {}).get("storageClass")
        if len(classes | ({wanted} if wanted else set())) > 1:
            raise Refusal(400, "invalid", "Composing objects of several storage classes.")
        resource = {**content.get("destination", {}), "storageClass": classes.pop()}
        made = self.insert(name, b"".join(each.data for each in found), resource, Conditions())
        made.md5 = ""
        if content.get("deleteSourceObjects"):
            for each in found:
                self.objects.pop(each.name, None)
        return made

    def delete(self, name: str, conditions: Conditions) -> None:
        del self.objects[self.there(name, conditions).name]

    def page(self, query: Mapping[str, str]) -> dict[str, Any]:
        prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
        limit = min(int(query.get("maxResults", 1000)), 1000)
        after = ""
        if "pageToken" in query:
            after = base64.urlsafe_b64decode(query["pageToken"]).decode()
        page = _Page(limit)
        for name in sorted(self.objects, key=str.encode):
            if not name.startswith(prefix):
                continue
            head, found, _ = name[len(prefix) :].partition(delimiter or "\n")
            shown = f"{prefix}{head}{found}" if found else name
            if shown.encode() <= after.encode():
                continue
            if not page.take(shown, None if found else self.objects[name]):
                break
        return page.rendered()


@dataclass
class _Page:
    limit: int
    items: list[Stored] = field(default_factory=list)
    prefixes: list[str] = field(default_factory=list)
    last: str = ""
    more: bool = False

    def take(self, shown: str, item: Stored | None) -> bool:
        """Whether there was room."""
        if shown == self.last:
            return True
        if len(self.items) + len(self.prefixes) == self.limit:
            self.more = True
            return False
        if item is None:
            self.prefixes.append(shown)
        else:
            self.items.append(item)
        self.last = shown
        return True

    def rendered(self) -> dict[str, Any]:
        found: dict[str, Any] = {"kind": "storage#objects"}
        if self.items:
            found["items"] = [rendered(each) for each in self.items]
        if self.prefixes:
            found["prefixes"] = self.prefixes
        if self.more:
            token = base64.urlsafe_b64encode(self.last.encode()).decode()
            found["nextPageToken"] = token
        return found


def rendered(stored: Stored) -> dict[str, Any]:
    """As the JSON API tells it."""
    found = {
        "kind": "storage#object",
        "name": stored.name,
        "size": str(len(stored.data)),
        "generation": str(stored.generation),
        "metageneration": str(stored.metageneration),
        "timeCreated": told(stored.created),
        "updated": told(stored.updated),
        "crc32c": stored.crc32c,
        **stored.resource,
    }
    return {**found, "md5Hash": stored.md5} if stored.md5 else found


def told(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def crc(data: bytes) -> str:
    return base64.b64encode(google_crc32c.value(data).to_bytes(4, "big")).decode()
