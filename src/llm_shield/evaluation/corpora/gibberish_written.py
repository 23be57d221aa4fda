"""Keyboard mashing, alone and in prose, and what only looks like it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from llm_shield.evaluation.corpus import Case, from_file

SCANNER = "Gibberish"
SOURCE = (
    "Written for this project: keyboard mashing, random letters; and questions, names, code,"
    " other languages, abbreviations and terms."
)
LICENCE = "Apache-2.0, as this project."
SPLIT = (
    "All rows. The model is not ours and was not trained on them, but the scanner's"
    " thresholds were looked at on them: an indication, no measurement."
)
_FILE = Path(__file__).parents[1] / "data" / "gibberish.jsonl"


def cases() -> Iterable[Case]:
    """The rows of the file, in its order."""
    return from_file(_FILE).cases()
