"""Invariants of what reads were told."""

from __future__ import annotations

from tests.simulation.history import RECENT
from tests.simulation.judging.case import TICK, Case, Found, said
from tests.simulation.record import Asked


def no_read_is_older_than_it_says(case: Case) -> Found:
    """Against what was acknowledged before, and what anybody was shown before."""
    for name in case.names:
        visible = _visible(case, name)
        for read in case.asked:
            if read.ask.name != name or not read.reads or read.outcome != "done":
                continue
            if read.ask.kind == "describe" and read.told is not None:
                continue  # it does not tell which value there is
            assert read.ended is not None
            age = 0.0 if read.provenance is None else read.provenance.age
            since = min(read.began, read.ended - age)
            if read.told is None and read.ask.kind == "get":
                # It may have joined a flight that began before it, and an error has no age.
                since -= case.world.history.settings.deadline
            sources = case.sources(name, read.told)
            source = case.primary if read.provenance is None else read.provenance.source
            if case.undecided(source, name) or case.shown_by_restore(source, read):
                continue
            for write, at in visible:
                if source != case.primary and case.taken_over(write, read.ended):
                    continue
                if at < since - TICK and all(end < write.began for _, end in sources):
                    yield (
                        f"{said(read)} at {read.ended:.3f} s, and says it is {age:.3f} s "
                        f"behind; '{write.ask.value}' of {name} was there at {at:.3f} s"
                    )
                    break


def _visible(case: Case, name: str) -> list[tuple[Asked, float]]:
    """Each write of the name that counts, and from when: it was acknowledged, or shown."""
    found = []
    for write in case.writes[name]:
        at = write.ended if write.outcome == "done" else None
        if write.ask.kind not in {"delete", "purge"}:
            for read in case.asked:
                if read.told == write.ask.value and read.outcome == "done" and read.reads:
                    assert read.ended is not None
                    at = read.ended if at is None else min(at, read.ended)
        if at is not None and (write.outcome != "done" or write.changed):
            found.append((write, at))
    return found


def a_process_reads_its_own_writes(case: Case) -> Found:
    """What it has written is not followed by what was there before, unless that is marked."""
    for name in case.names:
        done = [write for write in case.writes[name] if write.outcome == "done"]
        for read in case.asked:
            told = read.provenance
            if read.ask.name != name or told is None or read.told is None or not read.reads:
                continue
            if told.stale or told.degraded or read.ask.kind == "describe":
                continue
            if case.undecided(told.source, name):
                continue
            for write in done:
                assert write.ended is not None
                if write.life != read.life or write.ended >= read.began or not write.changed:
                    continue
                if all(end < write.began for _, end in case.sources(name, read.told)):
                    yield (
                        f"{said(read)} of {name} at {read.began:.3f} s, and it had written "
                        f"'{write.ask.value}' by {write.ended:.3f} s"
                    )
                    break


def every_source_had_what_it_is_said_to_have_given(case: Case) -> Found:
    for read in case.asked:
        if read.provenance is None or read.ask.kind == "describe" or read.ended is None:
            continue
        age, source = read.provenance.age, read.provenance.source
        since = min(read.began, read.ended - age) - case.world.history.settings.deadline
        if read.told not in case.held(source, read.ask.name, since, read.ended):
            yield f"{said(read)} of {read.ask.name}; {source} had nothing of the kind"


def only_the_home_answers_unmarked(case: Case) -> Found:
    for read in case.asked:
        told = read.provenance
        if told is None or told.degraded or told.source == case.primary or read.ended is None:
            continue
        since = min(read.began, read.ended - told.age) - case.world.history.settings.deadline
        if not _was_home(case, told.source, read.ask.name, since, read.ended):
            yield f"{said(read)} of {read.ask.name}, unmarked; its home is {case.primary}"


def _was_home(case: Case, store: str, name: str, since: float, until: float) -> bool:
    if store not in case.homes:
        return False
    for write in case.writes[name]:
        for own in case.own.get(write, ()):
            if own.store != store or own.at > until:
                continue
            caught_up = [
                each.at
                for each in case.world.stores[case.primary].applied
                if each.name == name and each.at > own.at and each.process != "another host"
            ]
            if not caught_up or caught_up[0] >= since:
                return True
    return False


def what_will_not_do_is_not_given(case: Case) -> Found:
    for read in case.asked:
        told = read.provenance
        if told is None:
            continue
        if read.ask.kind == "strict" and (told.degraded or told.stale):
            yield f"{said(read)} of {read.ask.name} to one who takes nothing stale"
        if read.ask.kind == "recent" and told.age > RECENT:
            yield f"{said(read)}, {told.age:.1f} s old, to one who takes {RECENT:g} s"


def what_is_past_its_time_is_marked(case: Case) -> Found:
    settings = case.world.history.settings
    for read in case.asked:
        told = read.provenance
        if told is None or told.stale or not told.cached:
            continue
        if told.age > settings.cache_ttl + settings.deadline:
            yield f"{said(read)}, {told.age:.1f} s old, unmarked"
