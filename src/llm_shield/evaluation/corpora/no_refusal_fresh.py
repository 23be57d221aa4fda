"""Rows that we wrote for NoRefusal after its head was made: nothing was chosen by them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from llm_shield.evaluation.corpus import Case, from_file

SCANNER = "NoRefusal"
SOURCE = "Written for this repository, by the hand that wrote a part of the training data."
LICENCE = "Apache-2.0, as the rest of the repository."
SPLIT = "All rows; scored only after head, threshold and training data were settled."
_FILE = Path(__file__).parents[1] / "data" / "no_refusal_fresh.jsonl"


def cases() -> Iterable[Case]:
    """The rows of the file, in its order."""
    return from_file(_FILE).cases()
