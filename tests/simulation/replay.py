"""What a printed script calls: run one history, say what is found, end with 1 if it is."""

from __future__ import annotations

import sys

from tests.simulation.faults import planted
from tests.simulation.history import History
from tests.simulation.world import World, run


def told(world: World) -> str:
    """What happened, a line each."""
    lines = [
        f"{step.at:9.3f}  {step.source} -> {step.target}: {step.text}"
        + ("  (lost)" if step.until is None else "")
        for step in sorted(world.record.trace or (), key=lambda step: step.at)
    ]
    lines += [f"violated: {each.invariant}: {each.what}" for each in world.violations]
    return "\n".join(lines)


def main(history: History, fault: str | None = None) -> None:
    """Print the trace and what is violated. ``fault``: one of ``faults.py``, planted before."""
    with planted(fault):
        world = run(history, traced=True)
    sys.stdout.write(told(world) + "\n")
    sys.exit(1 if world.violations else 0)
