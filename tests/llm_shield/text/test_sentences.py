"""Where sentences are."""

# ruff: noqa: RUF001  (look-alikes of ASCII are what this is about)

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_shield.sentences import MAX_SENTENCE, sentences
from llm_shield.text import Text

from .strategies import TEXTS

CASES: list[tuple[str, list[str]]] = [
    ("", []),
    (" \n\t ", []),
    ("One", ["One"]),
    ("One. Two! Three? Four…", ["One.", "Two!", "Three?", "Four…"]),
    ("He said “No.” Then he left.", ["He said “No.”", "Then he left."]),
    ("Dr. Who met J. Smith, e.g. here. Then", ["Dr. Who met J. Smith, e.g. here.", "Then"]),
    ("It is 3.14 or v1.2.3. See a.b.c.", ["It is 3.14 or v1.2.3.", "See a.b.c."]),
    ("你好。今天天气很好！是吗？", ["你好。", "今天天气很好！", "是吗？"]),
    ("彼は「はい。」と言った。", ["彼は「はい。」", "と言った。"]),
    ("यह है। वह था।", ["यह है।", "वह था।"]),
    ("كيف حالك؟ أنا بخير.", ["كيف حالك؟", "أنا بخير."]),
    ("a line\nthat goes on\n\nanother", ["a line\nthat goes on", "another"]),
    ("List:\n- one\n- two\n1. three", ["List:", "- one", "- two", "1. three"]),
    ("¿Qué? ¡Sí! Bien.", ["¿Qué?", "¡Sí!", "Bien."]),
    ("Wait... what?! Yes.", ["Wait...", "what?!", "Yes."]),
]


@pytest.mark.parametrize(("sent", "meant"), CASES)
def test_sentences(sent: str, meant: list[str]) -> None:
    assert [sent[start:end] for start, end in Text(sent).sentences] == meant


@given(st.one_of(TEXTS, st.text("aB .!?\n-1。)\"' ", max_size=120)), st.integers(1, 60))
@settings(max_examples=400)
def test_nothing_is_left_out(unit: str, times: int) -> None:
    sent = unit * times
    places = sentences(sent)
    at = 0
    for start, end in places:
        assert at <= start < end <= len(sent)
        assert end - start <= MAX_SENTENCE
        assert not sent[at:start].strip()
        assert not sent[start].isspace()
        assert not sent[end - 1].isspace()
        at = end
    assert not sent[at:].strip()


def test_what_does_not_end_is_cut_at_blanks() -> None:
    sent = "word " * 1000
    pieces = [sent[start:end] for start, end in sentences(sent)]
    assert max(map(len, pieces)) <= MAX_SENTENCE
    assert all(piece.startswith("word") and piece.endswith("word") for piece in pieces)
    assert len(pieces) < 8


@pytest.mark.parametrize(
    "unit", ["a", ".", "(", "\n", " ", "\n ", "!)", "。", "a.\n", "\ud800", "- \n"]
)
def test_a_megabyte_of_anything(unit: str) -> None:
    sent = unit * ((1 << 20) // len(unit))
    places = sentences(sent)
    letters = sum(len("".join(sent[start:end].split())) for start, end in places)
    assert letters == len("".join(sent.split()))
