"""Sentences in a negative tone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Annotated, ClassVar

import msgspec

from llm_shield.extras import needs
from llm_shield.finding import Finding, Verdict
from llm_shield.scanner import Request, Resources, Scanner, ScannerSettings, Side
from llm_shield.text import Text

if TYPE_CHECKING:
    from collections.abc import Callable

INLINE = 1024
"""Characters that are looked at at once; a longer text is looked at in a thread."""

PIECE = 300
"""Characters that are looked at together, at most: VADER takes time quadratic in these."""

# Spaces after a sentence's end, or a line's.
_BREAK = re.compile(r"[.!?\u2026\u3002\uff01\uff1f][\"')\]]{0,3}(\s+)|\n+")
# What VADER knows: words of Latin letters, emoji, emoticons.
_TOLD = re.compile(
    r"[A-Za-z]|[\u2600-\u27bf\U0001f300-\U0001faff]|[:;=8][-'^]?[()\[\]{}/\\|<>3*]"
)


class SentimentSettings(ScannerSettings, kw_only=True, frozen=True):
    """Settings of ``Sentiment``.

    Attributes:
        below: a sentence whose compound is this or lower is a finding: -1 is the most
            negative, +1 the most positive; VADER's authors call -0.05 and lower negative.
    """

    below: Annotated[float, msgspec.Meta(ge=-1, le=0)] = -0.6


class Sentiment(Scanner[SentimentSettings]):
    """Sentences in a negative tone, in English, by VADER's lexicon and rules."""

    name: ClassVar[str] = "Sentiment"
    summary: ClassVar[str] = "sentences in a negative tone"
    sides: ClassVar[frozenset[Side]] = frozenset(Side)
    Settings: ClassVar[type[ScannerSettings]] = SentimentSettings

    def __init__(self, settings: SentimentSettings, resources: Resources) -> None:
        super().__init__(settings, resources)
        needs("vaderSentiment", "vaderSentiment, which has the lexicon,")

    async def load(self) -> None:
        """Read the lexicon."""
        await self.resources.in_thread(_compound)

    async def scan(self, text: Text, request: Request) -> Verdict:
        """A finding for each negative sentence, as sure as it is negative; facts: the mean of
        all sentences' compounds, and the lowest."""
        if len(text) <= INLINE and _compound.cache_info().currsize:
            return self._look(text.sent)
        return await request.in_thread(self._look, text.sent)

    def _look(self, text: str) -> Verdict:
        compound = _compound()
        findings = []
        told = []
        for start, end in pieces(text):
            piece = text[start:end]
            if not _TOLD.search(piece):
                continue
            value = max(-1.0, min(1.0, compound(piece)))
            told.append(value)
            if value <= self.settings.below and value < 0:
                findings.append(
                    Finding(
                        "sentiment.negative",
                        start,
                        end,
                        -value,
                        f"a negative tone: {value:.2f} on a scale from -1 to 1",
                    )
                )
        mean = sum(told) / len(told) if told else 0.0
        return Verdict.of(
            findings,
            facts={"compound": round(mean, 4), "lowest": round(min(told, default=0.0), 4)},
        )


def pieces(text: str) -> Iterator[tuple[int, int]]:
    """The places of the sentences, without the spaces around them; a long one in several."""
    start = 0
    breaks = _BREAK.finditer(text)
    for end, following in (
        *((match.start(1) if match[1] else match.start(), match.end()) for match in breaks),
        (len(text), len(text)),
    ):
        while end - start > PIECE:
            cut = text.rfind(" ", start + 1, start + PIECE)
            cut = cut if cut > 0 else start + PIECE
            yield start, cut
            start = cut
        if end > start:
            yield start, end
        start = following


@cache
def _compound() -> Callable[[str], float]:
    """What tells the compound of a sentence, in [-1, 1]."""
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    analyser = SentimentIntensityAnalyzer()

    def compound(sentence: str) -> float:
        return float(analyser.polarity_scores(sentence)["compound"])

    return compound
