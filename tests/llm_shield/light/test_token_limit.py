"""TokenLimit: exact counts, and a cut that keeps to the limit."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_shield.scanners import token_limit
from llm_shield.scanners.token_limit import measure
from tests.llm_shield.light.scanning import ANY_TEXT, found, made, sanitised, scanned, told


@pytest.mark.parametrize(
    ("encoding", "text", "tokens"),
    [
        # Counted with OpenAI's own tokenizer (https://platform.openai.com/tokenizer).
        ("cl100k", "hello world", 2),
        ("o200k", "hello world", 2),
        ("cl100k", "tiktoken is great!", 6),
        ("cl100k", "<|endoftext|>", 7),
        ("o200k", "<|endoftext|>", 7),
        ("cl100k", "", 0),
        ("o200k", "\x00", 1),
    ],
)
def test_tokens_are_counted_exactly(encoding: str, text: str, tokens: int) -> None:
    assert scanned("TokenLimit", text, encoding=encoding).facts == {
        "tokens": tokens,
        "encoding": encoding,
    }


def test_what_is_beyond_the_limit_is_found_and_cut() -> None:
    text = "one two three four five six"
    verdict = scanned("TokenLimit", text, limit=4)
    assert found(verdict, text) == [" five six"]
    assert verdict.risk == 1
    assert sanitised(verdict, text) == "one two three four"
    assert not scanned("TokenLimit", text, limit=6).findings


def test_a_lone_surrogate_counts_as_the_mark_that_replaces_it() -> None:
    assert measure("\ud800x", 100, "o200k") == measure("\ufffdx", 100, "o200k")
    text = "a \udfff b \ud800\udc00 c " * 5
    verdict = scanned("TokenLimit", text, limit=10)
    assert text.startswith(sanitised(verdict, text))


@pytest.mark.parametrize("limit", range(1, 12))
def test_the_cut_is_never_inside_a_character(limit: int) -> None:
    text = "𓀀𓁐漢字𝔘 word"
    verdict = scanned("TokenLimit", text, limit=limit, encoding="cl100k")
    kept = sanitised(verdict, text)
    assert text.startswith(kept)
    assert measure(kept, 10_000, "cl100k")[0] <= limit


@settings(deadline=None)
@given(ANY_TEXT, st.integers(1, 60), st.sampled_from(["cl100k", "o200k", "estimate"]))
def test_what_is_kept_is_within_the_limit_when_counted_again(
    text: str, limit: int, encoding: str
) -> None:
    verdict = scanned("TokenLimit", text, limit=limit, encoding=encoding)
    kept = sanitised(verdict, text)
    assert text.startswith(kept)
    again = scanned("TokenLimit", kept, limit=limit, encoding=encoding)
    assert not again.findings
    # No more is cut than has to be: a token or two, where a character is cut through.
    if verdict.findings and encoding != "estimate":
        total, _ = measure(text[: len(kept) + 1], 10_000, encoding)
        assert again.facts["tokens"] >= limit - 5 or total > limit  # type: ignore[operator]  # facts are JSON


def test_an_estimate_says_that_it_is_one() -> None:
    verdict = scanned("TokenLimit", "x" * 41, limit=10, encoding="estimate")
    assert verdict.facts == {"tokens": 11, "encoding": "estimate"}
    assert verdict.findings[0].reason.startswith("about 11 tokens (estimate)")
    assert verdict.findings[0].start == 40


def test_long_texts_are_counted_in_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(token_limit, "INLINE", 10)
    scanner = made("TokenLimit", limit=3)
    text = "one two three four five six"
    assert found(told(scanner, text), text) == [" four five six"]


def test_what_is_kept_is_counted_again_as_words_may_end_elsewhere() -> None:
    # The first token of it is two tokens when it stands by itself.
    text = " I're"
    assert measure(text, 10, "o200k")[0] == 2
    assert measure(" I'", 10, "o200k")[0] == 2
    assert sanitised(scanned("TokenLimit", text, limit=1), text) == ""
