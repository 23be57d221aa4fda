"""What was written and what was read, and which of it was wrong.

Each name has one writer, who numbers its values: 1, 2, 3 and so on. So of each answer it can be
said which acknowledged write it is older than, exactly.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

FILL = "x" * 100
"""Behind the number: a value is as long as a secret is."""


def value_of(name: str, number: int) -> str:
    """What is written."""
    return f"{name} {number} {FILL}"


def number_of(name: str, value: str) -> int | None:
    """Which write it is; None if nobody wrote this under that name."""
    said, _, rest = value.partition(" ")
    number, _, fill = rest.partition(" ")
    if said != name or fill != FILL or not number.isdigit():
        return None
    return int(number)


@dataclass(slots=True)
class Written:
    """The writes of a name. Times are seconds of one monotonic clock.

    Attributes:
        begun: when write n was begun, at index n - 1.
        acknowledged: numbers that were, in their order; ``at`` says when.
    """

    begun: list[float] = field(default_factory=list)
    acknowledged: list[int] = field(default_factory=list)
    at: list[float] = field(default_factory=list)

    def newest(self, before: float) -> int:
        """The last number that was acknowledged before the moment; 0 if none was."""
        seen = bisect_left(self.at, before)
        return self.acknowledged[seen - 1] if seen else 0


@dataclass(frozen=True, slots=True)
class Read:
    """An answer.

    Attributes:
        name, value: of the secret.
        begun, ended: when.
        age: seconds that it says to be behind.
        stale, degraded: what it says of itself.
    """

    name: str
    value: str
    begun: float
    ended: float
    age: float
    stale: bool
    degraded: bool


class Ledger:
    """All of it. Reads are judged when they are noted, and are not kept."""

    def __init__(self, names: Iterable[str]) -> None:
        self.names: Mapping[str, Written] = {name: Written() for name in names}
        self.wrong: list[str] = []

    def begin(self, name: str, now: float) -> int:
        """A write is about to be sent: its number."""
        written = self.names[name]
        written.begun.append(now)
        return len(written.begun)

    def acknowledge(self, name: str, number: int, now: float) -> None:
        """It was acknowledged."""
        written = self.names[name]
        written.acknowledged.append(number)
        written.at.append(now)

    def read(self, answer: Read) -> None:
        """Judge an answer. One that says to be stale may be as old as it says, and no older."""
        written = self.names[answer.name]
        number = number_of(answer.name, answer.value)
        if number is None or not 1 <= number <= len(written.begun):
            self._note(answer, "was never written")
        elif written.begun[number - 1] > answer.ended:
            self._note(answer, f"is write {number}, which was begun later")
        else:
            since = answer.begun - (answer.age if answer.stale else 0.0)
            newest = written.newest(since)
            if number < newest:
                self._note(answer, f"is write {number}, and {newest} was acknowledged")

    def _note(self, answer: Read, why: str) -> None:
        marks = [word for word in ("stale", "degraded") if getattr(answer, word)]
        said = " ".join(marks) or "unmarked"
        self.wrong.append(f"{answer.name}: {said}, {answer.age:.3f} s behind: {why}")

    def lost(self, held: Mapping[str, Mapping[str, str | None]]) -> list[str]:
        """Of what the stores hold at the end (store, name, value): where an acknowledged write
        is missing, or stores differ."""
        found = []
        for name, written in self.names.items():
            newest = written.acknowledged[-1] if written.acknowledged else 0
            values = {store: kept[name] for store, kept in held.items()}
            for store, value in values.items():
                number = 0 if value is None else number_of(name, value)
                if number is None:
                    found.append(f"{name}: {store} holds what nobody wrote")
                elif number < newest:
                    found.append(f"{name}: {store} holds {number}, acknowledged was {newest}")
            if len(set(values.values())) > 1:
                found.append(f"{name}: the stores differ")
        return found
