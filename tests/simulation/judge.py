"""The invariants, each a function: what was answered, held against what the stores did.

Values are unique in a history, so that each tells which write it came from. A write took effect
at some moment from when it was begun until its end: that is when it was acknowledged or, where
a copy of it was executed later (nobody knows of it, so no store can be blamed), then. ``None``
in place of a value is that there is nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from tests.simulation.judging import calls, reads, stores, writes
from tests.simulation.judging.case import Case, Found

if TYPE_CHECKING:
    from tests.simulation.world import Violation, World

INVARIANTS: tuple[Callable[[Case], Found], ...] = (
    reads.no_read_is_older_than_it_says,
    reads.a_process_reads_its_own_writes,
    reads.every_source_had_what_it_is_said_to_have_given,
    reads.only_the_home_answers_unmarked,
    reads.what_will_not_do_is_not_given,
    reads.what_is_past_its_time_is_marked,
    writes.no_acknowledged_write_is_lost,
    writes.refused_is_not_done,
    writes.a_condition_holds_when_its_write_is_done,
    writes.no_late_write_goes_over,
    writes.nothing_is_written_before_its_home_has_it,
    writes.nothing_is_deleted_unasked,
    writes.no_replay_goes_back,
    stores.stores_end_with_the_same,
    stores.all_that_is_owed_is_brought,
    stores.the_journal_drops_nothing,
    calls.calls_are_not_multiplied,
    calls.calm_is_calm,
    calls.healed_is_healed,
    calls.calls_end_in_time,
    calls.slow_is_not_away,
    calls.patience_is_kept,
)


def judge(world: World) -> list[Violation]:
    """All that is found."""
    from tests.simulation.world import Violation

    case = Case(world)
    return [
        Violation(invariant.__name__.replace("_", " "), what)
        for invariant in INVARIANTS
        for what in invariant(case)
    ]
