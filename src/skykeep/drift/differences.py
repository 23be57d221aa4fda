"""What is told of a secret in two stores. Never a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final, Literal

from skykeep.errors import SkykeepError
from skykeep.interfaces.secret_driver import SecretCapabilities, SecretInfo, Stamp
from skykeep.interfaces.secret_value import SecretValue

_NONE: Final[Mapping[str, str]] = MappingProxyType({})  # one for all: there may be 100,000

VALUE: Final = "value"
ATTRIBUTES: Final = ("metadata", "tags", "expires_at")
Part = Literal["value", "metadata", "tags", "expires_at"]


class Kind(StrEnum):
    """How two stores stand in a secret."""

    ONLY_IN_A = "only_in_a"
    ONLY_IN_B = "only_in_b"
    DIFFERS = "differs"
    UNKNOWN = "unknown"
    SAME = "same"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A secret in one store.

    Attributes:
        version: the id of its current version; None where nobody asked for it.
        changed_at: when that version was made, or the secret last changed; None likewise.
        stamp: of that version; None if it has none or nobody asked for it.
        digest: 8 hexadecimal digits, if the value was read. They are made with a key that is
            drawn for each comparison: within one of them, and for nobody else, equal ones say
            that values are equal.
        size: bytes of the value, if it was read.
        binary: the value is no text; False also if it was not read.
        metadata, tags, expires_at: as the store tells them; without standing tags.
    """

    version: str | None
    changed_at: datetime | None
    stamp: Stamp | None = None
    digest: str | None = None
    size: int | None = None
    binary: bool = False
    metadata: Mapping[str, str] = field(default_factory=lambda: _NONE)
    tags: Mapping[str, str] = field(default_factory=lambda: _NONE)
    expires_at: datetime | None = None

    @staticmethod
    def of(info: SecretInfo, standing: Mapping[str, str]) -> Seen:
        """What ``list`` or ``describe`` says, without the standing tags of its store."""
        tags = info.tags
        if standing:
            tags = {key: text for key, text in tags.items() if standing.get(key) != text}
        return Seen(
            version=info.version,
            changed_at=info.updated_at,
            stamp=info.stamp,
            metadata=dict(info.metadata) if info.metadata else _NONE,
            tags=dict(tags) if tags else _NONE,
            expires_at=info.expires_at,
        )


@dataclass(frozen=True, slots=True)
class Difference:
    """A secret, and how two stores stand in it.

    Attributes:
        name: the portable name, as A has it if it does.
        kind: see ``Kind``.
        a, b: what was seen of it; None where it is not.
        what: the parts that differ.
        newer: which value was written last, by their revisions; None where nobody knows.
        reason: why it is unknown; else ``""``.
        error: the error that says so, if it was one.
    """

    name: str
    kind: Kind
    a: Seen | None
    b: Seen | None
    what: tuple[str, ...] = ()
    newer: Literal["a", "b"] | None = None
    reason: str = ""
    error: SkykeepError | None = field(default=None, compare=False, repr=False)


def kept_by(can: SecretCapabilities) -> tuple[str, ...]:
    """Which of ``ATTRIBUTES`` a store keeps."""
    keeps = (can.metadata, can.tags, can.expiry)
    return tuple(part for part, kept in zip(ATTRIBUTES, keeps, strict=True) if kept)


def differing(a: Seen, b: Seen, parts: tuple[str, ...]) -> tuple[str, ...]:
    """Which of the parts named differ; of values nothing is said."""
    return tuple(
        part
        for part in parts
        if part != VALUE and not _equal(getattr(a, part), getattr(b, part))
    )


def is_text(value: SecretValue) -> bool:
    """Whether it has the form of UTF-8."""
    try:
        value.reveal().decode()
    except UnicodeDecodeError:
        return False
    return True


def _equal(one: object, other: object) -> bool:
    if isinstance(one, datetime) and isinstance(other, datetime):
        # Some stores keep times of expiry to the second.
        return one.replace(microsecond=0) == other.replace(microsecond=0)
    return one == other
