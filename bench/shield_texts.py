"""What the benchmarks of the shield scan, and how its scanners are set for that."""

from __future__ import annotations

from itertools import cycle, islice
from typing import Any

from llm_shield.scanners import HOMES

PROSE = (
    "The committee met on Tuesday to look at what the new rules would cost.",
    "Three members said that last year's figures could not be compared with these.",
    "The report is at https://example.com/reports/2026/q3?page=2 and was due in June.",
    "Please tell the office (extension 4711) whether a second meeting is needed.",
    "It was raining, and nobody had thought of bringing the keys to the archive.",
)
WORDS = [
    f"{first}{second}"
    for first in ("alder", "birch", "cedar", "daisy", "elm")
    for second in (
        "gate",
        "field",
        "ham",
        "wick",
        "ton",
        "bury",
        "ford",
        "mere",
        "stead",
        "worth",
        "brook",
        "well",
        "ley",
        "port",
        "mouth",
        "dale",
        "combe",
        "thorpe",
        "by",
        "cote",
    )
]
"""A hundred words that the texts do not have."""

PATTERNS = {f"p{at}": f"(?i){word}[0-9]{{2,8}}" for at, word in enumerate(WORDS[::10])}

CHEAP = (
    *("Secrets", "InvisibleText", "Language", "BanCompetitors", "BanSubstrings"),
    *("TokenLimit", "Regex", "RegexOutput", "ReadingTime"),
)
"""The cheap ten are these and the extraction of URLs."""

INPUT = list(HOMES)[:12]

HUNDRED = 409
"""Characters of prose that are a hundred tokens of o200k."""

SETTINGS: dict[str, dict[str, Any]] = {
    "BanCompetitors": {"competitors": {word: [word] for word in WORDS}},
    "BanSubstrings": {"substrings": WORDS},
    "Regex": {"patterns": PATTERNS},
    "RegexOutput": {"patterns": PATTERNS},
    "BanTopics": {"topics": ["politics", "medicine"]},
    "TokenLimit": {"limit": 1_000_000},
}


def text_of(length: int) -> str:
    """Prose of so many characters. No sentence is there twice: what is the same is embedded
    once."""
    count = length // 60 + 2
    numbered = (
        f"{sentence[:-1]} in case {at}."
        for at, sentence in enumerate(islice(cycle(PROSE), count))
    )
    return " ".join(numbered)[:length]
