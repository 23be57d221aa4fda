"""The answers that a cache keeps: bounded, by resource, never older than what they replace.

A read that wants to fill takes a ticket first. A write of the resource bars all tickets given
so far; and a read does not fill over one that took its ticket later.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from skykeep.interfaces.call import Answer

Key = tuple[str, str, tuple[str | None, ...], str | None]
"""Operation, resource, what distinguishes its answers, audience."""


@dataclass(slots=True)
class Entry:
    """One answer. Times are monotonic seconds.

    Attributes:
        plain_until: until then it is given as it is.
        until: the end of its time to live.
    """

    plain_until: float
    until: float
    answer: Answer[Any]
    ticket: int


class Kept:
    """Entries; the least recently used goes when there are more than ``max_entries``."""

    def __init__(self, max_entries: int) -> None:
        self.entries: OrderedDict[Key, Entry] = OrderedDict()
        self._max = max_entries
        self._keys: dict[str, set[Key]] = {}  # by resource: what a write evicts
        self._waiting: dict[str, set[int]] = {}  # by resource: tickets of reads under way
        self._last = 0

    def ticket(self, resource: str) -> int:
        """For a read that begins now; has to be handed in."""
        self._last += 1
        self._waiting.setdefault(resource, set()).add(self._last)
        return self._last

    def hand_in(self, resource: str, ticket: int) -> bool:
        """Whether the read may still fill."""
        waiting = self._waiting.get(resource, set())
        valid = ticket in waiting
        waiting.discard(ticket)
        if not waiting:
            self._waiting.pop(resource, None)
        return valid

    def put(self, key: Key, entry: Entry) -> None:
        """Keep it, unless what is kept came from a read that began later."""
        there = self.entries.get(key)
        if there is not None and there.ticket > entry.ticket:
            return
        self.entries[key] = entry
        self.entries.move_to_end(key)
        self._keys.setdefault(key[1], set()).add(key)
        while len(self.entries) > self._max:
            self.drop(next(iter(self.entries)))

    def drop(self, key: Key) -> None:
        """Forget one answer."""
        self.entries.pop(key, None)
        keys = self._keys.get(key[1])
        if keys is not None:
            keys.discard(key)
            if not keys:
                del self._keys[key[1]]

    def clear(self, resource: str | None) -> None:
        """Forget the resource, or (None) everything, and bar reads now under way."""
        if resource is None:
            self.entries.clear()
            self._keys.clear()
            self._waiting.clear()
        else:
            for key in self._keys.pop(resource, ()):
                self.entries.pop(key, None)
            self._waiting.pop(resource, None)
