"""Two sides held against each other: what has to be copied, and what is left over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from skykeep.apps.cli.console import Progress
from skykeep.apps.cli.transfers.sides import Entry, Files, Keys, Side
from skykeep.errors import NotFound
from skykeep.interfaces.side_by_side import side_by_side

Why: TypeAlias = Literal["new", "size", "content", "newer", "unknown"]

_AT_ONCE = 1000
"""Comparisons that are set up at once; a million tasks would fill the memory."""
_SAME_TIME = 1.0
"""Seconds: file systems and stores keep times to a second at worst."""


@dataclass(frozen=True, slots=True)
class Change:
    """An entry of the source that is not so on the other side.

    Attributes:
        why: it is not there, has another size, has another content; with ``quick``, it is
            newer; ``unknown``: nobody knows the other one's digest.
    """

    entry: Entry
    why: Why


@dataclass(frozen=True, slots=True)
class Plan:
    """What makes the second side like the first.

    Attributes:
        changes: to be copied, by name.
        extra: only on the second side, by name.
        same: how many are left as they are.
    """

    changes: list[Change]
    extra: list[Entry]
    same: int


async def compared(
    source: Side, target: Side, *, quick: bool, jobs: int, progress: Progress
) -> Plan:
    """The plan. Raises as ``Side.entries`` and ``Side.digest``."""
    here, there = await source.entries(progress), await target.entries(progress)
    changes = [Change(here[name], "new") for name in here.keys() - there.keys()]
    both = sorted(here.keys() & there.keys())

    async def why(name: str) -> Why | None:
        return await _why(source, here[name], target, there[name], quick=quick)

    count = 0
    for at in range(0, len(both), _AT_ONCE):
        some = both[at : at + _AT_ONCE]
        reasons = await side_by_side(why, some, jobs)
        changes += [
            Change(here[name], reason)
            for name, reason in zip(some, reasons, strict=True)
            if reason is not None
        ]
        count += len(some)
        progress.at(count)
    return Plan(
        sorted(changes, key=lambda change: change.entry.name),
        _only(there, here),
        len(here) - len(changes),
    )


def _only(these: Mapping[str, Entry], others: Mapping[str, Entry]) -> list[Entry]:
    return [these[name] for name in sorted(these.keys() - others.keys())]


async def _why(
    source: Side, one: Entry, target: Side, other: Entry, *, quick: bool
) -> Why | None:
    if one.size != other.size:
        return "size"
    if quick:
        return "newer" if one.modified > other.modified + _SAME_TIME else None
    # Objects first: where a digest is not known, no file has to be read.
    known: dict[int, str | None] = {}
    for side, entry in sorted(
        ((source, one), (target, other)), key=lambda pair: isinstance(pair[0], Files)
    ):
        try:
            known[id(side)] = await side.digest(entry)
        except NotFound:  # removed since it was listed
            return "unknown"
        if known[id(side)] is None:
            return _by_time(source, one, target, other)
    return None if known[id(source)] == known[id(target)] else "content"


def _by_time(source: Side, one: Entry, target: Side, other: Entry) -> Why | None:
    """Where a digest is not known: a copy that was made from the other has its time, or a
    later one; a file says nothing of an object that somebody else wrote."""
    if isinstance(source, Files):
        return "unknown"
    if isinstance(target, Keys):
        return None if other.modified + _SAME_TIME >= one.modified else "newer"
    return None if abs(one.modified - other.modified) <= _SAME_TIME else "unknown"
