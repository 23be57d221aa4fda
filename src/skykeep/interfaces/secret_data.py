"""The data that a caller, the layers and a provider exchange about secrets."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from typing import Final, final

from skykeep.interfaces.secret_value import SecretValue

CURRENT: Final = "current"
PENDING: Final = "pending"
PREVIOUS: Final = "previous"

STAMP_DIGEST_BYTES: Final = 16
_STAMP: Final = re.compile(r"[0-9a-f]{48}\Z")


@final
class Keep(Enum):
    """``KEEP``: leave this as it is (None means: remove it)."""

    KEEP = "keep"


KEEP: Final = Keep.KEEP


@dataclass(frozen=True, slots=True)
class Stamp:
    """Which write a version came from, and a keyed digest of its value.

    The same on every store that holds the version, so that stores are compared without reading
    values. Where each store keeps it is told in decision 15. A version without one was written
    by others, or by an environment of one target: nothing is known of it.

    Attributes:
        revision: microseconds since 1970, 64 bits; it orders the writes of one host.
        digest: 16 bytes; see ``skykeep.envelope.digests``.
    """

    revision: int
    digest: bytes

    def __post_init__(self) -> None:
        """Raises ``ValueError`` for what has no text form."""
        if not 0 <= self.revision < 1 << 64 or len(self.digest) != STAMP_DIGEST_BYTES:
            raise ValueError("a stamp is a revision of 64 bits and a digest of 16 bytes")

    def __str__(self) -> str:
        """48 hexadecimal digits: 16 of the revision, 32 of the digest."""
        return f"{self.revision:016x}{self.digest.hex()}"

    @staticmethod
    def parse(text: str) -> Stamp | None:
        """The stamp of its text form; None for any other text: others may have put it there."""
        if not _STAMP.match(text):
            return None
        return Stamp(int(text[:16], 16), bytes.fromhex(text[16:]))


@dataclass(frozen=True, slots=True)
class Version:
    """One immutable version of a secret's value.

    Attributes:
        id: issued by the store; only equality means anything.
        created_at: when, in UTC; None where the store does not tell (``times``).
        stages: the labels on it now.
        available: its value can be read (not disabled, not destroyed).
        size: bytes of the value, or None where the store does not tell.
    """

    id: str
    created_at: datetime | None
    stages: tuple[str, ...] = ()
    available: bool = True
    size: int | None = None


@dataclass(frozen=True, slots=True)
class SecretInfo:
    """What is known of a secret without its value.

    Attributes:
        name: the portable name.
        version: the id of the current version; None if there is none, if the store has no
            versions and does not tell without the value, or in a listing that does not tell
            (``version_in_list``; ``updated_at`` likewise).
        created_at: of the secret, UTC; None where the store does not tell (``times``,
            ``creation_time``).
        updated_at: of the last change of any kind, UTC; None likewise.
        metadata: free text pairs.
        tags: short label pairs.
        expires_at: when the value should no longer be used; None is never. Reading an
            expired secret still works: an outage would be worse than an old password.
        deleted_at: when it was deleted, or None if it is not.
        stamp: of the current version; None where there is none, it is not known to be of this
            version, or a listing does not tell it.
        provenance: where this answer came from; None inside a driver, and in a listing that is
            from where it should be.
    """

    name: str
    version: str | None
    created_at: datetime | None
    updated_at: datetime | None
    metadata: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    expires_at: datetime | None = None
    deleted_at: datetime | None = None
    stamp: Stamp | None = None
    provenance: Provenance | None = None

    @property
    def expired(self) -> bool:
        """Whether its expiry time has passed."""
        return self.expires_at is not None and self.expires_at <= datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where an answer came from.

    Attributes:
        source: the name of the target.
        age: seconds by which it may be behind, as far as this host knows: since the target gave
            it, and before that since the first write that the target was still owed.
        stale: older than its time to live, or from a target that was owed a write of it.
        degraded: not from where it should be.
        cached: kept, not asked for.
        revision: which write it came from, see ``Stamp``; None where nobody knows.
    """

    source: str
    age: float = 0.0
    stale: bool = False
    degraded: bool = False
    cached: bool = False
    revision: int | None = None


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret's value at one version, with what is known of it.

    Attributes:
        name: the portable name.
        value: opaque; see ``SecretValue``.
        version: the id of this version.
        created_at: of this version, UTC; None where the store does not tell (``times``), or
            not with the value (``version_with_value``).
        stages: the labels on this version now, as far as the store tells them with the value.
        metadata, tags, expires_at: of the secret, see ``SecretInfo``; empty and None where
            the store does not tell them with the value (``attributes_with_value``).
        provenance: where this answer came from; None only inside a driver.
        stamp: of this version; None where there is none, or it is not told with the value
            (``stamp_with_value``).
    """

    name: str
    value: SecretValue
    version: str
    created_at: datetime | None
    stages: tuple[str, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    expires_at: datetime | None = None
    provenance: Provenance | None = None
    stamp: Stamp | None = None

    @property
    def expired(self) -> bool:
        """Whether its expiry time has passed."""
        return self.expires_at is not None and self.expires_at <= datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Written:
    """The outcome of a write.

    Attributes:
        version: the id of the version that now holds the value.
        changed: False if the store already held exactly this; no version was made.
    """

    version: str
    changed: bool = True


@dataclass(frozen=True, slots=True)
class Attributes:
    """What a write says of the secret besides its value. ``KEEP`` leaves as it is.

    Attributes:
        metadata: replaces all pairs; ``{}`` removes them.
        tags: replaces all pairs; ``{}`` removes them.
        expires_at: an aware datetime; None removes the expiry.
        stamp: of the value that is written with it; a store without ``stamps`` leaves it out.
            A value written without one has none.
    """

    metadata: Mapping[str, str] | Keep = KEEP
    tags: Mapping[str, str] | Keep = KEEP
    expires_at: datetime | Keep | None = KEEP
    stamp: Stamp | None = None

    def then(self, said: Attributes) -> Attributes:
        """What both come to, ``said`` later."""
        return Attributes(
            metadata=self.metadata if said.metadata is KEEP else said.metadata,
            tags=self.tags if said.tags is KEEP else said.tags,
            expires_at=self.expires_at if said.expires_at is KEEP else said.expires_at,
            stamp=said.stamp or self.stamp,
        )

    @property
    def empty(self) -> bool:
        """Whether nothing is to change."""
        return self.metadata is KEEP and self.tags is KEEP and self.expires_at is KEEP


@dataclass(frozen=True, slots=True)
class Page:
    """Some of a listing, in the store's own order, and how to go on.

    Attributes:
        items: what is known of each secret.
        cursor: pass it to get the next page; None if this is the last. Opaque.
    """

    items: Sequence[SecretInfo]
    cursor: str | None
