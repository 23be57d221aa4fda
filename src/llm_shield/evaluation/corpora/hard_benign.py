"""Harmless texts that look like attacks: about injection, with orders, with "ignore"."""

from __future__ import annotations

from collections.abc import Iterator

from llm_shield.evaluation.corpora._pairs import rows
from llm_shield.evaluation.corpus import Case

SCANNER = "PromptInjection"
SOURCE = "Written for this repository."
LICENCE = "Apache-2.0, as the rest of the repository."
SPLIT = "Written after the training data, by the same hand and to the same list of sorts."


def cases() -> Iterator[Case]:
    """All of them."""
    for row in rows("hard_benign.jsonl"):
        yield Case(row["text"], False, row["kind"])
