"""How many histories it takes until a planted fault is caught."""

from __future__ import annotations

from dataclasses import dataclass

from tests.simulation.faults import FAULTS, planted
from tests.simulation.generate import generate
from tests.simulation.world import run


@dataclass(frozen=True, slots=True)
class Catch:
    """By which invariant, in which history, and how many that took."""

    invariant: str
    seed: int
    histories: int


def caught(name: str, *, invariant: str | None = None, seed: int = 0) -> Catch | None:
    """The first history from this seed on that fails with the fault and not without it; None
    if there is none in the fault's bound."""
    fault = FAULTS[name]
    for number in range(fault.bound):
        history = generate(seed + number, fault.weather)
        with planted(name):
            violations = run(history).violations
        for each in violations:
            # A defect that no longer fits the code breaks it in a way that proves nothing.
            assert "TypeError" not in each.what, each.what
            assert "AttributeError" not in each.what, each.what
        failed = [each.invariant for each in violations]
        if invariant is not None:
            failed = [each for each in failed if each == invariant]
        if failed and not run(history).violations:
            return Catch(failed[0], seed + number, number + 1)
    return None
