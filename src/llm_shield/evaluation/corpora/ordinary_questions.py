"""Ordinary questions and requests: nothing of it is to be found."""

from __future__ import annotations

from collections.abc import Iterator

from llm_shield.evaluation.corpora._pairs import rows
from llm_shield.evaluation.corpus import Case

SCANNER = "PromptInjection"
SOURCE = (
    "FreshQA's 600 questions, 105 requests for advice of PersistBench and 55 for texts of"
    " WritingBench, as the package inspect-evals 0.26.0 carries them."
)
LICENCE = "Apache-2.0 (FreshQA, WritingBench) and MIT (inspect-evals)."
SPLIT = "Nothing of FreshQA is trained on; of the other two, other requests are."


def cases() -> Iterator[Case]:
    """All 760."""
    for row in rows("ordinary_questions.jsonl"):
        yield Case(row["text"], False, row["kind"])
