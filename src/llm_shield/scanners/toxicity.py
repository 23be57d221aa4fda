"""Insults, threats, hatred, obscene and sexual language.

A head sees the embedding of a window or sentence and which words of abuse are in it
(``llm_shield.toxic_words``). All windows are looked at; sentences where a window is not plainly
clean or that have such a word: a short insult in a long friendly text moves its window but
little.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import msgspec

from llm_shield.finding import Finding, Verdict
from llm_shield.scanner import Cost, Request, Resources, Scanner, ScannerSettings, Side
from llm_shield.sentence_heads import SentenceHead, of_decoded
from llm_shield.text import Text
from llm_shield.units import units_of

if TYPE_CHECKING:
    from llm_shield.models.embedder import Windows
    from llm_shield.models.heads import Head
    from llm_shield.toxic_words import Hit, ToxicWords

LOOK = 0.02
"""The risk of a window from which on its sentences are looked at, too: about a third of clean
posts and prompts have it. To look at every sentence would take as long as the windows again."""
_VIOLENT = re.compile(
    r"\b(?:kill|shoot|shot|stab|burn|hurt|beat|break|broken|cut|slash|poison|choke|strangle|hang"
    r"|bleed|blood|die|dies|dead|death|regret|bullet|knife|gun|bat|bomb|hunt|smash|gut|throat"
    r"|drown|rape|bone|teeth|neck|grave|body bag|exterminate|wiped? out|watch your back)s?\b",
    re.IGNORECASE,
)
"""Words of threats; most sentences that have one are harmless, and all of them are looked
at."""
REASONS = {
    "insult": "insults somebody",
    "threat": "threatens, or wishes harm",
    "obscene": "obscene language",
    "identity": "attacks people for what they are",
    "sexual": "sexual language",
}
Kind = Literal["insult", "threat", "obscene", "identity", "sexual"]


class ToxicitySettings(ScannerSettings, kw_only=True, frozen=True):
    """Settings of ``Toxicity``.

    Attributes:
        ignore: kinds that do not count, where a sentence is of no other kind: ``["obscene"]``
            lets swearing pass that attacks nobody.
        max_sentences: that are looked at besides all windows; each costs an embedding (4 ms or
            so).
    """

    ignore: frozenset[Kind] = frozenset()
    max_sentences: Annotated[int, msgspec.Meta(ge=0, le=256)] = 24


@dataclass(frozen=True, slots=True)
class _Piece:
    """Something that is judged: its place in the text as sent, its words, how it was hidden."""

    start: int
    end: int
    words: str
    hits: Sequence[Hit]
    encoding: str = ""


class Toxicity(Scanner[ToxicitySettings]):
    """Toxic language, in prompts and answers."""

    name: ClassVar[str] = "Toxicity"
    summary: ClassVar[str] = "insults, threats, hatred, obscene and sexual language"
    sides: ClassVar[frozenset[Side]] = frozenset({Side.INPUT, Side.OUTPUT})
    cost: ClassVar[Cost] = Cost.MODEL
    Settings: ClassVar[type[ScannerSettings]] = ToxicitySettings

    def __init__(self, settings: ToxicitySettings, resources: Resources) -> None:
        """Raises ``MissingExtra``."""
        super().__init__(settings, resources)
        self._head = SentenceHead("toxicity", resources)
        self._words: ToxicWords | None = None

    async def load(self) -> None:
        """Read words, head and encoder. Raises ``MissingExtra``, ``Corrupt``."""
        await self._head.load()
        await self._table()

    async def scan(self, text: Text, request: Request) -> Verdict:
        """A finding for each toxic sentence, and for each toxic window of which no sentence is
        toxic alone: ``toxicity.insult`` and so on, ``toxicity`` where no kind is plain."""
        head, words = await self._head.load(), await self._table()
        windows = await request.windows(text)
        hits = await request.in_thread(words.hits, text.normal)
        pieces = await request.in_thread(_of_windows, text, windows, hits)
        judged = await request.in_thread(_judged, head, words, pieces, windows.vectors)
        chosen = await request.in_thread(self._sentences, text, words, hits, pieces, judged)
        if chosen:
            vectors = await self._head.embedded([each.words for each in chosen])
            judged_more = await request.in_thread(_judged, head, words, chosen, vectors)
        else:
            judged_more = []
        return self._verdict(
            list(zip(pieces, judged, strict=True)),
            list(zip(chosen, judged_more, strict=True)),
        )

    async def _table(self) -> ToxicWords:
        if self._words is None:
            import numpy as np

            from llm_shield.toxic_words import ToxicWords

            data = await self.resources.files.read("heads/toxic_words", "toxic_words.npz")
            with np.load(BytesIO(data), allow_pickle=False) as arrays:
                self._words = ToxicWords(dict(arrays))
        return self._words

    def _sentences(
        self,
        text: Text,
        words: ToxicWords,
        hits: Sequence[Hit],
        pieces: Sequence[_Piece],
        judged: Sequence[tuple[float, str]],
    ) -> list[_Piece]:
        """Those worth a look of their own: with words of abuse, then of the riskiest
        windows."""
        normal = text.normal
        units = units_of(normal)
        found: list[tuple[float, _Piece]] = []
        look = [
            (piece.start, piece.end, risk)
            for piece, (risk, _) in zip(pieces, judged, strict=True)
            if risk >= LOOK
        ]
        if len(units) > 1:
            window = hit = 0
            for start, end in units:
                begin, stop = text.span(start, end)
                while window < len(look) and look[window][1] <= begin:
                    window += 1
                while hit < len(hits) and hits[hit].end <= start:
                    hit += 1
                own: list[Hit] = []
                while hit < len(hits) and hits[hit].start < end:
                    own.append(hits[hit])
                    hit += 1
                risk = look[window][2] if window < len(look) and look[window][0] < stop else 0.0
                if own or risk or _VIOLENT.search(normal, start, end):
                    piece = _Piece(begin, stop, normal[start:end], own)
                    found.append((risk + len(own), piece))
        # Sorting is stable: of equal ones the first count.
        found.sort(key=lambda each: -each[0])
        chosen = [piece for _, piece in found[: self.settings.max_sentences]]
        return chosen + [
            _Piece(run.start, run.end, run.text, words.hits(run.text), run.encoding)
            for run in of_decoded(text)
        ]

    def _verdict(
        self,
        windows: Sequence[tuple[_Piece, tuple[float, str]]],
        sentences: Sequence[tuple[_Piece, tuple[float, str]]],
    ) -> Verdict:
        risk = 0.0
        findings: list[Finding] = []
        for pieces in (sentences, windows):
            smaller = [(each.start, each.end) for each in findings]
            for piece, (score, kind) in pieces:
                if kind in self.settings.ignore:
                    continue
                risk = max(risk, score)
                if score < self.settings.threshold or any(
                    start < piece.end and piece.start < end for start, end in smaller
                ):
                    continue
                reason = REASONS.get(kind, "toxic language")
                if piece.encoding:
                    reason += f", encoded as {piece.encoding}"
                findings.append(
                    Finding(
                        f"toxicity.{kind}" if kind else "toxicity",
                        piece.start,
                        piece.end,
                        score,
                        reason,
                    )
                )
        return Verdict.of(findings, risk=risk, facts={"sentences": len(sentences)})


def _of_windows(text: Text, windows: Windows, hits: Sequence[Hit]) -> list[_Piece]:
    """The windows with the words in each: hits are in order, windows too, overlapping a bit."""
    places = [text.span(each.start, each.end) for each in hits]
    pieces = []
    first = 0
    for start, end in windows.spans:
        while first < len(places) and places[first][1] <= start:
            first += 1
        own = []
        at = first
        while at < len(places) and places[at][0] < end:
            own.append(hits[at])
            at += 1
        pieces.append(_Piece(start, end, text.sent[start:end], own))
    return pieces


def _judged(
    head: Head, words: ToxicWords, pieces: Sequence[_Piece], vectors: Any
) -> list[tuple[float, str]]:
    """The risk of each, and its kind."""
    import numpy as np

    if not pieces:
        return []
    seen = np.hstack(
        [vectors, np.array([words.features(each.words, list(each.hits)) for each in pieces])]
    )
    risks = head.probabilities(seen)
    logits = seen @ head.arrays["kinds_w"] + head.arrays["kinds_b"]
    kinds = [str(each) for each in head.card["kinds"]]
    return [
        (float(risk), _kind(dict(zip(kinds, row, strict=True)), piece.hits))
        for risk, row, piece in zip(risks, logits.tolist(), pieces, strict=True)
    ]


def _kind(logits: dict[str, float], hits: Sequence[Hit]) -> str:
    """The plainest of the kinds that reach their middle, ``""`` if none does.

    Most toxic texts swear, too: ``obscene`` is what is left where it is nothing else. The two
    are hard to tell apart: swearing where nobody is spoken to is no insult.
    """
    swears = logits["obscene"] >= 0 and not any(each.addressed for each in hits)
    plain = sorted(
        (name == "obscene", -logit, name)
        for name, logit in logits.items()
        if logit >= 0 and not (name == "insult" and swears)
    )
    return plain[0][2] if plain else ""
