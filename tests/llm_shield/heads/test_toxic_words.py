"""Hashed words: found in their disguises, and nothing else; on a table of harmless words."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_shield.toxic_words import CATEGORIES, FEATURES, ToxicWords, digest

LISTED = {
    "turnip": (4, 0),
    "potato": (3, 2),
    "sack of beans": (0, 1),
    "b*ns": (3, 1),
}


def table(listed: dict[str, tuple[int, int]]) -> ToxicWords:
    hashed = sorted((digest(word), *entry) for word, entry in listed.items())
    return ToxicWords(
        {
            "words": np.array([each[0] for each in hashed], np.uint64),
            "category": np.array([each[1] for each in hashed], np.uint8),
            "severity": np.array([each[2] for each in hashed], np.uint8),
            "first": np.array(
                sorted({digest(each.split()[0]) for each in listed if " " in each}), np.uint64
            ),
        }
    )


WORDS = table(LISTED)


@pytest.mark.parametrize(
    ("text", "said", "veiled"),
    [
        ("a turnip!", "turnip", False),
        ("TURNIP", "TURNIP", False),
        ("what a tuuuurnip", "tuuuurnip", True),
        ("7urn1p", "7urn1p", True),
        ("p0t@to", "p0t@to", True),
        ("t u r n i p", "t u r n i p", True),
        ("t.u.r.n.i.p", "t.u.r.n.i.p", True),
        ("you sack of beans.", "sack of beans", False),
        ("hot b*ns", "b*ns", False),
    ],
)
def test_words_are_found_in_their_disguises(text: str, said: str, veiled: bool) -> None:
    hits = WORDS.hits(text)
    assert [(text[each.start : each.end], each.veiled) for each in hits] == [(said, veiled)]


@pytest.mark.parametrize(
    "text", ["", "turnips", "a sack", "sack of", "707 1337", "t u r n", "return ip", "pot a to"]
)
def test_nothing_else_is_found(text: str) -> None:
    assert not WORDS.hits(text)


def test_who_is_spoken_to_is_seen_within_four_words() -> None:
    assert WORDS.hits("you really are a turnip")[0].addressed
    assert WORDS.hits("turnip, you")[0].addressed
    assert not WORDS.hits("you know that I have bought one turnip")[0].addressed


def test_features_say_how_many_and_how_severe() -> None:
    found = WORDS.features("you turnip, potato potato")
    assert found.shape == (FEATURES,)
    crude, insult = 2 * CATEGORIES.index("crude"), 2 * CATEGORIES.index("insult")
    assert found[crude] > found[insult] > 0
    assert found[crude + 1] == pytest.approx(1.0)
    assert found[insult + 1] == pytest.approx(1 / 3)
    assert not WORDS.features("beans and a sack").any()


@given(st.text(max_size=200), st.text(max_size=200))
def test_hits_are_within_the_text_and_in_order(before: str, after: str) -> None:
    text = f"{before} turnip {after}"
    hits = WORDS.hits(text)
    assert any("turnip" in text[each.start : each.end] for each in hits) or len(hits) == 0
    ends = 0
    for each in hits:
        assert ends <= each.start < each.end <= len(text)
        ends = each.end
    found = WORDS.features(text)
    assert np.isfinite(found).all()


def test_a_word_is_looked_up_once_however_often_it_stands_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked: list[str] = []
    usual = ToxicWords._look

    def counting(self: ToxicWords, token: str, veiled: bool) -> object:
        looked.append(token)
        return usual(self, token, veiled)

    monkeypatch.setattr(ToxicWords, "_look", counting)
    assert len(WORDS.hits("turnip soup " * 5_000)) == 5_000
    assert looked == ["turnip", "soup"]
