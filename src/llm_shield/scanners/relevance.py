"""Answers that have nothing to do with what was asked.

The measure is the cosine of sentence embeddings: of each window of the prompt with each of the
answer, the highest counts. It knows what a text is about, not whether it is right or complete:
an answer that repeats the question is very relevant to it.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Annotated, ClassVar

import msgspec

from llm_shield.extras import needs
from llm_shield.finding import Finding, Verdict
from llm_shield.scanner import Cost, Request, Resources, Scanner, ScannerSettings, Share, Side
from llm_shield.text import Text

if TYPE_CHECKING:
    from llm_shield.models.embedder import Windows

SLOPE = 21.3
"""Of the logistic curve from cosine to risk: fitted to real against shuffled answers of the
validation data, by ``training/cosines.py``."""
_WORD = re.compile(r"\w+")


class RelevanceSettings(ScannerSettings, kw_only=True, frozen=True):
    """Settings of ``Relevance``.

    Attributes:
        min_similarity: the cosine at which the risk is .5; lower ones are riskier.
        min_words: an answer of fewer words is not judged: "Paris." has no cosine to speak of.
        min_prompt_words: nor is an answer to a prompt of fewer words.
    """

    min_similarity: Share = 0.25
    min_words: Annotated[int, msgspec.Meta(ge=0)] = 4
    min_prompt_words: Annotated[int, msgspec.Meta(ge=0)] = 3


class Relevance(Scanner[RelevanceSettings]):
    """Answers about something else than the prompt."""

    name: ClassVar[str] = "Relevance"
    summary: ClassVar[str] = "answers about something else than the prompt"
    sides: ClassVar[frozenset[Side]] = frozenset({Side.OUTPUT})
    cost: ClassVar[Cost] = Cost.MODEL
    whole: ClassVar[bool] = True
    Settings: ClassVar[type[ScannerSettings]] = RelevanceSettings

    def __init__(self, settings: RelevanceSettings, resources: Resources) -> None:
        """Raises ``MissingExtra``."""
        super().__init__(settings, resources)
        needs("onnxruntime", "onnxruntime")

    async def load(self) -> None:
        """Read the encoder. Raises ``MissingExtra``, ``Corrupt``."""
        await self.resources.embedder().load()

    async def scan(self, text: Text, request: Request) -> Verdict:
        """One finding, the whole answer, if its risk reaches the threshold."""
        prompt = request.prompt
        if prompt is None:
            return _unjudged("the prompt is not known")
        if not _has_words(text, self.settings.min_words):
            return _unjudged("the answer is too short")
        if not _has_words(prompt, self.settings.min_prompt_words):
            return _unjudged("the prompt is too short")
        asked, answered = await request.windows(prompt), await request.windows(text)
        if not asked.spans or not answered.spans:
            return _unjudged("there is no text that the encoder knows")
        similarity = await request.in_thread(highest, asked, answered)
        risk = risk_of(similarity, self.settings.min_similarity)
        facts = {"judged": True, "similarity": round(similarity, 3)}
        if risk < self.settings.threshold:
            return Verdict(risk=risk, facts=facts)
        reason = f"about something else than the prompt: similarity {similarity:.2f}"
        return Verdict.of(
            [Finding("relevance", 0, len(text), risk, reason)], risk=risk, facts=facts
        )


def highest(one: Windows, other: Windows) -> float:
    """The highest cosine of a window of the one with a window of the other, in [-1, 1]."""
    best = -1.0
    # A stripe at a time: of two texts of a thousand windows, the whole table is large.
    for at in range(0, len(one.spans), 64):
        best = max(best, float((one.vectors[at : at + 64] @ other.vectors.T).max()))
    return max(-1.0, min(1.0, best))


def risk_of(similarity: float, even: float) -> float:
    """The risk of a cosine, where that of ``even`` is .5."""
    return 1.0 / (1.0 + math.exp(SLOPE * (similarity - even)))


def _has_words(text: Text, count: int) -> bool:
    """Whether the text has so many words; it is not read further than to the last of them.

    Letters without spaces between them (Chinese) are one word to this: four of them count as a
    word.
    """
    found = 0
    for word in _WORD.finditer(text.normal):
        found += 1 if word[0].isascii() else math.ceil((word.end() - word.start()) / 4)
        if found >= count:
            return True
    return found >= count


def _unjudged(why: str) -> Verdict:
    return Verdict(facts={"judged": False, "why": why})
