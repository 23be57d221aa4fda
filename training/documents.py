"""Whole texts through the scanner itself, with embeddings that are kept."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from llm_shield.models.embedder import Embedder, Windows
from llm_shield.models.files import ModelFiles
from llm_shield.models.injection import WHOLE, InjectionHead
from llm_shield.models.windows import OVERLAP, windows_of
from llm_shield.scanner import Request, Resources
from llm_shield.scanners.prompt_injection import (
    MAX_DECODED,
    Part,
    PromptInjection,
    PromptInjectionSettings,
    suspicious,
)
from llm_shield.text import Text
from training.embed import embed, encoder
from training.rows import Row

LONGEST = 10_000  # letters of a document


class Kept(Embedder):
    """The shield's embedder, with the vectors of windows that were asked for before."""

    def __init__(self, texts: Iterable[str], cache: str) -> None:
        super().__init__()
        known = list(dict.fromkeys(texts))
        self._known = dict(zip(known, embed(known, cache), strict=True))

    async def embed(self, texts: Sequence[str]) -> Any:
        """See ``Embedder``."""
        missing = [each for each in texts if each not in self._known]
        if missing:
            self._known.update(zip(missing, encoder().encode(missing), strict=True))
        return np.array([self._known[each] for each in texts], np.float32)

    async def windows(self, text: Text) -> Windows:
        """See ``Embedder``."""
        spans, parts = [], []
        for each in windows_of(encoder(), text.normal, OVERLAP):
            spans.append(text.span(each.start, each.end))
            parts.append(text.normal[each.start : each.end])
        return Windows(spans, (await self.embed(parts)).reshape(-1, 384))


def pieces(head: InjectionHead, texts: Iterable[Text]) -> list[str]:
    """What the scanner embeds of the texts: windows, sentences, decoded runs."""
    found = []
    for text in texts:
        found += [
            text.normal[w.start : w.end] for w in windows_of(encoder(), text.normal, OVERLAP)
        ]
        if len(text.sentences) > 1:
            found += suspicious(head, text)[1]
        runs = sorted(text.decoded, key=lambda run: -len(run.text))
        found += [run.text for run in runs[:MAX_DECODED]]
    return found


async def _called(function: Callable[..., Any], *arguments: Any) -> Any:
    return function(*arguments)


def parts_of(head: InjectionHead, texts: Sequence[str], cache: str) -> list[list[Part]]:
    """What the scanner looks at in each text."""
    whole = [Text(each) for each in texts]
    embedder = Kept(pieces(head, whole), cache)
    resources = Resources(ModelFiles(), lambda: embedder, _called)
    scanner = PromptInjection(PromptInjectionSettings(), resources)
    scanner._head = head  # the one that is being trained is in no package

    async def all_of_them() -> list[list[Part]]:
        return [await scanner.parts(text, Request(resources)) for text in whole]

    try:
        return asyncio.run(all_of_them())
    finally:
        embedder.close()


def risks(head: InjectionHead, parts: Sequence[Sequence[Part]]) -> NDArray[np.float64]:
    """The logits of whole texts."""
    out = []
    for text in parts:
        windows = sum(part.how == WHOLE for part in text)
        logits = [head.of_many(part.logit, windows, part.how) for part in text]
        out.append(max(logits, default=-12.0))
    return np.array(out)


def injected(documents: Sequence[Row], attacks: Sequence[Row], seed: int) -> list[Row]:
    """Each document, once as it is and once with an attack between two of its lines."""
    chance = random.Random(seed)  # noqa: S311  (repeatable)
    out = []
    for document in documents:
        text = document.text[:LONGEST]
        attack = chance.choice(attacks)
        places = [at + 1 for at, letter in enumerate(text) if letter in "\n.。"] or [len(text)]
        place = chance.choice(places)
        whole = f"{text[:place]} {attack.text} {text[place:]}"
        out.append(Row(text, 0, document.source, document.split))
        out.append(Row(whole, 1, document.source, document.split, attack.kind))
    return out
