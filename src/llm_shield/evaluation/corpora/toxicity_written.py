"""Rows that we wrote for Toxicity, apart from those that its head is trained on."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from llm_shield.evaluation.corpus import Case, from_file

SCANNER = "Toxicity"
SOURCE = (
    "Written for this repository: short insults, threats and hatred in mild or masked "
    "words, and texts that only look so: quotes, medicine, reclaimed words, computing, "
    "friendly exaggeration."
)
LICENCE = "Apache-2.0, as the rest of the repository."
SPLIT = (
    "All rows. No head is trained on them or on near copies of them, but they were looked at"
    " while training data was written: a development set."
)
_FILE = Path(__file__).parents[1] / "data" / "toxicity_written.jsonl"


def cases() -> Iterable[Case]:
    """The rows of the file, in its order."""
    return from_file(_FILE).cases()
