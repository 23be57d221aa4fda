"""Our words for the staging labels of Secrets Manager, and back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from skykeep.errors import Invalid
from skykeep.interfaces.names import shown
from skykeep.interfaces.secret_driver import CURRENT, PENDING, PREVIOUS

AWSCURRENT: Final = "AWSCURRENT"
WRITING: Final = "skykeep-writing"
"""On a version that compare-and-set is about to make current. One label for all writers: a
write that was broken off leaves it behind, and the next one takes it along."""

_NATIVE = {CURRENT: AWSCURRENT, PENDING: "AWSPENDING", PREVIOUS: "AWSPREVIOUS"}
_OURS = {native: ours for ours, native in _NATIVE.items()}


def native(stage: str) -> str:
    """The label of a stage. Raises ``Invalid`` for the label that is ours alone."""
    if stage == WRITING:
        raise Invalid(f"{shown(stage)} is not a stage for applications: skykeep uses it itself")
    return _NATIVE.get(stage, stage)


def ours(labels: Iterable[str] | None) -> tuple[str, ...]:
    """The stages that labels stand for, sorted. A foreign label that is spelt as one of our
    three words is left out: it would be taken for AWS's own."""
    return tuple(
        sorted(
            _OURS.get(label, label)
            for label in labels or ()
            if label not in _NATIVE and label != WRITING
        )
    )


def same(stage: str) -> str:
    """The stage in our words, also if AWS's were given."""
    return _OURS.get(stage, stage)
