"""ReadingTime: words and characters a minute, and where the time ends."""

from __future__ import annotations

import pytest

from llm_shield.scanners.reading_time import count
from tests.llm_shield.light.scanning import found, sanitised, scanned


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", (0, 0)),
        ("three short words", (3, 0)),
        ("drei kürzere Wörter", (3, 0)),
        ("漢字を読む", (0, 5)),
        ("한국어는 띄어 씁니다", (3, 0)),
        ("Read 漢字 now", (2, 2)),
        ("x" * 100, (3, 0)),
        (" \n\t ", (0, 0)),
    ],
)
def test_words_and_characters(text: str, expected: tuple[int, int]) -> None:
    assert count(text) == expected


def test_what_there_is_no_time_for_is_found() -> None:
    text = " ".join(["word"] * 10)
    verdict = scanned("ReadingTime", text, max_seconds=6, words_per_minute=60)
    assert found(verdict, text) == [" word word word word"]
    assert verdict.facts == {"seconds": 10.0, "words": 10, "characters": 0}
    assert sanitised(verdict, text) == text
    assert not scanned("ReadingTime", text, max_seconds=10, words_per_minute=60).findings


def test_a_sanitised_text_takes_no_longer_than_allowed() -> None:
    text = "漢字 and words " * 20
    options = {"max_seconds": 7.0, "words_per_minute": 60, "characters_per_minute": 120}
    verdict = scanned("ReadingTime", text, truncate=True, **options)
    kept = sanitised(verdict, text)
    assert text.startswith(kept)
    again = scanned("ReadingTime", kept, **options)
    assert not again.findings
    assert again.facts["seconds"] == 7.0


def test_a_text_whose_first_word_is_too_long_to_read_is_found_whole() -> None:
    verdict = scanned("ReadingTime", "word word", max_seconds=0.1, truncate=True)
    assert sanitised(verdict, "word word") == ""
