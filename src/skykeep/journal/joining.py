"""Several writes of a name that one record stands for.

One record of a name is enough, however often it is written while a target is away: what is owed
to a target that nobody brings anything to does not grow with time.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from skykeep.journal.entries import Brings, Entry
from skykeep.journal.journal import Journal

EARLIER: Final = 64
"""Digests of earlier writes that one record keeps."""


def joinable(journal: Journal, entry: Entry, changes: Mapping[str, Any]) -> Entry | None:
    """The record of the write before it, if whoever is owed that one is owed this one, too."""
    if changes.get("brings", entry.brings) is not Brings.VALUE:
        return None
    before = [each for each in journal.of(entry.name) if each.id < entry.id]
    last = before[-1] if before else None
    if last is None or last.doubt or last.home != entry.home:
        return None
    within = last.brings is Brings.VALUE and set(last.owed) <= set(changes["owed"])
    return last if within else None


def joined(before: Entry) -> dict[str, Any]:
    """What a record has of the one that it takes into itself: what targets may hold, and since
    when they are behind."""
    also = dict.fromkeys((*before.also, *([] if before.digest is None else [before.digest])))
    return {
        "base": before.base,
        "base_known": before.base_known,
        "also": tuple(also)[-EARLIER:],
        "made": before.made,
        "ticks": before.ticks,
        "boot": before.boot,
    }
