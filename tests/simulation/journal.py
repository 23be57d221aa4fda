"""The journal that the processes of the simulated host share, watched."""

from __future__ import annotations

from collections.abc import Callable

from skykeep.journal.entries import Entry, unpacked
from skykeep.journal.memory import MemoryState
from tests.simulation.record import Asked, asked_by

Removed = Callable[[str, Asked | None, int], None]


class WatchedState(MemoryState):
    """Tells of what is kept in words, and of each record that is removed: its name, its call,
    how many of the name stay."""

    def __init__(self, removed: Removed, told: Callable[[str], None] | None) -> None:
        super().__init__()
        self._removed = removed
        self._told = told
        self._asked: dict[int, Asked | None] = {}
        self._names: dict[int, str] = {}

    def put(self, id: int, payload: bytes | None) -> None:
        """One commit."""
        super().put(id, payload)
        if payload is not None:
            if id in self._names and self._told is None:
                return
            entry: Entry = unpacked(id, payload)
            if self._told is not None:
                owed = f"owed to {', '.join(entry.owed)}"
                self._told(f"write {id}: {'in doubt' if entry.doubt else owed}")
            if id not in self._names:
                self._names[id] = entry.name
                self._asked[id] = asked_by.get()
        elif id in self._names:
            name = self._names.pop(id)
            others = sum(other == name for other in self._names.values())
            self._removed(name, self._asked.pop(id), others)
            if self._told is not None:
                self._told(f"write {id}: done")
