"""Invariants of calls, whatever they are told: how many, how long, how soon after an outage."""

from __future__ import annotations

from tests.simulation.history import Ask, Foreign, Trouble
from tests.simulation.judging.case import TICK, Case, Found, said


def healed_is_healed(case: Case) -> Found:
    """Long after the last trouble reads are answered by the home, unmarked."""
    for read in case.world.afterwards:
        told = read.provenance
        if read.ask.name in case.world.conflicts or read.error == "NotFound":
            continue
        if told is None:
            yield f"a read of {read.ask.name}: {read.error}: {read.message}"
        elif told.degraded or told.stale or told.source != case.primary:
            yield f"{said(read)} of {read.ask.name}"


def calls_end_in_time(case: Case) -> Found:
    deadline = case.world.history.settings.deadline
    for asked in case.asked:
        if asked.ended is None:
            if asked.life in case.world.survivors:
                yield f"{asked.ask.kind} of {asked.ask.name} at {asked.began:.3f} s never ended"
        elif asked.ended - asked.began > deadline + TICK:
            yield f"{asked.ask.kind} of {asked.ask.name} took {asked.ended - asked.began:.1f} s"


def slow_is_not_away(case: Case) -> Found:
    """Where reads are slow at worst, nobody takes a store for one that is away."""
    if not all(
        (isinstance(event, Ask) and not event.value)
        or isinstance(event, Foreign)
        or (isinstance(event, Trouble) and event.what == "slow")
        for event in case.world.history.events
    ):
        return
    for asked in case.asked:
        if asked.error == "Unavailable":
            yield f"{asked.ask.kind} of {asked.ask.name}: {asked.message}"
    for process in case.world.processes:
        for standing in process.wired.stack.standings:
            if standing.failures["Unavailable"]:
                yield f"{process.label} counts {standing.failures} of {standing.name}"


def patience_is_kept(case: Case) -> Found:
    """A store that says after how long to come again is not asked before, unless by a hedge:
    that does not know why the first copy takes long."""
    if not case.world.history.settings.hedge:
        yield from case.world.impatient


def calls_are_not_multiplied(case: Case) -> Found:
    """A tenth more, and the ten that each process has saved."""
    asked: set[tuple[int, str, str]] = set()
    sent = lives = 0
    for each in case.world.record.sent:
        if each.asked is None:
            continue
        if each.asked.writes and (each.operation == "get" or each.name in case.foreign_names):
            continue  # a write looks again where somebody was quicker
        sent += 1
        asked.add((id(each.asked), each.store, each.operation))
    lives = len(case.world.processes) + len(case.world.dead)
    bound = 1.1 * len(asked) + 10 * lives
    if sent > bound:
        yield f"{sent} tries for {len(asked)} calls of {lives} processes"


def calm_is_calm(case: Case) -> Found:
    """Where nothing happens but calls, all are answered by the primary, unmarked."""
    if not all(isinstance(event, Ask) for event in case.world.history.events):
        return
    for asked in case.asked:
        told = asked.provenance
        if asked.error in {"Unavailable", "Throttled"}:
            yield f"{asked.ask.kind} of {asked.ask.name}: {asked.error}, on a calm day"
        elif (
            told is not None
            and (told.degraded or told.source != case.primary)
            and not case.world.history.settings.hedge
        ):
            yield f"{said(asked)} of {asked.ask.name}, on a calm day"
