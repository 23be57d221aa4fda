"""Any text, and texts of any length: no exception, places within bounds, bounded work."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_shield import generalising, refusing
from llm_shield.models.files import ModelFiles
from llm_shield.scanner import Request, Resources, Side
from llm_shield.scanners import scanner_class
from llm_shield.text import Text
from llm_shield.units import LONGEST, units_of
from skykeep.errors import MissingExtra
from tests.llm_shield.heads.rig import Counting, _in_thread, resources, scanned
from tests.repo.tree import python

SCANNERS = ("Toxicity", "NoRefusal", "Bias")
ANY = st.text(
    st.one_of(
        st.characters(),
        st.characters(categories=["Cs"]),
        st.sampled_from("\0\n .!?\"'*@$-aAiyou0\u200b"),
    ),
    max_size=200,
)


@pytest.mark.parametrize("name", SCANNERS)
@settings(max_examples=25, deadline=None)
@given(text=ANY)
def test_any_text_is_answered(name: str, text: str) -> None:
    scanned(name, text)
    scanned(name, f"Women are {text} idiots. I can't {text} help.")


@given(text=ANY)
def test_units_are_in_order_and_all_but_blanks_is_in_one(text: str) -> None:
    at = 0
    for start, end in units_of(text):
        assert at <= start < end <= len(text)
        assert end - start <= LONGEST
        assert not text[at:start].strip()
        assert text[start:end].strip() == text[start:end]
        at = end
    assert not text[at:].strip()


def test_units_are_sentences_and_short_ones_go_with_the_next() -> None:
    text = (
        "No. I will certainly not do that. It costs 3.50 a piece at the station."
        "\n\nHeading\n\nA last one follows."
    )
    assert [text[start:end] for start, end in units_of(text)] == [
        "No. I will certainly not do that.",
        "It costs 3.50 a piece at the station.",
        "Heading",
        "A last one follows.",
    ]


@pytest.mark.parametrize("letter", ["a", ".", " ", "\n", '"', "a.", ". ", "no ", "(", "a@b "])
def test_units_of_a_long_text_are_no_more_work_a_letter(letter: str) -> None:
    """Counted: the pieces of a text eight times as long are about eight times as many."""
    short, long = (len(units_of((letter * size)[:size])) + 8 for size in (8 * 1024, 64 * 1024))
    assert long <= 10 * short


@pytest.mark.parametrize(
    ("name", "sentence", "most"),
    [
        ("Toxicity", "You are a stupid idiot, he said. ", 24),
        ("NoRefusal", "I'm sorry, but I can't help you with that one. ", 16),
        ("Bias", "Women are emotional and men are lazy, they say. ", 24),
    ],
)
def test_a_long_text_costs_a_bounded_number_of_sentences(
    name: str, sentence: str, most: int
) -> None:
    embedder = Counting()
    given_ = Resources(ModelFiles(), lambda: embedder, _in_thread)
    kind = scanner_class(name)
    scanner = kind(kind.Settings(), given_)

    async def look() -> None:
        verdict = await scanner.scan(Text(sentence * 120), Request(given_, Side.OUTPUT))
        assert verdict.risk >= 0.5

    asyncio.run(look())
    embedder.close()
    assert 0 < embedder.sentences <= most


@given(text=ANY)
def test_words_and_forms_are_numbers_of_any_text(text: str) -> None:
    for found in (
        refusing.features([text], [True]),
        generalising.features([text]),
    ):
        assert found.shape[0] == 1
        assert ((found == 0) | (found == 1)).all()
    assert refusing.features([], []).shape == (0, refusing.FEATURES)
    assert generalising.features([text]).shape == (1, generalising.FEATURES)


@pytest.mark.parametrize("name", SCANNERS)
def test_without_its_packages_a_scanner_names_the_command(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("llm_shield.extras.find_spec", lambda name: None)
    kind = scanner_class(name)
    with pytest.raises(MissingExtra, match=r"skykeep\[shield\]"):
        kind(kind.Settings(), resources())


def test_the_modules_are_light() -> None:
    code = (
        "import sys; from llm_shield.scanners import bias, no_refusal, toxicity;"
        "print(sorted({'numpy', 'onnxruntime', 'tokenizers'} & set(sys.modules)))"
    )
    assert python("-c", code).stdout.strip() == "[]"
