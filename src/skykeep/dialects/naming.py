"""Portable names for what was called anything: never two things under one name."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from skykeep.dialects.model import Item
from skykeep.interfaces.names import MAX_NAME_BYTES
from skykeep.interfaces.secret_value import SecretValue

_OTHER = re.compile(r"[^A-Za-z0-9._-]+")
_ROOM = 8  # for "-" and a number
_FIELD = 80


@dataclass(frozen=True, slots=True)
class Named:
    """A value and the name that it gets.

    Attributes:
        name: the portable name.
        origin: what the source calls it, labels joined by ``/``.
        value: the value.
    """

    name: str
    origin: str
    value: SecretValue


def segment(label: str) -> str:
    """One segment of a name: ``Ma banque (privé)`` -> ``Ma-banque-prive``."""
    plain = unicodedata.normalize("NFKD", label)
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    plain = _OTHER.sub("-", plain).strip("-") or "unnamed"
    return "unnamed" if plain in {".", ".."} else plain


def _kept(label: str) -> str:
    """A label that is a segment already stays as it is."""
    return (
        label if not _OTHER.search(label) and label not in {"", ".", ".."} else segment(label)
    )


def named(items: Iterable[Item], prefix: str = "") -> list[Named]:
    """Every value with its name, in order.

    ``prefix`` is put before each: ``""`` or whole segments without a closing slash. Items
    that are not ``exact`` and would share a name with something earlier get ``-2``, ``-3`` …
    behind the item's own segment. Of exact items the same name can come more than once.
    """
    start = f"{prefix}/" if prefix else ""
    found: list[Named] = []
    taken: set[str] = set()
    counts: dict[str, int] = {}
    for item in items:
        labels = [label for label, _ in item.fields]
        fields = _apart([_kept(label)[:_FIELD] if label else "" for label in labels])
        longest = max((len(field) + 1 if field else 0 for field in fields), default=0)
        base = start + "/".join(_kept(label) for label in item.path)
        if len(base) > MAX_NAME_BYTES - longest - _ROOM and not item.exact:
            base = base[: MAX_NAME_BYTES - longest - _ROOM].rstrip("/.-")
        place, number = base, counts.get(base, 1)
        while not item.exact and any(_joined(place, field) in taken for field in fields):
            number += 1
            place = f"{base}-{number}"
        counts[base] = number
        for field, (label, value) in zip(fields, item.fields, strict=True):
            name = _joined(place, field)
            taken.add(name)
            origin = "/".join((*item.path, label) if label else item.path)
            found.append(Named(name, origin, value))
    return found


def _joined(place: str, field: str) -> str:
    return f"{place}/{field}" if field else place


def _apart(fields: list[str]) -> list[str]:
    """The fields of one item, each by a name of its own."""
    taken = set(fields)
    seen: set[str] = set()
    found: list[str] = []
    for field in fields:
        one, number = field, 1
        while one in seen or (number > 1 and one in taken):
            number += 1
            one = f"{field}-{number}"
        seen.add(one)
        found.append(one)
    return found
