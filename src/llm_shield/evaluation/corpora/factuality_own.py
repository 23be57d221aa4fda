"""Answers that their context bears out, and such that it does not."""

from __future__ import annotations

from collections.abc import Iterable

from llm_shield.evaluation.corpora._pairs import rows
from llm_shield.evaluation.corpus import Case

SCANNER = "Factuality"
SOURCE = (
    "written for this repository: twelve contexts with two answers that are borne out and three"
    " that are not (a number, a name, a negation, something else altogether, parts swapped)"
)
LICENCE = "Apache-2.0"
SPLIT = (
    "all 60; small, and written by those who wrote the scanner: an upper bound, not an estimate"
)


def cases() -> Iterable[Case]:
    """The cases."""
    for row in rows("factuality_own.jsonl"):
        yield Case(row["text"], row["flagged"], row["kind"], context=row["context"])
