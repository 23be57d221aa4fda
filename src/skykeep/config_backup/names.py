"""What backups are called: ``config_20261122_103000.yml``, in UTC.

The second one of a second is ``config_20261122_103000_2.yml``; at most 99 have a place.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from skykeep.errors import Invalid
from skykeep.interfaces.names import shown

LATEST: Final = "latest"
"""Stands for the newest backup wherever one is named."""

_NAME = re.compile(r"config_(?P<at>[0-9]{8}_[0-9]{6})(?:_(?P<number>[2-9]|[1-9][0-9]))?\.yml")
_FORMAT = "%Y%m%d_%H%M%S"


@dataclass(frozen=True, slots=True, order=True)
class Name:
    """The name of a backup, in the order of time.

    Attributes:
        at: when it was made, UTC, to the second.
        number: 1 for the first of that second.
    """

    at: datetime
    number: int = 1

    def __str__(self) -> str:
        more = f"_{self.number}" if self.number > 1 else ""
        return f"config_{self.at:{_FORMAT}}{more}.yml"


def names_at(at: datetime) -> Iterator[Name]:
    """The names that a backup of that time may have, the first to be tried first."""
    second = at.astimezone(UTC).replace(microsecond=0)
    return (Name(second, number) for number in range(1, 100))


def name_of(text: str) -> Name | None:
    """The name that the text is, or None."""
    found = _NAME.fullmatch(text)
    if found is None:
        return None
    try:
        at = datetime.strptime(found["at"], _FORMAT).replace(tzinfo=UTC)
    except ValueError:
        return None
    return Name(at, int(found["number"] or 1))


def named(text: str, prefix: str) -> Name:
    """The backup that somebody names: as listed, as its key, or without ``.yml``.

    Raises ``Invalid``.
    """
    bare = text.removeprefix(prefix)
    found = name_of(bare) or name_of(f"{bare}.yml")
    if found is None:
        raise Invalid(
            f"{shown(text)} is not the name of a backup",
            hint=f"name one as listed, config_20261122_103000.yml, or '{LATEST}'",
        )
    return found


def stamp(at: datetime) -> str:
    """The time as names have it."""
    return f"{at.astimezone(UTC):{_FORMAT}}"
