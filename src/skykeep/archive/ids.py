"""The id of a result: it says when the result was kept, and so where it is.

::

    01m8v9w3qk5e7xz2c4n6p8r0st                                  an object of its own
    01m8v9w3qk5e7xz2c4n6p8r0stz                                 … compressed
    01m8v9w3qk5e7xz2c4n6p8r0st-000003g0sva9d3kfx7mhy2qjc5e8wn   a line of a batch

The first 26 characters are a ULID (github.com/ulid/spec) in lower case: 48 bits of
milliseconds since 1970 and 80 random bits, in Crockford's base 32. So ids sort by time, to
the millisecond. A ``z`` after it says that the object is compressed. In a batch these
name the object, and 26 more name the line: five characters are the byte that it begins at,
five how many it has, and sixteen are 80 random bits of its own, so that who knows one id of a
batch can guess no other.

A UUID has no date that could be relied on: where it is kept has to be said, or looked for.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

from skykeep.errors import Invalid
from skykeep.interfaces.names import shown

ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"  # pragma: allowlist secret (digits)
"""Crockford's: without i, l, o and u."""
MAX_PLACE: Final = 1 << 25
"""Bytes that five characters count: no object of an archive is longer, uncompressed."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_OURS = re.compile(
    rf"(?P<object>[0-7][{ALPHABET}]{{25}})(?P<packed>z?)"
    rf"(?:-(?P<start>[{ALPHABET}]{{5}})(?P<size>[{ALPHABET}]{{5}})(?P<token>[{ALPHABET}]{{16}}))?"
)
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_FILE = re.compile(r"(?P<stem>[^/.]+)(?P<ending>\.jsonl?(?:\.zst)?)")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a line lies in its batch, uncompressed.

    Attributes:
        start: its first byte.
        size: bytes, with the end of the line.
        token: 80 random bits, as 16 characters.
    """

    start: int
    size: int
    token: str

    def __str__(self) -> str:
        return f"{_digits(self.start, 5)}{_digits(self.size, 5)}{self.token}"


@dataclass(frozen=True, slots=True)
class ResultId:
    """An id, taken apart.

    Attributes:
        object: the ULID of the object, or a UUID.
        packed: whether the object is compressed.
        place: the line in its batch; None for an object of its own.
    """

    object: str
    packed: bool = False
    place: Place | None = None

    @property
    def at(self) -> datetime | None:
        """When it was kept, UTC; of a batch, when that began. None for a UUID."""
        if _UUID.fullmatch(self.object):
            return None
        return _EPOCH + timedelta(milliseconds=_number(self.object[:10]))

    def __str__(self) -> str:
        of = f"{self.object}z" if self.packed else self.object
        return of if self.place is None else f"{of}-{self.place}"


def new_object(at: datetime) -> str:
    """A ULID of that time."""
    since = (at - _EPOCH) // timedelta(milliseconds=1)
    return f"{_digits(since, 10)}{token()}"


def token() -> str:
    """80 random bits, as 16 characters."""
    return _digits(secrets.randbits(80), 16)


def parse(text: str) -> ResultId:
    """The id that the text is. Raises ``Invalid``."""
    lower = text.lower()
    if _UUID.fullmatch(lower):
        return ResultId(lower)
    found = _OURS.fullmatch(lower)
    if found is None or not _has_date(lower):
        raise Invalid(
            f"{shown(text)} is not the id of a result",
            hint="an id is what Archive.put gave, or a UUID",
        )
    packed = bool(found["packed"])
    if found["start"] is None:
        return ResultId(found["object"], packed)
    place = Place(_number(found["start"]), _number(found["size"]), found["token"])
    return ResultId(found["object"], packed, place)


def file_name(object_: str, *, packed: bool, batch: bool) -> str:
    """The last segment of an object's key."""
    return f"{object_}{'.jsonl' if batch else '.json'}{'.zst' if packed else ''}"


@dataclass(frozen=True, slots=True)
class File:
    """An object of an archive, known by its name.

    Attributes:
        object: a ULID or a UUID.
        packed: whether it is compressed.
        batch: whether it has many results.
    """

    object: str
    packed: bool
    batch: bool


def file_of(name: str) -> File | None:
    """What an object with this last segment is; None if it is none of an archive's."""
    found = _FILE.fullmatch(name)
    if found is None:
        return None
    stem, ending = found["stem"], found["ending"]
    batch, packed = ending.startswith(".jsonl"), ending.endswith(".zst")
    if _UUID.fullmatch(stem):
        return None if batch or packed else File(stem, packed=False, batch=False)
    ours = _OURS.fullmatch(stem)
    if ours is None or ours["packed"] or ours["start"] is not None or not _has_date(stem):
        return None
    return File(stem, packed, batch)


def day_path(day: date) -> str:
    """``2026/11/22``."""
    return f"{day.year:04}/{day.month:02}/{day.day:02}"


def _has_date(text: str) -> bool:
    # 48 bits of milliseconds reach to the year 10889; Python's calendar ends with 9999.
    return _number(text[:10]) <= 253_402_300_799_999


def _digits(number: int, width: int) -> str:
    return "".join(ALPHABET[number >> 5 * at & 31] for at in reversed(range(width)))


_VALUES = {character: value for value, character in enumerate(ALPHABET)}


def _number(text: str) -> int:
    number = 0
    for character in text:
        number = number << 5 | _VALUES[character]
    return number
