"""A scanner on a corpus."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from time import perf_counter
from typing import Any

import msgspec

from llm_shield.evaluation.corpus import Case, Corpus
from llm_shield.evaluation.metrics import Tally
from llm_shield.result import Status
from llm_shield.scanner import Side
from llm_shield.scanners import HOMES, scanner_class
from llm_shield.settings import settings_of
from llm_shield.shield import Answer, Shield
from skykeep.errors import ConfigError

BATCH = 256
"""Texts that are scanned before others are read."""

PATIENCE = 600.0
"""Seconds for one text: figures must not depend on what else the machine does."""

LONGEST = 100_000_000
"""Code points: no text of a corpus is refused for its length."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What came of it.

    Attributes:
        corpus: the corpus.
        scanner: the scanner's name.
        threshold: from this risk on a text counts as found.
        tally: the figures.
        seconds: how long it took.
    """

    corpus: Corpus
    scanner: str
    threshold: float
    tally: Tally
    seconds: float


async def evaluate(
    corpus: Corpus, scanner: str, *, config: str | None = None, threads: int | None = None
) -> Evaluation:
    """Let the scanner look at each case by itself.

    It is set as the corpus says, or as the settings file ``config`` does. Prompts are scanned
    as prompts; a case with a prompt, and those of scanners of answers alone, as answers.
    ``threads``: of the model of sentence embeddings.

    Raises ``ConfigError``, ``MissingExtra``, ``Invalid`` for a bad line of a file.
    """
    if scanner not in HOMES:
        raise ConfigError(
            f"there is no scanner {scanner!r}", hint="`shield scanners` lists them"
        )
    sides = scanner_class(scanner).sides
    source: Any = config or {
        side.value: {scanner: {"timeout_seconds": PATIENCE, **corpus.settings}}
        for side in sides
    }
    settings = msgspec.structs.replace(settings_of(source), max_characters=LONGEST)
    shield = Shield.of(settings, only=[scanner], threads=threads)
    tally = Tally()
    begun = perf_counter()
    async with shield:
        cases = corpus.cases()
        while batch := list(islice(cases, BATCH)):
            for side, part in _by_side(batch, sides):
                texts = [Answer(one.text, one.prompt, one.context) for one in part]
                results = await shield.scan_many(texts, side=side)
                for case, result in zip(part, results, strict=True):
                    _add(tally, case, result.scanner(scanner))
        side = Side.INPUT if Side.INPUT in sides else Side.OUTPUT
        threshold = (await shield.pipeline(side)).scanners[0].settings.threshold
    return Evaluation(corpus, scanner, threshold, tally, perf_counter() - begun)


def _by_side(batch: list[Case], sides: frozenset[Side]) -> Iterator[tuple[Side, list[Case]]]:
    parts: dict[Side, list[Case]] = {}
    for case in batch:
        answers = Side.INPUT not in sides or (case.prompt and Side.OUTPUT in sides)
        parts.setdefault(Side.OUTPUT if answers else Side.INPUT, []).append(case)
    yield from parts.items()


def _add(tally: Tally, case: Case, said: Any) -> None:
    failed = said.status is not Status.DONE
    tally.failed += failed
    tally.add(
        case.flagged,
        0.0 if failed else said.risk,
        not failed and said.valid is False,
        kind=case.kind,
        spans=case.spans,
        findings=[(one.start, one.end, one.kind) for one in said.findings],
    )
