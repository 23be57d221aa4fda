"""gitleaks' own texts: the counts that are promised, made anew from the corpus each time."""

from __future__ import annotations

import json
from importlib.resources import files

import pytest

from llm_shield.evaluation.corpora import gitleaks
from llm_shield.evaluation.corpus import named
from llm_shield.patterns.matching import Engine
from llm_shield.patterns.places import encoded
from llm_shield.patterns.rules import packaged
from llm_shield.scanners.secrets import Secrets
from llm_shield.text import Text
from tests.llm_shield.secrets.scanning import made

CASES = list(gitleaks.cases())
POSITIVES = [each.text for each in CASES if each.flagged]
NEGATIVES = [each.text for each in CASES if not each.flagged]

PLAIN = Engine([each for each in packaged().rules if each.origin == "gitleaks"])


def plainly_flagged(text: str) -> bool:
    """Whether an expression of gitleaks matches, without entropies and lists."""
    data = encoded(text)
    return any(PLAIN.expression(at).search(data) for at in range(len(PLAIN.rules)))


@pytest.fixture(scope="module")
def scanner() -> Secrets:
    scanner = made("Secrets")
    assert isinstance(scanner, Secrets)
    return scanner


def flagged(scanner: Secrets, texts: list[str]) -> list[str]:
    return [text for text in texts if scanner.verdict(Text(text)).findings]


def test_the_corpus_is_large_enough_to_say_something() -> None:
    assert len(POSITIVES) >= 139  # as many as gitleaks has literals, when the bar was set
    assert len(NEGATIVES) >= 200


def test_no_positive_is_lost_to_entropies_and_lists(scanner: Secrets) -> None:
    found = flagged(scanner, POSITIVES)
    assert len(found) >= sum(map(plainly_flagged, POSITIVES))


def test_at_most_half_as_many_negatives_are_flagged_as_by_the_plain_rules(
    scanner: Secrets,
) -> None:
    plain = sum(map(plainly_flagged, NEGATIVES))
    assert plain >= 58  # so many of 345 when the bar was set: it is no lower here
    wrong = flagged(scanner, NEGATIVES)
    assert len(wrong) <= plain / 2
    # The bar of the whole corpus, 29 of 345, is kept by the share, too.
    assert len(wrong) / len(NEGATIVES) <= 29 / 345


def test_it_is_a_named_corpus() -> None:
    corpus = named("gitleaks")
    assert corpus.scanner == "Secrets"
    assert "MIT" in corpus.licence
    assert list(corpus.cases()) == CASES


def test_its_texts_are_hidden_from_scans_of_this_repository() -> None:
    data = files("llm_shield.evaluation").joinpath("data/gitleaks.jsonl").read_text("utf-8")
    header, *lines = data.splitlines()
    assert "MIT" in json.loads(header)["licence"]
    named_files = {each.split(" at ")[0] for each in json.loads(header)["files"]}
    for line, case in zip(lines, CASES, strict=True):
        row = json.loads(line)
        assert row["file"] in named_files
        assert len(case.text) < 8 or case.text not in row["text"]
