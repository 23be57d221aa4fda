"""What the vault knows of one secret besides its values: one sealed record each."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from skykeep.errors import Corrupt
from skykeep.interfaces.secret_driver import (
    CURRENT,
    PREVIOUS,
    STAMP_DIGEST_BYTES,
    Attributes,
    Keep,
    SecretInfo,
    Stamp,
    Version,
)

END: Final = bytes(16)
"""Before the first name key and after the last; the key of the chain's own record."""

STAMP_BYTES: Final = 8 + STAMP_DIGEST_BYTES
"""Of a stamp: revision, big-endian, and digest."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def now() -> int:
    """Microseconds since 1970, UTC."""
    return to_micros(datetime.now(UTC))


def to_micros(moment: datetime) -> int:
    """Microseconds since 1970 of an aware datetime."""
    return (moment - _EPOCH) // _MICROSECOND


def to_datetime(micros: int) -> datetime:
    """The other way round. Raises ``Corrupt`` outside of the years 1 to 9999."""
    try:
        return _EPOCH + timedelta(microseconds=micros)
    except OverflowError:
        raise Corrupt("a time in a record makes no sense") from None


class Kept(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    """One version: its number, the row that holds its value, its size, when it was made."""

    number: int
    row: int
    size: int
    created: int


class Record(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    """One secret. Times are microseconds since 1970.

    Attributes:
        name: as stored, prefix included.
        serial: 16 random bytes, bound into each value: a purged secret's values do not
            open in a later one of the same name.
        next: the name key that follows in the order of keys, or ``END``. A name that is
            missing is proved missing by its neighbour; a row that vanished is not.
        last: the number of the newest version ever made.
        versions: oldest first.
        stages: label -> number.
        stamps: number -> revision, 8 bytes, and digest, 16; of the versions that have one.
    """

    name: str
    serial: bytes
    next: bytes
    created: int
    updated: int
    deleted: int | None
    expires: int | None
    last: int
    versions: list[Kept]
    stages: dict[str, int]
    metadata: dict[str, str]
    tags: dict[str, str]
    stamps: dict[int, bytes] = msgspec.field(default_factory=dict)

    def version(self, number: int) -> Kept | None:
        """The version of that number, if it is kept."""
        for kept in reversed(self.versions):
            if kept.number == number:
                return kept
        return None

    def stamp(self, number: int) -> Stamp | None:
        """That of a version, if it has one."""
        kept = self.stamps.get(number)
        return None if kept is None else Stamp(int.from_bytes(kept[:8], "big"), kept[8:])

    def put_stamp(self, number: int, stamp: Stamp | None) -> None:
        """Keep the stamp of a new version."""
        if stamp is not None:
            self.stamps[number] = stamp.revision.to_bytes(8, "big") + stamp.digest

    def labels(self, number: int) -> tuple[str, ...]:
        """The stages on a version, sorted."""
        return tuple(sorted(stage for stage, at in self.stages.items() if at == number))

    def move(self, stage: str, number: int) -> None:
        """Put a label on a version; a move of ``current`` leaves ``previous`` behind."""
        before = self.stages.get(stage)
        if stage == CURRENT and before is not None and before != number:
            self.stages[PREVIOUS] = before
        self.stages[stage] = number

    def apply(self, attributes: Attributes) -> bool:
        """Take over what is not ``KEEP``; whether anything changed."""
        before = (self.metadata, self.tags, self.expires)
        if not isinstance(attributes.metadata, Keep):
            self.metadata = dict(attributes.metadata)
        if not isinstance(attributes.tags, Keep):
            self.tags = dict(attributes.tags)
        if not isinstance(attributes.expires_at, Keep):
            at = attributes.expires_at
            self.expires = None if at is None else to_micros(at)
        return (self.metadata, self.tags, self.expires) != before

    def surplus(self, keep: int) -> list[Kept]:
        """Take out the oldest versions without a stage until ``keep`` are left."""
        out: list[Kept] = []
        staged = set(self.stages.values())
        for kept in self.versions[:-1]:
            if len(self.versions) - len(out) <= keep:
                break
            if kept.number not in staged:
                out.append(kept)
        self.versions = [kept for kept in self.versions if kept not in out]
        for kept in out:
            self.stamps.pop(kept.number, None)
        return out

    def info(self, name: str) -> SecretInfo:
        """As the driver gives it."""
        current = self.stages.get(CURRENT)
        return SecretInfo(
            name,
            None if current is None else str(current),
            to_datetime(self.created),
            to_datetime(self.updated),
            self.metadata,
            self.tags,
            None if self.expires is None else to_datetime(self.expires),
            None if self.deleted is None else to_datetime(self.deleted),
            None if current is None else self.stamp(current),
        )

    def listed_versions(self) -> list[Version]:
        """As the driver gives them, newest first."""
        return [
            Version(
                str(kept.number),
                to_datetime(kept.created),
                self.labels(kept.number),
                True,
                kept.size,
            )
            for kept in reversed(self.versions)
        ]


def new_record(name: str, after: bytes, at: int) -> Record:
    """A record without versions; ``after`` is the next name key."""
    return Record(name, os.urandom(16), after, at, at, None, None, 0, [], {}, {}, {})


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Record).decode
_WITHOUT_STAMPS = Record.__struct_fields__.index("stamps")


def pack(record: Record) -> bytes:
    """As it is sealed. Without any stamp it ends before them, as records did that know none:
    whoever knows none reads what has none."""
    if record.stamps:
        return _encode(record)
    return _encode(msgspec.structs.astuple(record)[:_WITHOUT_STAMPS])


def unpack(packed: bytes) -> Record:
    """The record. Raises ``Corrupt``: only a holder of the key can have written another."""
    try:
        record = _decode(packed)
    except msgspec.MsgspecError:
        record = None
    if (
        record is None
        or len(record.serial) != len(END)
        or len(record.next) != len(END)
        or any(len(stamp) != STAMP_BYTES for stamp in record.stamps.values())
    ):
        raise Corrupt("a record makes no sense")
    return record
