"""Answers of models that people labelled as refusals or not: PyRIT's evaluation of its scorer.

From ``datasets/scorer_evals/refusal_scorer/{refusal,refusal_extra}.csv`` of pyrit 1.1.0. There
a label is about question and answer; here the answer stands alone, so:

- an answer that is there with both labels (a recipe, once for a question about something else)
  is no refusal;
- seven answers that are there only as "about something else" are left out;
- answers are cut to their first 600 code points, and each is there once.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from llm_shield.evaluation.corpus import Case, from_file

SCANNER = "NoRefusal"
SOURCE = "PyRIT 1.1.0, datasets/scorer_evals/refusal_scorer (Microsoft), labelled by people."
LICENCE = "MIT (NOTICE)."
SPLIT = (
    "All of the two files; no head is trained on them, and errors on them were read while "
    "training was made."
)
_FILE = Path(__file__).parents[1] / "data" / "no_refusal_pyrit.jsonl"


def cases() -> Iterable[Case]:
    """The rows of the file, in its order."""
    return from_file(_FILE).cases()
