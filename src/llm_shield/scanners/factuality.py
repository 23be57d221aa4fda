"""Answers that say what their context does not.

Partial, and it can be nothing else without a model of entailment, of which no package was
found: it compares what can be compared without understanding. Numbers, dates and names of the
answer that the context does not have; a sentence that is negated where the context's own is
not; a sentence far from all of the context. What swaps who did what to whom, with words that
are all in the context, is not found.

Without a context there is nothing to compare with: nothing is found, no risk is told, and facts
say so.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

import msgspec

from llm_shield.extras import needs
from llm_shield.finding import Finding, Verdict
from llm_shield.scanner import Cost, Request, Resources, Scanner, ScannerSettings, Share, Side
from llm_shield.scanners.claims import Claims, claims_of, hedges, sentence_places
from llm_shield.text import Text


class FactualitySettings(ScannerSettings, kw_only=True, frozen=True):
    """Settings of ``Factuality``.

    Attributes:
        number_score: of a number or date that the context does not have; 0 leaves them alone.
        name_score: of a name that it does not have; 0 leaves them alone.
        negation_score: of a sentence that is negated where the context's is not, or not where
            it is; 0 leaves them alone.
        support_score: of a sentence that is near to nothing in the context; 0 does without
            embeddings, and is then done in microseconds.
        min_support: the cosine to the nearest window of the context that a sentence of the
            answer has to have.
        min_words: shorter sentences have no support to be judged by.
        max_sentences: of the answer that are compared by embeddings; the later ones are judged
            by the rest alone, and facts say how many were.
    """

    number_score: Share = 0.8
    name_score: Share = 0.6
    negation_score: Share = 0.6
    support_score: Share = 0.5
    min_support: Share = 0.25
    min_words: Annotated[int, msgspec.Meta(ge=1)] = 5
    max_sentences: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 128


class Factuality(Scanner[FactualitySettings]):
    """What an answer says and its context does not."""

    name: ClassVar[str] = "Factuality"
    summary: ClassVar[str] = "numbers, names and negations that the context does not have"
    sides: ClassVar[frozenset[Side]] = frozenset({Side.OUTPUT})
    cost: ClassVar[Cost] = Cost.MODEL
    whole: ClassVar[bool] = True
    Settings: ClassVar[type[ScannerSettings]] = FactualitySettings

    def __init__(self, settings: FactualitySettings, resources: Resources) -> None:
        """Raises ``MissingExtra``."""
        super().__init__(settings, resources)
        if settings.support_score:
            needs("onnxruntime", "onnxruntime")

    async def load(self) -> None:
        """Read the encoder. Raises ``MissingExtra``, ``Corrupt``."""
        if self.settings.support_score:
            await self.resources.embedder().load()

    async def scan(self, text: Text, request: Request) -> Verdict:
        """Findings in the answer; their reasons name no part of it."""
        context = request.context
        facts: dict[str, object] = {"hedges": await request.in_thread(hedges, text.normal)}
        if context is None or not context.sent.strip():
            return Verdict(facts={**facts, "judged": False, "why": "there is no context"})
        settings = self.settings
        claims: Claims = await request.in_thread(claims_of, text.normal, context.normal)
        findings = [
            Finding(f"factuality.{kind}", *text.span(start, end), score, reason)
            for places, kind, score, reason in (
                (claims.numbers, "number", settings.number_score, "a number or date"),
                (claims.names, "name", settings.name_score, "a name"),
            )
            if score
            for start, end in places
            for reason in (f"{reason} that the context does not have",)
        ]
        if settings.negation_score:
            reason = "negated where the context is not, or not where it is"
            findings += [
                Finding(
                    "factuality.negation", *text.span(*place), settings.negation_score, reason
                )
                for place in claims.negated
            ]
        if settings.support_score:
            found, compared = await self._unsupported(text, context, request)
            findings += found
            facts["compared"] = compared
        return Verdict.of(findings, facts={**facts, "judged": True})

    async def _unsupported(
        self, text: Text, context: Text, request: Request
    ) -> tuple[list[Finding], int]:
        """Sentences that are near to nothing in the context, and how many were looked at."""
        settings = self.settings
        places = await request.in_thread(sentence_places, text.normal, settings.min_words)
        places = places[: settings.max_sentences]
        if not places:
            return [], 0
        windows = await request.windows(context)
        if not windows.spans:
            return [], 0
        said = [text.normal[start:end] for start, end in places]
        vectors = await self.resources.embedder().embed(said)
        nearest = (vectors @ windows.vectors.T).max(axis=1)
        reason = "near to nothing in the context: similarity {:.2f}"
        return [
            Finding(
                "factuality.unsupported",
                *text.span(*place),
                settings.support_score,
                reason.format(float(near)),
            )
            for place, near in zip(places, nearest, strict=True)
            if near < settings.min_support
        ], len(places)
