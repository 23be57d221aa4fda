"""Short utterances about sixteen topics, three of which are banned."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from llm_shield.evaluation.corpora._pairs import rows
from llm_shield.evaluation.corpus import Case

SCANNER = "BanTopics"
SOURCE = (
    "chatterbot-corpus 1.3.3, English: utterances of four words and more of sixteen of its"
    " topics, 60 of a topic at most"
)
LICENCE = "BSD-3-Clause"
SPLIT = "the half whose SHA-256 is odd; slope and margin were fitted to the other half"

_BANNED = {
    "politics": "politics, elections, government and political parties",
    "sports": "sports, athletes, games and championships",
    "money": "money, investing, banking and personal finance",
}
SETTINGS: Mapping[str, object] = {
    "topics": [
        {"name": name, "descriptions": [description]} for name, description in _BANNED.items()
    ]
}


def cases() -> Iterable[Case]:
    """The cases."""
    for row in rows("ban_topics_chat.jsonl"):
        yield Case(row["text"], row["kind"] in _BANNED, row["kind"])
