"""The writes that targets are still owed, as all processes of this host see them.

A mirror in memory of what the store keeps. ``look`` brings it up to date, in microseconds
where nothing changed, so that a read can ask before it is sent whether its target is behind.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Final

import msgspec

from skykeep.interfaces.journal_store import JournalStore
from skykeep.journal.clock import boot as boot_now
from skykeep.journal.clock import ticks
from skykeep.journal.entries import Entry, packed, unpacked

SETTLES_AFTER: Final = 30.0
"""Seconds after which a write in doubt that its home does not show is taken for lost: no store
is known to execute a request so long after its connection was given up."""


class Journal:
    """The journal of one environment on this host."""

    def __init__(
        self,
        store: JournalStore,
        clock: Callable[[], float] = time.time,
        ticks: Callable[[], float] = ticks,
        boot: str | None = None,
        of: str = "",
    ) -> None:
        """``clock`` is for people; ``ticks`` of the ``boot`` measures ages (``clock.py``).

        Records that are not ``of`` this environment are left alone: its targets are not theirs,
        even if they have the same names.
        """
        self.clock = clock
        self._environment = of
        self._foreign: set[int] = set()
        self.ticks = ticks
        self.boot = boot_now() if boot is None else boot
        self._store = store
        self._since = 0
        self._entries: dict[int, Entry] = {}
        self._of: dict[str, dict[int, Entry]] = {}
        self._newest = 0

    # -- looking

    def look(self) -> None:
        """See what any process of this host has written since the last look."""
        since, changed = self._store.changes(self._since)
        # All are opened before any counts: one that makes no sense is met by each look.
        found = {
            number: None if payload is None else unpacked(number, payload)
            for number, payload in changed
        }
        if since and not self._since:
            # From 0 all that are there are told. One that was kept here before the first look,
            # and that another process has removed since, is not among them.
            found = dict.fromkeys(self._entries.keys() - found.keys()) | found
        self._since = since
        for number, entry in found.items():
            self._set(number, entry)

    def of(self, name: str) -> Sequence[Entry]:
        """The writes of a name, oldest first."""
        found = self._of.get(name)
        return () if not found else [found[each] for each in sorted(found)]

    def __iter__(self) -> Iterator[Entry]:
        return iter([self._entries[each] for each in sorted(self._entries)])

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def foreign(self) -> int:
        """Records of other environments in the same file."""
        return len(self._foreign)

    def names(self) -> Sequence[str]:
        """The names of which there are writes, by the oldest of each."""
        return list(dict.fromkeys(entry.name for entry in self))

    def home(self, name: str, primary: str) -> str:
        """The target whose answers about the name count: the primary, unless an acknowledged
        write went elsewhere and the primary has not got it yet."""
        for entry in reversed(self.of(name)):
            if not entry.doubt and entry.home != primary and primary in entry.owed:
                return entry.home
        return primary

    def behind(self, name: str, target: str) -> float | None:
        """Seconds by which the target may be behind with the name; None if it is not.

        A write in doubt counts for all but its home: somebody may have seen it there.
        """
        return self._age(self._of.get(name, {}).values(), target)

    def behind_under(self, prefix: str, target: str) -> float | None:
        """The same for a listing of the names under a prefix."""
        start = f"{prefix}/" if prefix else ""
        return self._age(
            (each for each in self._entries.values() if each.name.startswith(start)), target
        )

    def _age(self, entries: Iterable[Entry], target: str) -> float | None:
        return max(
            (self.age(each, target) for each in entries if lacks(each, target)), default=None
        )

    def age(self, entry: Entry, target: str = "") -> float:
        """Seconds since the write was begun, or the first that the target lacks; at least 0."""
        begun = entry.since.get(target, entry.ticks)
        if self.boot and entry.boot == self.boot:
            return max(0.0, self.ticks() - begun)
        return max(0.0, self.clock() - entry.made + entry.ticks - begun)

    def revision(self) -> int:
        """A new one: microseconds since 1970, more than the last of this process."""
        self._newest = max(int(self.clock() * 1e6), self._newest + 1)
        return self._newest

    # -- writing

    def hold(self, name: str, seconds: float) -> AbstractAsyncContextManager[None]:
        """The host's lock of the name. Raises ``Unavailable``."""
        return self._store.hold(name, seconds)

    async def begin(self, entry: Entry) -> Entry:
        """Keep a write that is about to be sent. Raises ``Quota`` where there is no room."""
        entry = msgspec.structs.replace(entry, of=self._environment)
        entry = msgspec.structs.replace(entry, id=await self._store.append(packed(entry)))
        self._set(entry.id, entry)
        return entry

    async def change(self, entry: Entry, **changes: object) -> Entry:
        """Keep it with these attributes; one that owes nothing to anybody is removed."""
        entry = msgspec.structs.replace(entry, **changes)
        if not entry.doubt and not entry.owed:
            await self.drop(entry)
        elif await self._store.replace(entry.id, packed(entry)):
            self._set(entry.id, entry)
        return entry

    async def brought(self, entry: Entry, target: str) -> Entry:
        """The target has got it, or never will."""
        return await self.change(
            entry,
            owed=tuple(name for name in entry.owed if name != target),
            stuck={name: why for name, why in entry.stuck.items() if name != target},
        )

    async def overtaken(self, entry: Entry) -> None:
        """Its home has it: what earlier writes of the name owe to that target is past."""
        for before in self.of(entry.name):
            if before.id < entry.id and entry.home in before.owed:
                await self.brought(before, entry.home)

    async def drop(self, entry: Entry) -> None:
        """Forget it."""
        await self._store.remove(entry.id)
        self._set(entry.id, None)

    def _set(self, id: int, entry: Entry | None) -> None:
        before = self._entries.pop(id, None)
        if before is not None:
            of = self._of[before.name]
            del of[id]
            if not of:
                del self._of[before.name]
        self._foreign.discard(id)
        if entry is not None and entry.of != self._environment:
            self._foreign.add(id)
        elif entry is not None:
            self._entries[id] = entry
            self._of.setdefault(entry.name, {})[id] = entry
            self._newest = max(self._newest, entry.revision)

    async def close(self) -> None:
        """Let go of the store."""
        await self._store.close()

    def after_fork(self) -> None:
        """In a forked child: what the parent saw stays true, its connections do not."""
        self._store.after_fork()


def lacks(entry: Entry, target: str) -> bool:
    """Whether the target may not have this write."""
    return target in entry.owed or (entry.doubt and target != entry.home)
