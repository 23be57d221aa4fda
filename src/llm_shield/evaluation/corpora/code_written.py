"""Code in 18 languages, bare, fenced and between prose, one-liners; and prose."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from llm_shield.evaluation.corpus import Case, from_file

SCANNER = "BanCode"
SOURCE = (
    "Written for this project: a few lines in each of 18 languages, one-liners, and prose"
    " with words and signs that code has, too."
)
LICENCE = "Apache-2.0, as this project."
SPLIT = (
    "All rows. The model is not ours and was not trained on them, but the scanner's"
    " thresholds were looked at on them: an indication, no measurement."
)
_FILE = Path(__file__).parents[1] / "data" / "code.jsonl"


def cases() -> Iterable[Case]:
    """The rows of the file, in its order."""
    return from_file(_FILE).cases()
