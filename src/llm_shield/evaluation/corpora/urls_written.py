"""URLs as phishing writes them, made up, and ordinary ones."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from llm_shield.evaluation.corpus import Case, from_file

SCANNER = "MaliciousURLs"
SOURCE = (
    "Written for this project: made-up URLs of the forms that phishing has, and addresses of"
    " well-known sites."
)
LICENCE = "Apache-2.0, as this project."
SPLIT = (
    "All rows. The model is not ours, and the threshold is its author's, set before these"
    " were written."
)
_FILE = Path(__file__).parents[1] / "data" / "urls_written.jsonl"


def cases() -> Iterable[Case]:
    """The rows of the file, in its order."""
    return from_file(_FILE).cases()
