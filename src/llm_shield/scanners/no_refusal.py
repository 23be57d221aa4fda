"""Answers that refuse what they were asked.

A head looks at sentences, alone: at those an answer begins with, and further down at those
with a word of refusing. It does not see the question: an answer about something else is no
refusal to it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

import msgspec

from llm_shield import refusing
from llm_shield.finding import Finding, Verdict
from llm_shield.scanner import Cost, Request, Resources, Scanner, ScannerSettings, Side
from llm_shield.sentence_heads import SentenceHead, of_decoded
from llm_shield.text import Text
from llm_shield.units import units_of

if TYPE_CHECKING:
    from llm_shield.models.heads import Head

BEGINNING = 2
"""Units (a sentence, or a few short ones) that are looked at whatever they say."""


class NoRefusalSettings(ScannerSettings, kw_only=True, frozen=True):
    """Settings of ``NoRefusal``.

    Attributes:
        max_sentences: that are looked at, the first ones with a word of refusing; each costs
            an embedding (4 ms or so).
        partial: whether a refusal after the beginning counts: "Here is the list. The last item
            I won't help with."
    """

    max_sentences: Annotated[int, msgspec.Meta(ge=1, le=256)] = 16
    partial: bool = True


class NoRefusal(Scanner[NoRefusalSettings]):
    """Answers that refuse, in whole or in part."""

    name: ClassVar[str] = "NoRefusal"
    summary: ClassVar[str] = "answers that refuse what they were asked"
    sides: ClassVar[frozenset[Side]] = frozenset({Side.OUTPUT})
    cost: ClassVar[Cost] = Cost.MODEL
    Settings: ClassVar[type[ScannerSettings]] = NoRefusalSettings

    def __init__(self, settings: NoRefusalSettings, resources: Resources) -> None:
        """Raises ``MissingExtra``."""
        super().__init__(settings, resources)
        self._head = SentenceHead("no_refusal", resources)

    async def load(self) -> None:
        """Read head and encoder. Raises ``MissingExtra``, ``Corrupt``."""
        await self._head.load()

    async def scan(self, text: Text, request: Request) -> Verdict:
        """A finding for each refusing sentence: ``refusal`` where the answer begins,
        ``refusal.partial`` further down; the risk is the highest of all sentences."""
        head = await self._head.load()
        places, sentences, first = await request.in_thread(self._chosen, text)
        if not sentences:
            return Verdict(facts={"sentences": 0})
        vectors = await self._head.embedded(sentences)
        risks = await request.in_thread(_risks, head, vectors, sentences, first)
        findings = [
            Finding(
                "refusal" if begins else "refusal.partial",
                *place,
                risk,
                "the answer refuses" if begins else "a part of the answer refuses",
            )
            for place, begins, risk in zip(places, first, risks, strict=True)
            if risk >= self.settings.threshold
        ]
        return Verdict.of(findings, risk=max(risks), facts={"sentences": len(sentences)})

    def _chosen(self, text: Text) -> tuple[list[tuple[int, int]], list[str], list[bool]]:
        """The sentences to look at: places in the text as sent, words, whether they begin
        it."""
        normal = text.normal
        places: list[tuple[int, int]] = []
        sentences: list[str] = []
        for at, (start, end) in enumerate(units_of(normal)):
            if len(sentences) >= self.settings.max_sentences:
                break
            sentence = refusing.plain(normal[start:end])
            if at >= BEGINNING:
                if not self.settings.partial:
                    break
                if refusing.CUE.search(sentence) is None:
                    continue
            places.append(text.span(start, end))
            sentences.append(sentence)
        first = [at < BEGINNING for at in range(len(sentences))]
        for each in of_decoded(text):
            places.append((each.start, each.end))
            sentences.append(refusing.plain(each.text))
            first.append(False)
        return places, sentences, first


def _risks(head: Head, vectors: object, sentences: list[str], first: list[bool]) -> list[float]:
    import numpy as np

    # What follows the first sentence is no beginning: a lecture counts as one only there.
    begins = [at == 0 and each for at, each in enumerate(first)]
    seen = np.hstack([np.asarray(vectors), refusing.features(sentences, begins)])
    return [float(each) for each in head.probabilities(seen)]
