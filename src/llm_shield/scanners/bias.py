"""Sentences that say something of all of a group of people.

It tells "generalises about a group", and no more: not whether that is true, meant well, quoted
with approval, or biased. Bias in what an answer leaves out, or in how it treats two people, is
not in any one sentence, and is not found. The kind of its findings says so:
``bias.generalisation``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

import msgspec

from llm_shield import generalising
from llm_shield.finding import Finding, Verdict
from llm_shield.scanner import Cost, Request, Resources, Scanner, ScannerSettings, Side
from llm_shield.sentence_heads import SentenceHead, of_decoded
from llm_shield.text import Text
from llm_shield.units import units_of

if TYPE_CHECKING:
    from llm_shield.models.heads import Head

KIND = "bias.generalisation"


class BiasSettings(ScannerSettings, kw_only=True, frozen=True):
    """Settings of ``Bias``.

    Attributes:
        max_sentences: that are looked at, the first ones that name a group of people; each
            costs an embedding (4 ms or so).
    """

    max_sentences: Annotated[int, msgspec.Meta(ge=1, le=256)] = 24


class Bias(Scanner[BiasSettings]):
    """Generalising statements about groups of people."""

    name: ClassVar[str] = "Bias"
    summary: ClassVar[str] = "statements that generalise about a group of people"
    sides: ClassVar[frozenset[Side]] = frozenset({Side.OUTPUT})
    cost: ClassVar[Cost] = Cost.MODEL
    Settings: ClassVar[type[ScannerSettings]] = BiasSettings

    def __init__(self, settings: BiasSettings, resources: Resources) -> None:
        """Raises ``MissingExtra``."""
        super().__init__(settings, resources)
        self._head = SentenceHead("bias", resources)

    async def load(self) -> None:
        """Read head and encoder. Raises ``MissingExtra``, ``Corrupt``."""
        await self._head.load()

    async def scan(self, text: Text, request: Request) -> Verdict:
        """A finding for each generalising sentence; the risk is the highest of all
        sentences."""
        places, sentences = await request.in_thread(self._chosen, text)
        if not sentences:
            return Verdict(facts={"sentences": 0})
        head = await self._head.load()
        vectors = await self._head.embedded(sentences)
        risks = await request.in_thread(_risks, head, vectors, sentences)
        findings = [
            Finding(KIND, *place, risk, "generalises about a group of people")
            for place, risk in zip(places, risks, strict=True)
            if risk >= self.settings.threshold
        ]
        return Verdict.of(findings, risk=max(risks), facts={"sentences": len(sentences)})

    def _chosen(self, text: Text) -> tuple[list[tuple[int, int]], list[str]]:
        """The sentences that name a group: places in the text as sent, words."""
        normal = text.normal
        places: list[tuple[int, int]] = []
        sentences: list[str] = []
        for start, end in units_of(normal, short=0):
            if len(sentences) >= self.settings.max_sentences:
                break
            if generalising.names_group(normal[start:end]):
                places.append(text.span(start, end))
                sentences.append(generalising.plain(normal[start:end]))
        for each in of_decoded(text):
            if generalising.names_group(each.text):
                places.append((each.start, each.end))
                sentences.append(generalising.plain(each.text))
        return places, sentences


def _risks(head: Head, vectors: object, sentences: list[str]) -> list[float]:
    import numpy as np

    seen = np.hstack([np.asarray(vectors), generalising.features(sentences)])
    return [float(each) for each in head.probabilities(seen)]
