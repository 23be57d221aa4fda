"""Sentiment: negative sentences, each at its place."""

from __future__ import annotations

from itertools import pairwise

import pytest

from llm_shield.scanners.sentiment import PIECE, pieces
from tests.llm_shield.light.scanning import found, scanned


def test_negative_sentences_are_found() -> None:
    text = "I love the garden. I hate this stupid product, it is awful! What is next?"
    verdict = scanned("Sentiment", text)
    assert found(verdict, text) == ["I hate this stupid product, it is awful!"]
    assert verdict.risk == pytest.approx(0.8999)
    assert verdict.facts["lowest"] == pytest.approx(-0.8999)
    assert verdict.facts["compound"] == pytest.approx((0.6369 - 0.8999 + 0) / 3, abs=1e-3)


@pytest.mark.parametrize(
    "text", ["I love it.", "not bad at all", "What is the capital of Australia?", "12 + 3", ""]
)
def test_others_are_not(text: str) -> None:
    assert not scanned("Sentiment", text).findings


def test_the_limit_is_a_setting() -> None:
    text = "I do not like this at all."
    assert not scanned("Sentiment", text).findings
    assert scanned("Sentiment", text, below=-0.2).risk == pytest.approx(0.2755)
    assert not scanned("Sentiment", "A table.", below=0).findings


@pytest.mark.parametrize(
    "text", ["bad " * 1000, "x" * 5000, "One. " * 500, "a\n\n b!\n", "Why?! (So.) Done"]
)
def test_pieces_are_bounded_and_leave_out_only_spaces(text: str) -> None:
    places = list(pieces(text))
    assert all(0 < end - start <= PIECE for start, end in places)
    assert "".join(text[start:end] for start, end in places).replace(" ", "") == "".join(
        text.split()
    )
    assert all(one[1] <= other[0] for one, other in pairwise(places))
