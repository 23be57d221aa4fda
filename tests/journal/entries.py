"""Journals in memory with a clock that a test turns, and records for them."""

from __future__ import annotations

from typing import Any

from skykeep.interfaces.secret_command import SecretCommand
from skykeep.interfaces.secret_value import SecretValue
from skykeep.journal.entries import Brings, Entry
from skykeep.journal.journal import Journal
from skykeep.journal.memory import MemoryJournal, MemoryState

NAME = "db/password"


class Clock:
    """Seconds that a test sets."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class Host:
    """What the processes of a host share: the journal's disk and two clocks."""

    def __init__(self) -> None:
        self.state = MemoryState()
        self.wall = Clock(1_000_000.0)
        self.ticks = Clock(50.0)

    def process(self, boot: str = "boot") -> Journal:
        """A journal of another process."""
        return Journal(MemoryJournal(self.state), self.wall, self.ticks, boot)


def entry(journal: Journal, **given: Any) -> Entry:
    """A record of now: by default of an acknowledged put at "a" that "b" is owed."""
    value = SecretValue(given.pop("value", "value"))
    name = given.setdefault("name", NAME)
    command = SecretCommand("put", name, value)
    fields: dict[str, Any] = {
        "brings": Brings.VALUE,
        "home": "a",
        "made": journal.clock(),
        "ticks": journal.ticks(),
        "boot": journal.boot,
        "revision": journal.revision(),
        "command": command.pack(),
        "digest": command.digest,
        "doubt": False,
        "owed": ("b",),
    }
    return Entry(**{**fields, **given})
