"""Small talk: answers, and the answers to something else."""

from __future__ import annotations

from collections.abc import Iterable

from llm_shield.evaluation.corpora._pairs import shuffled
from llm_shield.evaluation.corpus import Case

SCANNER = "Relevance"
SOURCE = (
    "chatterbot-corpus 1.3.3, English: ai, psychology and tech_support; first question and"
    " first answer of each conversation; as irrelevant ones, the answers a third of the list on"
)
LICENCE = "BSD-3-Clause"
SPLIT = "three of its topics, all rows; thresholds were fitted to its coding and trivia"


def cases() -> Iterable[Case]:
    """The cases."""
    return shuffled("relevance_chat.jsonl")
