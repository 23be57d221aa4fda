"""A history that was run, sorted for the judge."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, TypeGuard

from tests.simulation.history import Ask, Event, Foreign
from tests.simulation.record import Applied, Asked

if TYPE_CHECKING:
    from tests.simulation.world import World

TICK = 1e-3
"""Seconds: what is as close as this happened at the same moment."""

LATE = 1.0
"""Seconds on the way after which a write counts as one that came late."""

SLOW = 0.2
"""Seconds on the way that are enough for a race where nobody compares."""

Found = Iterator[str]


class Case:
    """A history that was run, sorted for the judge."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.asked = world.record.asked
        self.applied = world.record.applied
        specs = world.history.stores
        self.primary = specs[0].name
        self.specs = {spec.name: spec for spec in specs}
        self.homes = {self.primary}
        if world.history.settings.writes == "failover":
            self.homes |= {spec.name for spec in specs if spec.role == "failover"}
        self.names = sorted(
            {event.name for event in world.history.events if _named(event)} - {""}
        )
        self.writes: dict[str, list[Asked]] = {name: [] for name in self.names}
        self.by_value: dict[str, Asked] = {}
        for asked in self.asked:
            if asked.writes:
                self.writes[asked.ask.name].append(asked)
                if asked.ask.kind not in {"delete", "purge"}:
                    self.by_value[asked.ask.value] = asked
        self.own: dict[Asked, list[Applied]] = {}
        for applied in self.applied:
            if applied.asked is not None:
                self.own.setdefault(applied.asked, []).append(applied)
        others = [each for each in self.applied if each.process == "another host"]
        self.foreign_names = {each.name for each in others}
        self.foreign = {each.after for each in others}

    def end(self, write: Asked) -> float:
        """When it had taken effect at the latest; before its beginning if it never did."""
        ends = [each.at for each in self.own.get(write, ()) if each.before != each.after]
        if write.outcome == "done" and write.ended is not None:
            ends.append(write.ended)
        return max(ends, default=-1.0)

    def sources(self, name: str, value: str | None) -> list[tuple[float, float]]:
        """Of each write that could have left that value: when it began and its end."""
        if value is None:
            found = [(-1.0, -1.0)]  # the beginning
            found += [
                (write.began, self.end(write))
                for write in self.writes[name]
                if write.ask.kind in {"delete", "purge"}
                or any(each.after is None for each in self.own.get(write, ()))
            ]
            found += [
                (each.at, each.at)
                for each in self.applied
                if each.name == name and each.after is None and each.process == "another host"
            ]
            return found
        found = [
            (write.began, self.end(write))
            for write in self.writes[name]
            if write is self.by_value.get(value)
            or (
                write.ask.kind == "restore"
                and any(own.after == value for own in self.own.get(write, ()))
            )
        ]
        found += [
            (each.at, each.at)
            for each in self.applied
            if each.after == value and each.process == "another host"
        ]
        return found

    def held(self, store: str, name: str, since: float, until: float) -> set[str | None]:
        """What the store held under the name at any moment of these."""
        now: str | None = None
        found: set[str | None] = set()
        for each in self.world.stores[store].applied:
            if each.name != name:
                continue
            if each.at > until + TICK:
                break
            if each.at >= since - TICK:
                found.add(now)
            now = each.after
        found.add(now)
        return found

    def purged(self, own: Applied) -> bool:
        """Whether the store may have issued the same version ids for the name twice."""
        return any(
            each.name == own.name and each.after is None and each.order < own.order
            for each in self.world.stores[own.store].applied
        )

    def undecided(self, store: str, name: str) -> bool:
        """Whether a write of the name came late to a store that could not compare: then a race
        is found by the next comparison, and not prevented (decision 22). No store compares
        where it purges, restores, creates what was there and is gone, counts versions
        from the beginning again, or has a version again that was deleted."""
        compares = self.specs[store].compare_and_set
        for each in self.world.stores[store].applied:
            if each.name != name:
                continue
            way = each.at - each.sent
            if not compares and (way > SLOW or each.process == "another host"):
                return True
            if (way > LATE or self._overtaken(each)) and (
                each.operation in {"create", "purge", "restore"}
                or self.purged(each)
                or any(write.ask.kind == "restore" for write in self.writes[name])
            ):
                return True
        return False

    def _overtaken(self, late: Applied) -> bool:
        """Whether the store did something else of the name while it was on the way."""
        return any(
            each.name == late.name
            and each.asked is not late.asked
            and late.sent < each.at < late.at
            for each in self.world.stores[late.store].applied
        )

    def taken_over(self, write: Asked, until: float) -> bool:
        """Whether another host has deleted at the primary since what the write left there, or
        a later one: that is theirs to bring to the copies (decision 22)."""
        return any(
            each.name == write.ask.name
            and each.process == "another host"
            and each.before is not None
            and each.after is None
            and write.began <= each.at <= until
            for each in self.world.stores[self.primary].applied
        )

    def shown_by_restore(self, source: str, read: Asked) -> bool:
        """Whether a copy showed what a replay had to restore there before it could write."""
        return any(
            each.operation == "restore" and each.after == read.told
            for each in self.world.stores[source].applied
        )

    def after_restore(self, step: Applied) -> bool:
        """Whether it is one of two steps of a replay over a tombstone, which cannot be written
        over before it is restored."""
        if step.operation == "restore":
            return True
        before = [
            each
            for each in self.world.stores[step.store].applied
            if each.name == step.name and each.order < step.order
        ]
        return bool(before) and before[-1].operation == "restore"


def _named(event: Event) -> TypeGuard[Ask | Foreign]:
    return isinstance(event, Ask | Foreign)


def said(read: Asked) -> str:
    told = read.provenance
    if told is None:
        return f"a {read.ask.kind} of {read.process} answered {read.told!r}"
    marks = [mark for mark in ("degraded", "stale", "cached") if getattr(told, mark)]
    return (
        f"a {read.ask.kind} of {read.process} answered {read.told!r} from {told.source}"
        f"{' (' + ', '.join(marks) + ')' if marks else ''}"
    )
