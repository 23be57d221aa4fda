"""Invariants of how stores and journal end."""

from __future__ import annotations

from tests.simulation.judging.case import Case, Found


def stores_end_with_the_same(case: Case) -> Found:
    """All of them, or a conflict is shown."""
    for name in case.names:
        if name in case.world.conflicts:
            continue
        ends = {store: each.holds(name) for store, each in case.world.stores.items()}
        last = [
            [each for each in store.applied if each.name == name and each.before != each.after][
                -1:
            ]
            for store in case.world.stores.values()
        ]
        if any(each and each[0].process == "another host" for each in last):
            continue  # only a comparison finds what another host did where we had nothing to do
        if any(case.undecided(store, name) for store in ends):
            continue
        if len(set(ends.values())) > 1:
            yield f"{name} ends as {ends}"


def all_that_is_owed_is_brought(case: Case) -> Found:
    if case.world.owed_at_end:
        yield f"{case.world.owed_at_end} writes are still owed, long after all was healed"


def the_journal_drops_nothing(case: Case) -> Found:
    """A record that is gone was of a write that all targets had got, or a later one, or that
    was never done."""
    for gone in case.world.removed:
        write = gone.asked
        if write is None or write.outcome == "refused" or gone.others:
            continue
        homes = {
            own.store
            for own in case.own.get(write, ())
            if own.at <= gone.at and own.before != own.after
        }
        if not homes:
            continue
        homes.add(case.primary)
        if any(case.undecided(home, gone.name) for home in homes):
            continue
        if any(gone.held[home] in case.foreign for home in homes):
            continue  # another host's has replaced it there: nobody is owed it
        for store, value in gone.held.items():
            if case.undecided(store, gone.name):
                continue
            sources = case.sources(gone.name, value)
            if sources and all(end < write.began for _, end in sources):
                yield (
                    f"the record of '{write.ask.value}' of {gone.name} was removed at "
                    f"{gone.at:.3f} s; {store} held {value!r}"
                )
