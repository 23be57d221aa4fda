"""Several writes of a name that one record stands for.

One record of a name is enough, however often it is written while a target is away: what is owed
to a target that nobody brings anything to does not grow with time.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

from skykeep.journal.entries import Brings, Entry
from skykeep.journal.journal import Journal, lacks

EARLIER: Final = 64
"""Digests of earlier writes that one record keeps."""


def joinable(
    journal: Journal,
    entry: Entry,
    changes: Mapping[str, Any],
    replaced: Collection[Entry] = (),
) -> Entry | None:
    """The record of the write before it, if whoever is owed that one is owed this one, too.
    Those that it has ``replaced`` are not looked at."""
    if changes.get("brings", entry.brings) is not Brings.VALUE:
        return None
    gone = {each.id for each in replaced}
    before = [
        each for each in journal.of(entry.name) if each.id < entry.id and each.id not in gone
    ]
    last = before[-1] if before else None
    if last is None or last.doubt or last.home != entry.home:
        return None
    within = last.brings is Brings.VALUE and set(last.owed) <= set(changes["owed"])
    return last if within else None


def inherited(journal: Journal, entry: Entry, owed: Collection[str]) -> dict[str, Any]:
    """What a record has of all before it of its name, which may go before it does: what targets
    may hold, and since when those that it is ``owed`` to are behind."""
    earlier = [each for each in journal.of(entry.name) if each.id < entry.id]
    also: dict[bytes | None, None] = {}
    for each in earlier:
        also |= dict.fromkeys(each.also)
        if each.base_known:
            also[each.base] = None
        if each.digest is not None or each.brings is Brings.NOTHING:
            also[each.digest] = None
    since: dict[str, float] = {}
    for target in owed:
        ages = [journal.age(each, target) for each in earlier if lacks(each, target)]
        if ages:
            since[target] = journal.ticks() - max(ages)
    return {"also": tuple(also)[-EARLIER:], "since": since}
