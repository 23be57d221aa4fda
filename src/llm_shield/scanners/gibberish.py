"""Letters that are no words: keyboard mashing, random strings of letters."""

from __future__ import annotations

import math
import re
import unicodedata
from functools import cache
from typing import TYPE_CHECKING, Annotated, ClassVar

import msgspec

from llm_shield.extras import needs
from llm_shield.finding import Finding, Verdict
from llm_shield.scanner import Request, Resources, Scanner, ScannerSettings, Side
from llm_shield.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

INLINE = 1024
"""Characters that are looked at at once; a longer text is looked at in a thread."""

LETTERS = 27
"""What a pair of letters is as likely as, were they drawn at random: 26 letters and a space."""

MAX_WORD = 64
"""Letters of a word that are looked at; what is longer is no word, and is judged by these."""

# What has its own form and is nobody's words: URLs and addresses, paths, what has digits or
# signs of code inside (identifiers, base64, hashes), what is in back quotes.
_CODE = re.compile(r"[@\\0-9_=/+<>{}$#%&|]|\w\.\w|\w[:(\[]\w")
_QUOTED = re.compile(r"`[^`\n]{1,200}`")
_CHUNK = re.compile(r"\S+")
_WORD = re.compile(r"[^\W\d_]+")
_REPEATED = re.compile(r"([^\W\d_])\1{3,}")
_INNER_CAPITAL = re.compile(r"[a-z][A-Z]")


class GibberishSettings(ScannerSettings, kw_only=True, frozen=True):
    """Settings of ``Gibberish``.

    Attributes:
        unlikely: how much less likely than letters drawn at random the pairs of letters of a
            part are in English, natural logarithm a pair, on average, to count against it.
            Names and other languages reach 0.9, keyboard mashing begins at 1.1.
        evidence: what has to come together above that, summed over the pairs of a part: a
            higher number finds longer parts only.
        longest_run: letters that are the same in a row, at most.
    """

    unlikely: Annotated[float, msgspec.Meta(ge=0, le=5)] = 0.9
    evidence: Annotated[float, msgspec.Meta(gt=0)] = 7.0
    longest_run: Annotated[int, msgspec.Meta(ge=4)] = 40


class Gibberish(Scanner[GibberishSettings]):
    """Parts of a text that are letters and no words.

    By the likelihood of pairs of letters in English against letters drawn at random, with the
    table of the package ``pygarble``. Words of its dictionary, words in other scripts than the
    Latin one, capitals and code count for neither side.
    """

    name: ClassVar[str] = "Gibberish"
    summary: ClassVar[str] = "letters that are no words"
    sides: ClassVar[frozenset[Side]] = frozenset(Side)
    Settings: ClassVar[type[ScannerSettings]] = GibberishSettings

    def __init__(self, settings: GibberishSettings, resources: Resources) -> None:
        super().__init__(settings, resources)
        needs("pygarble", "pygarble, which has the table of pairs of letters,")

    async def load(self) -> None:
        """Read the table."""
        await self.resources.in_thread(_table)

    async def scan(self, text: Text, request: Request) -> Verdict:
        """A finding for each part, with how sure: one half where the evidence just suffices."""
        if len(text) <= INLINE and _table.cache_info().currsize:
            return self._look(text.sent)
        return await request.in_thread(self._look, text.sent)

    def _look(self, text: str) -> Verdict:
        settings = self.settings
        findings = [
            Finding(
                "gibberish",
                start,
                end,
                1.0 - 0.5 * settings.evidence / evidence,
                "letters that are no words",
            )
            for start, end, evidence in parts(text, settings.unlikely, settings.evidence)
        ]
        findings += [
            Finding(
                "gibberish.run",
                run.start(),
                run.end(),
                1.0,
                f"one letter {run.end() - run.start():,} times in a row",
            )
            for run in _REPEATED.finditer(text)
            if run.end() - run.start() > settings.longest_run
        ]
        return Verdict.of(findings)


def parts(text: str, unlikely: float, needed: float) -> list[tuple[int, int, float]]:
    """Where evidence of ``needed`` comes together, and how much: the stretches of words whose
    sum of evidence is the highest, each word for and each common word against it."""
    found: list[tuple[int, int, float]] = []
    total = best = 0.0
    start = end = 0
    for word_start, word_end, evidence in _evidence(text, unlikely):
        if total <= 0:
            total, best, start = 0.0, 0.0, word_start
        total += evidence
        if total > best:
            best, end = total, word_end
        # What is said in between is more than what was found: the part has ended.
        elif total < best - needed / 2 or total <= 0:
            if best >= needed:
                found.append((start, end, best))
            total = best = 0.0
    if best >= needed:
        found.append((start, end, best))
    return found


def _evidence(text: str, unlikely: float) -> list[tuple[int, int, float]]:
    """Each word's place and what it says for gibberish: above 0, or for words: below it."""
    pairs, default, dictionary = _table()
    shift = math.log(LETTERS) + unlikely
    told = []
    for start, end in _words(text):
        letters = text[start : min(end, start + MAX_WORD)]
        if not letters.isascii():
            letters = _folded(letters)
            if not letters.isascii():
                continue
        if (letters.isupper() and len(letters) <= 6) or _INNER_CAPITAL.search(letters):
            continue
        lower = letters.lower()
        if lower in dictionary:
            # As much as a common word of English has, at most: a mash may hold a real word.
            told.append((start, end, -1.5 if len(lower) > 2 else -0.5))
            continue
        if len(lower) < 3:
            continue
        lower = _REPEATED.sub(r"\1\1", lower)
        before, total = " ", 0.0
        for letter in f"{lower} ":
            # No pair counts for much more than a random one: a single "qz" proves nothing.
            total -= max(pairs.get(before + letter, default) + shift, -2.0)
            before = letter
        # A name has one odd pair; and what is likely is no proof of the opposite.
        told.append((start, end, max(total, -4.0)))
    return told


def _words(text: str) -> Iterator[tuple[int, int]]:
    """The places of what may be words."""
    plain = _QUOTED.sub(lambda quoted: " " * len(quoted[0]), text) if "`" in text else text
    for chunk in _CHUNK.finditer(plain):
        letters, start = chunk[0], chunk.start()
        if letters.isalpha():
            yield chunk.span()
        elif not _CODE.search(letters):
            for word in _WORD.finditer(letters):
                yield start + word.start(), start + word.end()


def _folded(word: str) -> str:
    """Latin letters without their marks."""
    apart = unicodedata.normalize("NFKD", word.translate(_STROKES))
    return "".join(each for each in apart if not unicodedata.combining(each))


_STROKES = str.maketrans("łŁøØđĐıßæÆœŒðÐþÞ", "lLoOdDisaAoOdDtT")


@cache
def _table() -> tuple[Mapping[str, float], float, frozenset[str]]:
    """Logarithms of how likely each pair of letters is in English, what all others are, and
    some 50,000 words."""
    from pygarble.data.bigrams import BIGRAM_LOG_PROBS, DEFAULT_LOG_PROB
    from pygarble.data.words import ENGLISH_WORDS

    return BIGRAM_LOG_PROBS, DEFAULT_LOG_PROB, frozenset(ENGLISH_WORDS)
