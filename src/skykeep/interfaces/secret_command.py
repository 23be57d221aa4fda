"""A write of a secret as data: sent once, or kept and sent again to other targets."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal, get_args

from skykeep.errors import (
    Conflict,
    Corrupt,
    Denied,
    KeyFailure,
    NotFound,
    PendingDelete,
    Unsupported,
    VersionUnavailable,
)
from skykeep.interfaces.call import Held, Target
from skykeep.interfaces.names import shown
from skykeep.interfaces.secret_driver import (
    CURRENT,
    KEEP,
    Attributes,
    SecretDriver,
    Stamp,
    Written,
)
from skykeep.interfaces.secret_tags import tagged
from skykeep.interfaces.secret_upsert import OnTombstone, check_size, upsert
from skykeep.interfaces.secret_value import SecretValue

Kind = Literal[
    "put", "create", "update", "annotate", "delete", "purge", "restore", "promote", "label"
]

IDEMPOTENT: frozenset[str] = frozenset({"put", "update", "annotate", "promote", "label"})
"""Kinds that leave the store the same when they are done twice, unless under ``expects``."""

REPLICATED: frozenset[str] = frozenset(
    {"put", "create", "update", "annotate", "delete", "purge", "restore", "promote"}
)
"""Kinds that change what ``current`` is, or what is said of it. Other labels stay at home."""


@dataclass(frozen=True, slots=True)
class SecretCommand:
    """One write of one secret.

    Attributes:
        kind: the method of ``Secrets``; ``promote`` moves ``current``, ``label`` another stage.
        resource: the name with its scope.
        value: of put, create and update.
        attributes: of these, and of annotate.
        stage: of update, promote and label.
        version: of promote and label; None takes the label off.
        expects: the application's own condition.
        at: the target whose ids ``version`` and ``expects`` are; None is the primary.
        on_tombstone: of put.
        tags: standing tags, put onto what is written.
    """

    kind: Kind
    resource: str
    value: SecretValue | None = None
    attributes: Attributes = field(default_factory=Attributes)
    stage: str = CURRENT
    version: str | None = None
    expects: str | None = None
    on_tombstone: OnTombstone = "fail"
    tags: Mapping[str, str] = field(default_factory=dict)
    at: str | None = None

    @property
    def replicated(self) -> bool:
        """Whether other targets get it."""
        return self.kind in REPLICATED and (self.kind != "update" or self.stage == CURRENT)

    @property
    def idempotent(self) -> bool:
        """Whether doing it twice leaves the store as doing it once: a purge that comes late
        takes the value that was put behind it."""
        return self.kind in IDEMPOTENT and self.expects is None and self.on_tombstone != "purge"

    @property
    def follows(self) -> bool:
        """Whether what it makes current is known only when its home has done it."""
        return self.kind in {"restore", "promote"}

    @property
    def deletes(self) -> bool:
        """Whether nothing is there after it."""
        return self.kind in {"delete", "purge"}

    @property
    def digest(self) -> bytes | None:
        """Of the value that it makes current, as in ``Held``; None if it brings none."""
        return None if self.value is None else digest_of(self.value)

    @property
    def size(self) -> int:
        """Bytes of the value."""
        return 0 if self.value is None else self.value.size

    def stamped(self, stamp: Stamp | None) -> SecretCommand:
        """The same, with a stamp on its value."""
        return replace(self, attributes=replace(self.attributes, stamp=stamp))

    def after(self, said: Attributes) -> SecretCommand:
        """The same, for whoever has missed a write before it that said this."""
        stamp = self.attributes.stamp  # that of another value is not this one's
        return replace(self, attributes=replace(said.then(self.attributes), stamp=stamp))

    async def look(self, target: Target) -> Held:
        """What the target holds under the name now: its current value."""
        return await look(target, self.resource)

    async def apply(self, target: Target, held: Held | None = None) -> Any:
        """Do as the application asked.

        ``held`` is what was seen there: it is replaced, and ``Conflict`` is raised if by then
        something else is there, where the store has compare-and-set. None writes
        unconditionally. Raises what drivers raise.
        """
        driver: SecretDriver = await target.driver("secrets")
        if self.value is not None:
            check_size(driver, target, self.value)
        if held is not None and held.known and held.digest is None:
            await self._check_absent(driver)
        name, can = self.resource, driver.capabilities
        seen = None if held is None else held.version
        if self.kind in {"put", "create", "update"}:
            return await self._write(driver, held, self.value or SecretValue(b""))
        if self.kind == "annotate":
            expects = self.expects or (seen if can.conditional_changes else None)
            attributes = tagged(driver, self.attributes, self.tags)
            await driver.annotate(name, attributes, expects=expects)
        elif self.kind in {"promote", "label"}:
            expects = self.expects
            if self.kind == "promote" and can.compare_and_set:
                expects = expects or seen
            await driver.move_stage(name, self.stage, self.version, expects=expects)
        elif self.kind == "delete":
            expects = self.expects or (seen if can.conditional_changes else None)
            await driver.delete(name, expects=expects)
        elif self.kind == "restore":
            await driver.restore(name)
        else:
            await driver.purge(name)
        return None

    def check_seen(self, held: Held) -> None:
        """Raise ``Conflict`` if what its home was just seen to hold refuses it.

        It need not be sent then: a refusal whose answer is lost would be in doubt, and its
        copies would take what was there for what they are to replace.
        """
        if self.kind == "create" and held.known and held.digest is not None:
            name = shown(self.resource)
            raise Conflict(f"the secret {name} exists already", hint="update it, or use put")

    async def _check_absent(self, driver: SecretDriver) -> None:
        """Raise for what needs a secret where none was seen: sent all the same, it would be
        without a condition."""
        if self.kind in {"put", "create", "restore", "purge"}:
            return
        info = await driver.describe(self.resource)
        if info.deleted_at is not None and self.kind != "delete":
            raise PendingDelete(f"{shown(self.resource)} was deleted")
        raise NotFound(f"there is no secret {shown(self.resource)}")

    async def _write(
        self, driver: SecretDriver, held: Held | None, value: SecretValue
    ) -> Written:
        name = self.resource
        if self.kind == "create":
            new = tagged(driver, self.attributes, self.tags, new=True)
            return await driver.create(name, value, new)
        if self.kind == "put" and (held is None or not held.known):
            return await upsert(
                driver,
                name,
                value,
                self.attributes,
                tags=self.tags,
                on_tombstone=self.on_tombstone,
            )
        if self.kind == "put" and held is not None and held.digest is None:
            return await self._create(driver, value)
        can_expect = driver.capabilities.compare_and_set and self.stage == CURRENT
        seen = held.version if held is not None and can_expect else None
        try:
            return await driver.update(
                name,
                value,
                tagged(driver, self.attributes, self.tags),
                stage=self.stage,
                expects=self.expects or seen,
            )
        except NotFound:
            if self.kind == "update":
                raise
        raise Conflict("it was deleted while it was written")

    async def _create(self, driver: SecretDriver, value: SecretValue) -> Written:
        """Create what was not there; a tombstone is dealt with as was asked."""
        new = tagged(driver, self.attributes, self.tags, new=True)
        try:
            return await driver.create(self.resource, value, new)
        except PendingDelete:
            if self.on_tombstone == "fail":
                raise
        if self.on_tombstone == "purge":
            await driver.purge(self.resource)
            return await driver.create(self.resource, value, new)
        await driver.restore(self.resource)
        there = await driver.get(self.resource)
        return await driver.update(
            self.resource,
            value,
            tagged(driver, self.attributes, self.tags),
            expects=there.version if driver.capabilities.compare_and_set else None,
        )

    # -- kept and sent again

    def pack(self) -> bytes:
        """All of it, with the value."""
        value = None if self.value is None else base64.b64encode(self.value.reveal()).decode()
        attributes = self.attributes
        kept: dict[str, Any] = {
            "kind": self.kind,
            "resource": self.resource,
            "value": value,
            "stage": self.stage,
            "version": self.version,
            "expects": self.expects,
            "at": self.at,
            "on_tombstone": self.on_tombstone,
            "tags": dict(self.tags),
            "stamp": None if attributes.stamp is None else str(attributes.stamp),
        }
        if attributes.metadata is not KEEP:
            kept["set_metadata"] = dict(attributes.metadata)
        if attributes.tags is not KEEP:
            kept["set_tags"] = dict(attributes.tags)
        if attributes.expires_at is not KEEP:
            at = attributes.expires_at
            kept["set_expires_at"] = None if at is None else at.isoformat()
        return json.dumps(kept, separators=(",", ":")).encode()


def unpack(data: bytes) -> SecretCommand:
    """What ``pack`` made. Raises ``Corrupt``."""
    try:
        kept = json.loads(data)
        if kept["kind"] not in get_args(Kind):
            raise ValueError  # of a newer version: what it asks for is not known here
        value = kept["value"]
        at = kept.get("set_expires_at")
        attributes = Attributes(
            metadata=kept.get("set_metadata", KEEP),
            tags=kept.get("set_tags", KEEP),
            expires_at=(datetime.fromisoformat(at) if at else None)
            if "set_expires_at" in kept
            else KEEP,
            stamp=None if kept["stamp"] is None else Stamp.parse(kept["stamp"]),
        )
        return SecretCommand(
            kept["kind"],
            kept["resource"],
            None if value is None else SecretValue(base64.b64decode(value, validate=True)),
            attributes,
            kept["stage"],
            kept["version"],
            kept["expects"],
            kept["on_tombstone"],
            kept["tags"],
            kept.get("at"),
        )
    except (ValueError, KeyError, TypeError):
        pass  # its exception holds the value: leave the handler before raising
    raise Corrupt("a record of a write makes no sense")


def digest_of(value: SecretValue) -> bytes:
    """SHA-256 of a value: for this host's own comparisons, in memory or sealed."""
    return hashlib.sha256(value.reveal()).digest()


async def look(target: Target, resource: str) -> Held:
    """What a target holds under a name.

    ``known`` is False where it cannot be shown: no right to read, or it does not open. Raises
    ``Unavailable``, ``Throttled``, ``Unauthenticated``, ``Invalid``.
    """
    driver: SecretDriver = await target.driver("secrets")
    try:
        found = await driver.get(resource)
    except NotFound:
        return Held()
    except (VersionUnavailable, Denied, Corrupt, KeyFailure, Unsupported):
        return Held(known=False)
    return Held(found.version, digest_of(found.value), True, found)
