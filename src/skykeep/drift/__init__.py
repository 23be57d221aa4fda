"""Two stores held against each other, and the one made to hold what the other holds.

Belongs here: which secrets differ, what would have to be written, and writing it so that
nothing is lost. Does not: how a write reaches the targets of one environment, which is the
journal's. It stands on ``Secrets`` alone: all layers see the calls.

``flow.py`` many at once, in bounded memory · ``sides.py`` one store, asked patiently ·
``differences.py`` what is told · ``comparing.py`` ``compare`` · ``planning.py`` ``plan`` ·
``writing.py`` ``carry_out``
"""

from __future__ import annotations

from skykeep.drift.comparing import compare as compare
from skykeep.drift.differences import Difference as Difference
from skykeep.drift.differences import Kind as Kind
from skykeep.drift.differences import Seen as Seen
from skykeep.drift.planning import Plan as Plan
from skykeep.drift.planning import Step as Step
from skykeep.drift.planning import plan as plan
from skykeep.drift.sides import Course as Course
from skykeep.drift.sides import Pace as Pace
from skykeep.drift.writing import Outcome as Outcome
from skykeep.drift.writing import carry_out as carry_out

__all__ = [
    "Course",
    "Difference",
    "Kind",
    "Outcome",
    "Pace",
    "Plan",
    "Seen",
    "Step",
    "carry_out",
    "compare",
    "plan",
]
