"""Taking a model over: overridden instructions, jailbreaks, leaked prompts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from llm_shield.extras import needs
from llm_shield.finding import Finding, Verdict
from llm_shield.models.injection import ALONE, HIDDEN, WHOLE, InjectionHead, probability
from llm_shield.scanner import Cost, Request, Resources, Scanner, ScannerSettings, Share, Side
from llm_shield.text import Text

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_ALONE = 8
"""Sentences of a text that are looked at by themselves, at most: each is embedded."""
MAX_DECODED = 8
"""Encoded runs of a text that are looked at, at most: the longest."""
SENTENCE = 40
"""Code points of a sentence that is looked at by itself, at least; shorter ones are looked at
with the next."""
LONGEST_SENTENCE = 600
"""Code points of a sentence that are looked at by themselves, at most."""
SUSPICIOUS = -1.0
"""The logit of a sentence's wording from which on it is embedded."""

_SAID = {
    "injection": "reads like an attack on the model that answers",
    "injection.override": "reads like an attempt to replace the model's instructions",
    "injection.jailbreak": "reads like a jailbreak: a role or a game that knows no rules",
    "injection.leak": "reads like an attempt to get at the model's own instructions or secrets",
}


class PromptInjectionSettings(ScannerSettings, kw_only=True, frozen=True):
    """Settings of ``PromptInjection``.

    Attributes:
        threshold: a text with this risk or a higher one is not valid.
        sentences: whether sentences that are worded like an injection are looked at by
            themselves, too: it finds those in documents, at up to eight more embeddings.
        decoded: whether what base64, hex and other encodings hide is looked at, too.
    """

    threshold: Share = 0.5
    sentences: bool = True
    decoded: bool = True


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a text that was looked at.

    Attributes:
        how: ``window``, ``sentence`` (by itself) or ``decoded`` (out of an encoded run).
        start, end: its place in the text as sent.
        logit: how sure the head is that it is an attack.
        kind: what kind of attack it would be.
        encoding: of ``decoded``: which.
    """

    how: str
    start: int
    end: int
    logit: float
    kind: str
    encoding: str = ""


class PromptInjection(Scanner[PromptInjectionSettings]):
    """Texts that are made to take over the model that reads them.

    Windows of about 100 words are judged by a head on their embeddings and their wording; so
    are single sentences that are worded like an attack, and what encodings hide. It is for
    prompts, and for answers and documents that a model will read.
    """

    name: ClassVar[str] = "PromptInjection"
    summary: ClassVar[str] = "attempts to take the model over"
    sides: ClassVar[frozenset[Side]] = frozenset({Side.INPUT, Side.OUTPUT})
    cost: ClassVar[Cost] = Cost.MODEL
    Settings: ClassVar[type[ScannerSettings]] = PromptInjectionSettings

    def __init__(self, settings: PromptInjectionSettings, resources: Resources) -> None:
        super().__init__(settings, resources)
        needs("numpy", "numpy, which the head of PromptInjection is calculated with,")
        self._head: InjectionHead | None = None

    async def load(self) -> None:
        """Read the head and the encoder. Raises ``MissingExtra``, ``Corrupt``."""
        await self._ready()
        await self.resources.embedder().load()

    async def scan(self, text: Text, request: Request) -> Verdict:
        """A finding for each part whose risk reaches the threshold, with its place."""
        head = await self._ready()
        parts = await self.parts(text, request)
        if not parts:
            return Verdict.of([])
        windows = sum(each.how == WHOLE for each in parts)
        risks = [probability(head.of_many(each.logit, windows, each.how)) for each in parts]
        told = _told(parts, risks, self.settings.threshold)
        return Verdict.of(told, max(risks), {"windows": windows, "parts": len(parts)})

    async def parts(self, text: Text, request: Request) -> list[Part]:
        """All parts that are looked at, each with its logit."""
        head = await self._ready()
        windows = await request.windows(text)
        spans = list(windows.spans)
        if len(spans) == 1:
            texts = [text.normal]
        else:
            texts = [Text(text.sent[start:end]).normal for start, end in spans]
        parts: list[Part] = await _called(
            request, len(text), _judged, head, WHOLE, spans, windows.vectors, texts, ()
        )
        if self.settings.sentences and len(text.sentences) > 1:
            alone, texts = await _called(request, len(text), suspicious, head, text)
            if alone:
                vectors = await self.resources.embedder().embed(texts)
                parts += _judged(head, ALONE, alone, vectors, texts, ())
        if self.settings.decoded and text.decoded:
            runs = sorted(text.decoded, key=lambda run: -len(run.text))[:MAX_DECODED]
            texts = [run.text for run in runs]
            vectors = await self.resources.embedder().embed(texts)
            places = [(run.start, run.end) for run in runs]
            parts += _judged(
                head, HIDDEN, places, vectors, texts, [run.encoding for run in runs]
            )
        return parts

    async def _ready(self) -> InjectionHead:
        if self._head is None:
            self._head = await self.resources.in_thread(InjectionHead.packaged)
        return self._head


async def _called(request: Request, length: int, function: Any, /, *arguments: Any) -> Any:
    """At once for a short text: it takes less than a thread's turn."""
    if length <= 1_000:
        return function(*arguments)
    return await request.in_thread(function, *arguments)


def _judged(  # noqa: PLR0917  (called by way of a thread, which takes no keywords)
    head: InjectionHead,
    how: str,
    spans: Sequence[tuple[int, int]],
    vectors: NDArray[Any],
    texts: Sequence[str],
    encodings: Sequence[str],
) -> list[Part]:
    logits = head.logits(vectors, texts)
    kinds = head.kinds(vectors)
    return [
        Part(how, start, end, float(logits[at]), kinds[at], encodings[at] if encodings else "")
        for at, (start, end) in enumerate(spans)
    ]


def suspicious(head: InjectionHead, text: Text) -> tuple[list[tuple[int, int]], list[str]]:
    """The sentences whose wording is most like that of an attack, ``MAX_ALONE`` at most: their
    places in the text as sent, in order, and themselves, normalised."""
    found = []
    for start, end in groups(text.sentences):
        said = Text(text.sent[start:end]).normal
        wording = head.wording(said)
        if wording >= SUSPICIOUS:
            found.append((wording, start, end, said))
    chosen = sorted(sorted(found, reverse=True)[:MAX_ALONE], key=lambda each: each[1])
    return [(start, end) for _, start, end, _ in chosen], [said for *_, said in chosen]


def groups(sentences: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Sentences, the short ones together with what follows, the long ones cut."""
    out: list[tuple[int, int]] = []
    begun: int | None = None
    for start, end in sentences:
        first = start if begun is None else begun
        if end - first < SENTENCE:
            begun = first
            continue
        begun = None
        out += [
            (at, min(end, at + LONGEST_SENTENCE)) for at in range(first, end, LONGEST_SENTENCE)
        ]
    if begun is not None:
        out.append((begun, sentences[-1][1]))
    return out


def _reason(part: Part) -> str:
    said = _SAID[part.kind]
    if part.how == HIDDEN:
        return f"what is hidden here as {part.encoding} {said}"
    return f"this {'sentence' if part.how == ALONE else 'part of the text'} {said}"


def _told(parts: Sequence[Part], risks: Sequence[float], threshold: float) -> list[Finding]:
    """Findings of the parts that reach the threshold; not of a window that has a sentence or an
    encoded run of them inside it, which says where."""
    found = [pair for pair in zip(parts, risks, strict=True) if pair[1] >= threshold]
    narrow = [part for part, _ in found if part.how != WHOLE]
    return [
        Finding(part.kind, part.start, part.end, risk, _reason(part))
        for part, risk in found
        if part.how != WHOLE
        or not any(part.start <= each.start and each.end <= part.end for each in narrow)
    ]
