"""The names of which this host still has to bring writes to targets. No call is made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from skykeep.journal.journal import Journal


@dataclass(frozen=True, slots=True)
class Waiting:
    """A name and who still has to get its writes.

    Attributes:
        name: the portable name.
        owed: how many of its writes, by the target's name.
        doubt: writes of which their home has not said whether it has them.
        stuck: what is in the way where a person is needed, by the target's name.
        made: when the first of them was made, seconds since 1970.
    """

    name: str
    owed: Mapping[str, int]
    doubt: int
    stuck: Mapping[str, str]
    made: float


def waiting(journal: Journal, scope: str) -> list[Waiting]:
    """All of them, by the oldest. Raises what reading the journal raises."""
    journal.look()
    found = []
    for name in journal.names():
        entries = journal.of(name)
        owed: dict[str, int] = {}
        stuck: dict[str, str] = {}
        for entry in entries:
            stuck |= entry.stuck
            for target in entry.owed:
                owed[target] = owed.get(target, 0) + 1
        doubt = sum(each.doubt for each in entries)
        portable = name.removeprefix(scope)
        found.append(Waiting(portable, owed, doubt, stuck, min(e.made for e in entries)))
    return found
