"""The days that an archive has, and the objects of a day."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date

from skykeep.archive.ids import File, day_path, file_of
from skykeep.interfaces.object_driver import ObjectInfo
from skykeep.interfaces.objects import Objects


@dataclass(frozen=True, slots=True)
class Found:
    """An object of an archive.

    Attributes:
        info: of the store.
        file: what its name says.
        day: the day that it lies under.
    """

    info: ObjectInfo
    file: File
    day: date


@dataclass(frozen=True, slots=True)
class Span:
    """Some days, the first and the last among them; None is no bound."""

    first: date | None = None
    last: date | None = None

    def __contains__(self, day: date) -> bool:
        return (self.first is None or day >= self.first) and (
            self.last is None or day <= self.last
        )

    def has_month(self, year: int, month: int) -> bool:
        """Whether any day of the month may be among them."""
        at = (year, month)
        return (self.first is None or at >= (self.first.year, self.first.month)) and (
            self.last is None or at <= (self.last.year, self.last.month)
        )

    def has_year(self, year: int) -> bool:
        """Whether any day of the year may be among them."""
        return (self.first is None or year >= self.first.year) and (
            self.last is None or year <= self.last.year
        )


async def days(objects: Objects, prefix: str, span: Span) -> list[date]:
    """The days of the span under which there is anything, in order.

    One call for the years, one for each year and one for each month that may be in the span.
    """
    found: list[date] = []
    for year in await _below(objects, prefix, 4):
        if not span.has_year(int(year)):
            continue
        for month in await _below(objects, f"{prefix}{year}/", 2):
            if not span.has_month(int(year), int(month)):
                continue
            for day in await _below(objects, f"{prefix}{year}/{month}/", 2):
                try:
                    at = date(int(year), int(month), int(day))
                except ValueError:
                    continue  # no day of any calendar: it is not an archive's
                if at in span:
                    found.append(at)
    return sorted(found)


async def files(objects: Objects, prefix: str, day: date) -> AsyncIterator[Found | ObjectInfo]:
    """The objects directly under a day: an archive's as ``Found``, others as they are."""
    base = f"{prefix}{day_path(day)}"
    async for info in objects.list(base, delimiter=True):
        file = file_of(info.key[len(base) + 1 :])
        yield info if file is None else Found(info, file, day)


async def _below(objects: Objects, prefix: str, digits: int) -> list[str]:
    """What of so many digits follows the prefix, up to the next slash, in order."""
    parent = prefix.rpartition("/")[0]
    number = re.compile(rf"{re.escape(prefix)}(?P<number>[0-9]{{{digits}}})")
    listing = objects.list(parent, delimiter=True)
    found: set[str] = set()
    while await listing.next_page() is not None:
        for each in listing.prefixes:
            if level := number.fullmatch(each.removesuffix("/")):
                found.add(level["number"])
    return sorted(found)
