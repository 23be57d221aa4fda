"""Sentences in 32 languages, English ones, and foreign ones inside English texts."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from llm_shield.evaluation.corpus import Case, from_file

SCANNER = "Language"
SOURCE = (
    "Written for this project: two sentences in each of 31 languages, 36 English texts, and"
    " 12 English texts with a foreign sentence inside."
)
LICENCE = "Apache-2.0, as this project."
SPLIT = (
    "All rows. The model is not ours and was not trained on them, but the scanner's"
    " thresholds were looked at on them: an indication, no measurement."
)
SETTINGS = {"allowed": ["en"]}
_FILE = Path(__file__).parents[1] / "data" / "languages.jsonl"


def cases() -> Iterable[Case]:
    """The rows of the file, in its order."""
    return from_file(_FILE).cases()
