"""The grammar of keys."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skykeep.errors import Invalid
from skykeep.interfaces.object_keys import check_key, check_key_prefix

WRONG = {
    "": "empty",
    "/a": "begins or ends",
    "a/": "begins or ends",
    "a//b": "empty segment",
    ".": "'.'",
    "a/..": "'..'",
    "../a": "'..'",
    "a/./b": "'.'",
    " a": "space",
    "a /b": "space",
    "a/ b": "space",
    "a.": "dot",
    "a./b": "dot",
    "a\\b": "character",
    "a\nb": "character",
    "a\0b": "character",
    "a\x7fb": "character",
    "a\x85b": "character",
    "a\u2028b": "character",
    "a\ud800b": "character",
    "e\u0301": "NFC",
    "\u212b": "NFC",
}


@pytest.mark.parametrize(("key", "reason"), WRONG.items())
def test_what_is_no_key_is_refused_with_the_reason(key: str, reason: str) -> None:
    with pytest.raises(Invalid) as refused:
        check_key(key)
    assert reason in str(refused.value)


@pytest.mark.parametrize(
    ("size", "good"), [(254, True), (255, True), (256, False)], ids=["n-1", "n", "n+1"]
)
def test_a_segment_has_at_most_255_bytes(size: int, good: bool) -> None:
    wide = "é" * (size // 2) + "x" * (size % 2)
    for segment in ("s" * size, wide):
        assert len(segment.encode()) == size
        assert _is_key(segment) is good
        assert _is_key(f"a/{segment}/b") is good


@pytest.mark.parametrize(
    ("size", "good"), [(1023, True), (1024, True), (1025, False)], ids=["n-1", "n", "n+1"]
)
def test_a_key_has_at_most_1024_bytes(size: int, good: bool) -> None:
    stem = ("s" * 250 + "/") * 4
    key = stem + "x" * (size - len(stem))
    assert len(key.encode()) == size
    assert _is_key(key) is good


@given(st.text(max_size=40))
def test_a_key_is_what_a_file_system_could_carry(text: str) -> None:
    if not _is_key(text):
        return
    assert text == unicodedata.normalize("NFC", text)
    assert text.encode().decode() == text
    for segment in text.split("/"):
        assert segment not in {"", ".", ".."}
        assert 0 < len(segment.encode()) <= 255
        assert segment == segment.strip(" ").rstrip(".")
        assert not any(
            unicodedata.category(each) in {"Cc", "Cs", "Zl", "Zp"} for each in segment
        )
        assert "\\" not in segment


segments = (
    st.text(
        st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp"), exclude_characters="/\\"),
        min_size=1,
        max_size=20,
    )
    .map(lambda text: unicodedata.normalize("NFC", text).strip(" .") or "x")
    .filter(lambda text: text == unicodedata.normalize("NFC", text))
)


@given(st.lists(segments, min_size=1, max_size=8))
def test_every_composed_text_without_controls_is_a_key(parts: list[str]) -> None:
    key = "/".join(parts)
    assert _is_key(key) is (unicodedata.is_normalized("NFC", key))
    assert check_key_prefix(parts[0] + "/") == parts[0]


def test_a_prefix_is_a_key_with_or_without_a_slash() -> None:
    assert check_key_prefix("") == ""
    assert check_key_prefix("/") == ""
    assert check_key_prefix("a/b") == check_key_prefix("a/b/") == "a/b"
    for wrong in ("a//", "/a", "a/../b"):
        with pytest.raises(Invalid):
            check_key_prefix(wrong)


def _is_key(text: str) -> bool:
    try:
        return check_key(text) == text
    except Invalid:
        return False
