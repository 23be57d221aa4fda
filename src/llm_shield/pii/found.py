"""What a recogniser says, before settings are applied to it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Found:
    """A place in a normalised text.

    Attributes:
        kind: without ``pii.``: ``iban``.
        start, end: its place, in code points.
        score: how sure it is, in [0, 1]: .5 and more where it is more likely than not.
        reason: how it was told, in words that quote nothing.
    """

    kind: str
    start: int
    end: int
    score: float
    reason: str


def strongest(found: Iterable[Found]) -> list[Found]:
    """Of places that overlap, the one with the highest score (of two, the longer one), in the
    order of their places. An address keeps what lies in it from being told a second time."""
    kept: list[Found] = []
    for each in sorted(found, key=lambda each: (each.start, -each.end, -each.score)):
        if not kept or each.start >= kept[-1].end:
            kept.append(each)
        elif _rank(each) > _rank(kept[-1]):
            kept[-1] = each
    return kept


def _rank(found: Found) -> tuple[float, int]:
    return (found.score, found.end - found.start)
