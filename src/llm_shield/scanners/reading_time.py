"""Answers that take longer to read than somebody has."""

from __future__ import annotations

import re
from itertools import islice
from typing import Annotated, ClassVar

import msgspec

from llm_shield.finding import Finding, Verdict
from llm_shield.scanner import Request, Scanner, ScannerSettings, Side
from llm_shield.text import Text

LONG_WORD = 40
"""A run of more letters than this counts as a word for each so many of them begun."""

# Written without spaces between words: Thai, Lao, Burmese, Khmer, kana, Han.
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uf900-\ufaff\U00020000-\U0003ffff"
)
_CHARACTER = re.compile(f"[{_UNSPACED}]")
_WORD = re.compile(rf"[^\s{_UNSPACED}]{{1,{LONG_WORD}}}")
_PIECE = re.compile(rf"(?P<character>[{_UNSPACED}])|[^\s{_UNSPACED}]{{1,{LONG_WORD}}}")
_ASCII_WORD = re.compile(rf"\S{{1,{LONG_WORD}}}")


class ReadingTimeSettings(ScannerSettings, kw_only=True, frozen=True):
    """Settings of ``ReadingTime``.

    Attributes:
        max_seconds: how long reading may take.
        words_per_minute: 238, what adults read of English prose, silently (Brysbaert 2019,
            https://doi.org/10.1016/j.jml.2019.104047).
        characters_per_minute: for scripts without spaces between words; 255, what was found
            for Chinese (Trauzettel-Klosinski and Dietz 2012,
            https://doi.org/10.1167/iovs.11-8284).
        truncate: whether a sanitised text ends where the time does.
    """

    max_seconds: Annotated[float, msgspec.Meta(gt=0)] = 300.0
    words_per_minute: Annotated[float, msgspec.Meta(gt=0)] = 238.0
    characters_per_minute: Annotated[float, msgspec.Meta(gt=0)] = 255.0
    truncate: bool = False


class ReadingTime(Scanner[ReadingTimeSettings]):
    """The part of an answer that is beyond a reader's time."""

    name: ClassVar[str] = "ReadingTime"
    summary: ClassVar[str] = "answers that take too long to read"
    sides: ClassVar[frozenset[Side]] = frozenset({Side.OUTPUT})
    Settings: ClassVar[type[ScannerSettings]] = ReadingTimeSettings

    async def scan(self, text: Text, request: Request) -> Verdict:
        """One finding, from the first word that there is no time for."""
        words, characters = count(text.sent)
        settings = self.settings
        word = 60.0 / settings.words_per_minute
        character = 60.0 / settings.characters_per_minute
        seconds = words * word + characters * character
        facts = {"seconds": round(seconds, 1), "words": words, "characters": characters}
        if seconds <= settings.max_seconds:
            return Verdict(facts=facts)
        start = _within(text.sent, settings.max_seconds, word, character)
        finding = Finding(
            "reading-time",
            start,
            len(text),
            1.0,
            f"takes {seconds:,.0f} s to read, {settings.max_seconds:,.0f} s are allowed",
            "" if settings.truncate else None,
        )
        return Verdict.of([finding], facts=facts)


def count(text: str) -> tuple[int, int]:
    """Words, and characters of scripts that have no spaces between words."""
    if text.isascii():
        words = text.split()
        if max(map(len, words), default=0) <= LONG_WORD:
            return len(words), 0
        return sum(-(-len(each) // LONG_WORD) for each in words), 0
    return len(_WORD.findall(text)), len(_CHARACTER.findall(text))


def _within(text: str, seconds: float, word: float, character: float) -> int:
    """Where what is read in this time ends."""
    if text.isascii():
        return _words_within(text, seconds, word)
    end = 0
    words = characters = 0
    for piece in _PIECE.finditer(text):
        if piece["character"]:
            characters += 1
        else:
            words += 1
        # Not a running sum, which would end elsewhere than the whole's time says.
        if words * word + characters * character > seconds:
            break
        end = piece.end()
    return end


def _words_within(text: str, seconds: float, word: float) -> int:
    """The same where all are words: as many as there is time for are passed over at once."""
    allowed = int(seconds / word)
    while allowed and allowed * word > seconds:
        allowed -= 1
    while (allowed + 1) * word <= seconds:
        allowed += 1
    last = next(islice(_ASCII_WORD.finditer(text), max(0, allowed - 1), None), None)
    return last.end() if allowed and last else 0
