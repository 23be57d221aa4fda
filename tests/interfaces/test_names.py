"""The portable grammar of names, and what a refusal says."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skykeep.errors import Invalid
from skykeep.interfaces.names import MAX_NAME_BYTES, check_name, check_prefix, is_native, shown

SEGMENT = st.text("abcXYZ019._-", min_size=1, max_size=12).filter(
    lambda text: text not in {".", ".."}
)
NAME = st.lists(SEGMENT, min_size=1, max_size=8).map("/".join)


@given(NAME)
def test_names_of_the_grammar_are_taken_as_they_are(name: str) -> None:
    assert check_name(name) == name


@given(st.text(max_size=40))
def test_every_other_text_is_refused_and_shown_escaped(text: str) -> None:
    good = re.fullmatch(r"[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*", text) and not (
        {".", ".."} & set(text.split("/"))
    )
    if good or text.startswith("native:"):
        return
    with pytest.raises(Invalid) as caught:
        check_name(text)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("", "it is empty"),
        ("/a", "begins or ends with '/'"),
        ("a/", "begins or ends with '/'"),
        ("a//b", "an empty segment"),
        ("..", "the segment '..' is not allowed"),
        ("a/../b", "the segment '..' is not allowed"),
        ("./a", "the segment '.' is not allowed"),
        ("a b", "the character ' '"),
        ("a\nb", r"the character '\n'"),
        ("a\n", r"the character '\n'"),
        ("a\x00", r"the character '\x00'"),
        ("pässword", r"the character '\xe4'"),
        ("a:b", "the character ':'"),
        ("a" * 256, "has 256 characters; a name has at most 255"),
        ("a" * 10_240, "has 10,240 characters"),
        ("native:", "not empty"),
        ("native:a\x1bb", "no control characters"),
        ("native:\ud800", "no control characters"),
        ("native:" + "ä" * 600, "has 1,200 bytes; at most 1,024"),
    ],
)
def test_a_refusal_names_the_reason(name: str, says: str) -> None:
    with pytest.raises(Invalid) as caught:
        check_name(name)
    assert says in str(caught.value)
    assert len(str(caught.value)) < 400


def test_the_edges_of_the_grammar() -> None:
    for name in ("a", "a" * MAX_NAME_BYTES, "...", "a..b", ".env", "-x", "A/b/C.d_e-f", "0"):
        assert check_name(name) == name
    assert check_name("native:x y/Ä") == "native:x y/Ä"
    assert is_native("native:x")
    assert not is_native("x")


def test_prefixes_lose_their_closing_slash() -> None:
    assert check_prefix("") == ""
    assert check_prefix("db") == check_prefix("db/") == "db"
    for wrong in ("db//", "/db", "..", "d b"):
        with pytest.raises(Invalid):
            check_prefix(wrong)


@given(st.text())
def test_shown_is_printable_and_short(text: str) -> None:
    assert shown(text).isascii() or "…" in shown(text)
    assert len(shown(text)) <= 82
