"""What is written: a result as JSON, a batch as one JSON object a line.

A line of a batch is ``{"id":…,"at":…,"result":…}``, so that an archive can be read with any
tool; an object of its own is the result and nothing more.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final, TypeVar

import msgspec

from skykeep.archive.ids import MAX_PLACE, Place, ResultId, token
from skykeep.errors import Corrupt, Invalid, NotFound

T = TypeVar("T")

MAX_RESULT: Final = 16 * 1024 * 1024
"""Bytes of one result's JSON."""
MAX_OBJECT: Final = MAX_PLACE - 1
"""Bytes of one object, uncompressed."""


class Line(msgspec.Struct, frozen=True):
    """A line of a batch, with the result not read yet."""

    id: str
    at: datetime
    result: msgspec.Raw

    def __repr__(self) -> str:
        return f"Line({self.id!r})"


def encoded(result: object) -> bytes:
    """The result as JSON. Raises ``Invalid`` for what JSON cannot say, and over 16 MiB."""
    data: bytes | None
    try:
        # A msgspec.Raw is taken over unread: this checks it, and leaves no line end in it.
        data = msgspec.json.format(msgspec.json.encode(result), indent=-1)
    except (TypeError, ValueError, OverflowError, RecursionError, msgspec.MsgspecError):
        data = None
    del result  # no traceback shows it
    if data is None:
        raise Invalid(
            "the result cannot be written as JSON",
            hint="give mappings, lists, a dataclass, a msgspec.Struct, or JSON as msgspec.Raw",
        )
    if len(data) > MAX_RESULT:
        raise Invalid(
            f"a result has at most {MAX_RESULT:,} bytes as JSON; this has {len(data):,}"
        )
    return data


def decoded(data: bytes, kind: type[T] | Any, id_: str) -> Any:
    """The result that the JSON says, as that type.

    Raises ``Corrupt`` if it is not JSON, ``Invalid`` if it is of another shape.
    """
    try:
        return msgspec.json.decode(data, type=kind)
    except msgspec.ValidationError:
        wrong = True  # its text may have a value in it
    except (msgspec.DecodeError, RecursionError):
        wrong = False
    finally:
        del data
    if wrong:
        raise Invalid(f"the result {id_} is no {getattr(kind, '__name__', 'such type')}")
    raise Corrupt(f"the result {id_} is damaged: it is not JSON")


def placed(
    data: bytes, at: datetime, object_: str, start: int, *, packed: bool
) -> tuple[str, bytes]:
    """The id of a result in a batch, and the line that holds it."""
    own = token()

    def written(size: int) -> tuple[str, bytes]:
        id_ = str(ResultId(object_, packed, Place(start, size, own)))
        return id_, msgspec.json.encode(Line(id_, at, msgspec.Raw(data))) + b"\n"

    # An id's length does not depend on what it says: the first try tells the size.
    return written(len(written(0)[1]))


def line_of(id_: ResultId, line: bytes) -> Line:
    """The line that was found at the id's place.

    Raises ``NotFound`` if it is another's: the id was made up; ``Corrupt`` if it is no line.
    """
    try:
        found = msgspec.json.decode(line, type=Line)
    except (msgspec.DecodeError, RecursionError):
        found = None
    if found is None or not line.endswith(b"\n"):
        raise Corrupt(f"there is no line at the place of the result {id_} in its batch")
    if not hmac.compare_digest(found.id.encode(), str(id_).encode()):
        raise NotFound(f"there is no result {id_}")
    return found


def lines_of(data: bytes, key: str) -> Iterator[tuple[Line, int]]:
    """Every line of a batch, and its bytes. Raises ``Corrupt``."""
    for number, line in enumerate(data.splitlines(keepends=True), 1):
        try:
            yield msgspec.json.decode(line, type=Line), len(line)
        except (msgspec.DecodeError, RecursionError):
            raise Corrupt(f"line {number} of {key} is damaged") from None
