"""The corpora that we wrote for these scanners: sound, and found as the pages say."""

from __future__ import annotations

import asyncio

import pytest

from llm_shield.evaluation.corpus import named
from llm_shield.scanner import Request
from llm_shield.text import Text
from tests.llm_shield.light.scanning import RESOURCES, held, made

# At least so many are found, at most so many flagged without a reason: a little less than what
# the pages publish, so that another version of a package may differ in a case.
FLOORS = {
    "languages-written": (0.94, 0.0),
    "gibberish-written": (0.84, 0.0),
    "code-written": (0.96, 0.0),
    "sentiment-written": (0.6, 0.15),
    "urls-written": (0.9, 0.04),
}


@pytest.mark.parametrize("name", FLOORS)
def test_a_corpus_is_found_as_published(name: str) -> None:
    corpus = named(name)
    scanner = made(corpus.scanner, **corpus.settings)
    cases = list(corpus.cases())
    assert len({each.text for each in cases}) == len(cases)

    async def scan() -> list[bool]:
        verdicts = [
            held(await scanner.scan(Text(each.text), Request(RESOURCES)), each.text)
            for each in cases
        ]
        return [each.risk >= scanner.settings.threshold for each in verdicts]

    found = asyncio.run(scan())
    bad = [got for got, case in zip(found, cases, strict=True) if case.flagged]
    good = [got for got, case in zip(found, cases, strict=True) if not case.flagged]
    recall, false = FLOORS[name]
    assert sum(bad) / len(bad) >= recall
    assert sum(good) / len(good) <= false


@pytest.mark.parametrize("name", ["languages-written", "gibberish-written", "code-written"])
def test_parts_are_found_where_they_stand(name: str) -> None:
    corpus = named(name)
    scanner = made(corpus.scanner, **corpus.settings)
    hits = total = 0
    for case in corpus.cases():
        for start, end, _ in case.spans:
            verdict = asyncio.run(scanner.scan(Text(case.text), Request(RESOURCES)))
            total += 1
            hits += any(each.start < end and each.end > start for each in verdict.findings)
    assert total >= 10
    assert hits / total >= 0.85
