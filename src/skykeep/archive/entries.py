"""What is told of results without their content."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from skykeep.archive.days import Found
from skykeep.archive.ids import ResultId


@dataclass(frozen=True, slots=True)
class Archived:
    """What is known of a result without its content.

    Attributes:
        id: what ``get`` takes.
        at: when it was kept, UTC; for an id without a date, when the store wrote it.
        day: the day that it is kept under, UTC.
        size: bytes in the store; of a result in a batch, those of its line, uncompressed.
    """

    id: str
    at: datetime
    day: date
    size: int


@dataclass(frozen=True, slots=True)
class Expired:
    """What ``Archive.expire`` removed, or would remove.

    Attributes:
        before: the first day that stays.
        days: those of which objects were removed.
        objects: how many; a batch is one.
        freed: bytes of them in the store.
        left: objects under those days that are not an archive's, and stay.
    """

    before: date
    days: tuple[date, ...]
    objects: int
    freed: int
    left: int


def entry_of(found: Found) -> Archived:
    """Of an object that is one result."""
    id_ = ResultId(found.file.object, found.file.packed)
    return Archived(str(id_), id_.at or found.info.modified_at, found.day, found.info.size)
