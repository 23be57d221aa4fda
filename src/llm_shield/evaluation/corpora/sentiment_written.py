"""Sentences in a negative tone, and others, some of them about sad things."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from llm_shield.evaluation.corpus import Case, from_file

SCANNER = "Sentiment"
SOURCE = (
    "Written for this project: sentences in a negative tone, and neutral or positive ones,"
    " some of them about sad or violent things."
)
LICENCE = "Apache-2.0, as this project."
SPLIT = (
    "All rows. The lexicon is not ours, and the threshold was set before these were written."
)
_FILE = Path(__file__).parents[1] / "data" / "sentiment_written.jsonl"


def cases() -> Iterable[Case]:
    """The rows of the file, in its order."""
    return from_file(_FILE).cases()
