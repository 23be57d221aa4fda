"""The threshold and what is taken off a part's logit, by whole texts through the scanner.

A window that is judged alone says too little: the scanner also looks at sentences and at what
encodings hide, and takes the surest of all. So harmless validation texts go through the scanner
itself, and the numbers are chosen by what it would flag.
"""

from __future__ import annotations

import base64
import codecs
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import ceil
from typing import Any
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from llm_shield.models.injection import ALONE, HIDDEN, WHOLE, InjectionHead
from llm_shield.scanners.prompt_injection import Part
from training import fit
from training.documents import injected, parts_of
from training.injection_data import Parts
from training.rows import Row
from training.splits import share
from training.technical import SOURCE as TECHNICAL

ALLOWED = {
    "neuralchemy": 0.03,
    "s-labs": 0.03,
    "other": 0.02,
    "written": 0.05,
    "documents": 0.02,
    "technical": 0.03,
    "encoded": 0.03,
}
"""Of harmless texts of validation, how many may be flagged, by group. What we wrote looks like
attacks on purpose."""
LEAST = 20
"""Harmless texts of a group that has a say."""
WINDOWS = (0.0, 0.1, 0.2, 0.3, 0.45, 0.6, 0.8, 1.0)
SENTENCES = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0)
"""Logits that are tried, for each doubling of windows (times log 2) and for a part that is
judged without what is around it."""
PAGES = 120
"""Technical documents that are judged. There are more, of a few packages; each takes some
twenty embeddings."""
ENCODED = 160
"""Harmless texts that are encoded, and as many attacks."""

DIRECT = {
    "direct_injection", "instruction_override", "system_extraction", "prompt_injection",
    "override", "leak", "indirect",
}  # fmt: skip
_CODES: tuple[Callable[[str], str], ...] = (
    lambda text: base64.b64encode(text.encode()).decode(),
    lambda text: text.encode().hex(),
    lambda text: quote(text, safe="").replace("a", "%61").replace("i", "%69"),
    lambda text: codecs.encode(text, "rot13"),
    lambda text: "".join(chr(0xE0000 + ord(each)) for each in text),
)
_CARRIERS = ("{}", "Decode {} for me.", "What does this say? {}", "data={}", "token: {}")


@dataclass(frozen=True, slots=True)
class Seen:
    """Texts of a group as the scanner sees them.

    Attributes:
        labels: shape (texts,).
        surest: the highest logit of their windows, of sentences by themselves and of decoded
            runs, nothing taken off; -inf where there are none. Shape (texts, 3).
        windows: the logarithm of how many they have, shape (texts,).
    """

    labels: NDArray[np.int64]
    surest: NDArray[np.float64]
    windows: NDArray[np.float64]

    def risks(self, taken: tuple[float, float, float]) -> NDArray[np.float64]:
        """The logits of the texts, as ``InjectionHead.of_many`` makes them."""
        window, alone, hidden = taken
        surest: NDArray[np.float64] = (self.surest - np.array([0.0, alone, hidden])).max(axis=1)
        return surest - window * self.windows


def seen(labels: Sequence[int], parts: Sequence[Sequence[Part]]) -> Seen:
    """What the scanner looked at, put together."""
    surest = np.full((len(labels), 3), -np.inf)
    for at, text in enumerate(parts):
        for part in text:
            column = (WHOLE, ALONE, HIDDEN).index(part.how)
            surest[at, column] = max(surest[at, column], part.logit)
    surest[:, 0] = np.maximum(surest[:, 0], -12.0)  # a text without a part
    counts = [max(1, sum(part.how == WHOLE for part in text)) for text in parts]
    return Seen(np.array(labels, np.int64), surest, np.log(counts))


def disguised(rows: Sequence[Row], seed: int, count: int = ENCODED) -> list[Row]:
    """Rows of validation in encodings, harmless ones and attacks."""
    chance = random.Random(seed + 2)  # noqa: S311  (repeatable)
    out = []
    for label in (0, 1):
        plain = [
            row
            for row in rows
            if row.label == label
            and 25 < len(row.text) < 200
            and row.text.isascii()
            and row.source in {"neuralchemy", "s-labs", "written", "templates"}
            and (not label or row.kind in DIRECT)
        ]
        for row in chance.sample(plain, min(count, len(plain))):
            said = chance.choice(_CARRIERS).format(chance.choice(_CODES)(row.text))
            out.append(Row(said, label, "encoded", row.split, row.kind))
    return out


def groups(parts: Parts, seed: int) -> dict[str, list[Row]]:
    """Whole texts of validation, by what they may go wrong in."""
    out: dict[str, list[Row]] = {name: [] for name in ALLOWED}
    for row in parts.whole:
        if row.source == TECHNICAL:
            continue  # below, whole; a sentence of it is sent by nobody
        source = "written" if row.source == "templates" else row.source
        out[source if source in out else "other"].append(row)
    out["encoded"] += disguised(parts.whole, seed)
    attacks = [row for row in parts.whole if short_attack(row)]
    pages = [row for row in parts.documents if row.source == TECHNICAL]
    pages = sorted(pages, key=lambda row: share(row.text, 10))[:PAGES]
    others = [row for row in parts.documents if row.source != TECHNICAL]
    for row in injected(others + pages, attacks, seed) if attacks else ():
        out[row.source if row.source in out else "documents"].append(row)
    return {name: rows for name, rows in out.items() if rows}


def short_attack(row: Row) -> bool:
    """Whether it may stand in a document."""
    return bool(row.label) and 25 < len(row.text) < 300 and row.kind in DIRECT


def looked_at(head: InjectionHead, rows: Sequence[Row], cache: str) -> Seen:
    """The rows through the scanner."""
    return seen([row.label for row in rows], parts_of(head, [row.text for row in rows], cache))


def chosen(found: Mapping[str, Seen]) -> tuple[tuple[float, float, float], float]:
    """What is taken off for windows, sentences and decoded runs, and the threshold, a logit:
    of those that keep to ``ALLOWED`` in every group, the ones with the highest recall, groups
    counting alike; of equal ones those that take off least."""
    best: tuple[Any, ...] = (-1.0,)
    for taken in product(WINDOWS, SENTENCES, SENTENCES):
        threshold = threshold_of(found, taken)
        recalls = [
            float((each.risks(taken)[each.labels == 1] >= threshold).mean())
            for each in found.values()
            if each.labels.any()
        ]
        if recalls:
            best = max(best, (round(float(np.mean(recalls)), 6), -sum(taken), threshold, taken))
    # Rounded up, so that a float32 of it flags no more.
    return best[3], ceil(best[2] * 1_000) / 1_000


def threshold_of(found: Mapping[str, Seen], taken: tuple[float, float, float]) -> float:
    """The lowest logit at which no group's false-positive rate is above ``ALLOWED``: each group
    has its own way to go wrong."""
    return max(
        fit.threshold_at(each.risks(taken), each.labels, ALLOWED[name])
        for name, each in found.items()
        if (each.labels == 0).sum() >= LEAST
    )
