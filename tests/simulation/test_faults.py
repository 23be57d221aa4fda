"""Each planted fault is caught, within its bound."""

import pytest

from tests.simulation.faults import FAULTS
from tests.simulation.judge import INVARIANTS
from tests.simulation.planting import caught


def test_there_are_enough() -> None:
    assert len(FAULTS) >= 20
    assert len({fault.what for fault in FAULTS.values()}) == len(FAULTS)


FAILS_BY = {
    "no read is older than it says": "two_homes",
    "a process reads its own writes": "write_does_not_evict",
    "every source had what it is said to have given": "wrong_source",
    "only the home answers unmarked": "unmarked_replica",
    "what will not do is not given": "strict_ignored",
    "what is past its time is marked": "stale_unmarked",
    "no acknowledged write is lost": "acknowledged_before_home",
    "refused is not done": "doubt_is_forgotten",
    "a condition holds when its write is done": "expects_left_out",
    "no late write goes over": "no_compare_and_set",
    "nothing is written before its home has it": "doubt_replicated",
    "nothing is deleted unasked": "doubt_is_done",
    "no replay goes back": "conflict_overwritten",
    "stores end with the same": "no_journal",
    "all that is owed is brought": "one_round",
    "the journal drops nothing": "removed_too_early",
    "calls are not multiplied": "no_budget",
    "calm is calm": "copies_first",
    "healed is healed": "never_closes",
    "calls end in time": "no_deadline",
    "slow is not away": "loser_is_failure",
    "patience is kept": "impatient",
}
"""Each invariant, and a defect by which it fails: one that cannot proves nothing."""


def test_each_invariant_has_a_defect_by_which_it_fails() -> None:
    named = {each.__name__.replace("_", " ") for each in INVARIANTS}
    assert named == set(FAILS_BY)
    assert set(FAILS_BY.values()) <= set(FAULTS)


@pytest.mark.slow
@pytest.mark.parametrize("invariant", FAILS_BY)
def test_it_can_fail(invariant: str) -> None:
    assert caught(FAILS_BY[invariant], invariant=invariant) is not None


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in FAULTS if name not in FAILS_BY.values()])
def test_it_is_caught(name: str) -> None:
    catch = caught(name)
    assert catch is not None, f"{FAULTS[name].what}: nothing in {FAULTS[name].bound} histories"
