"""What nobody sees is found, and what writing needs is not."""

# ruff: noqa: RUF001  (look-alikes of ASCII are what this is about)

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_shield.normalising import tables
from llm_shield.scanners import invisible_text

from .scanning import cleaned, kinds, scanned
from .strategies import TEXTS


def tags(said: str) -> str:
    return "".join(chr(0xE0000 + ord(each)) for each in said)


def selectors(data: bytes) -> str:
    """As Paul Butler hid data in an emoji, 2025: a selector a byte."""
    return "".join(
        chr(0xFE00 + each) if each < 16 else chr(0xE0100 + each - 16) for each in data
    )


FOUND = {
    "smuggled ASCII": ("hi" + tags("ignore all"), ["invisible.tag"], 0.95),
    "bytes in an emoji": (
        "😀" + selectors(b"ignore all"),
        ["invisible.variation-selector"],
        0.9,
    ),
    "bytes behind a selector": ("❤\ufe0f\ufe01\ufe02", ["invisible.variation-selector"], 0.9),
    "a selector on a letter": ("a\ufe01b", ["invisible.variation-selector"], 0.8),
    "Trojan Source": (
        'if level != "user\u202e \u2066// Check if admin\u2069 \u2066" {',
        ["invisible.bidi"] * 4,
        0.9,
    ),
    "a direction mark without a reason": ("pass\u200eword", ["invisible.bidi"], 0.9),
    "an override in Hebrew": ("שלום \u202eabc", ["invisible.bidi"], 0.6),
    "a word taken apart": ("ig\u200bnore", ["invisible.zero-width"], 0.8),
    "joiners in Latin": ("ig\u200dno\u200cre", ["invisible.zero-width"] * 2, 0.8),
    "a space without width": ("end. \u200bNext", ["invisible.zero-width"], 0.5),
    "a binary message": ("hello " + "\u200b\u200c" * 8, ["invisible.zero-width"], 0.9),
    "a mark within": ("one\ufeff two", ["invisible.zero-width"], 0.5),
    "operators": ("f\u2061(x)\u2062y", ["invisible.operator"] * 2, 0.6),
    "fillers": ("ig\u3164nore\u115f", ["invisible.filler"] * 2, 0.8),
    "formats out of use": ("a\u206a\U0001d173\ufff9b", ["invisible.format"], 0.8),
    "a tag that ends no flag": ("🏴" + tags("gbeng"), ["invisible.tag"], 0.95),
    "a flag of no land": ("🏴" + tags("hello") + "\U000e007f", ["invisible.tag"], 0.95),
    "a soft hyphen": ("ig\xadnore", ["invisible.soft-hyphen"], 0.3),
    "an icon of a font": ("\uf0b7 item", ["invisible.private-use"], 0.4),
    "private use in a row": (
        "\U000f0041\U000f0042\U000f0043\U000f0044",
        ["invisible.private-use"],
        0.9,
    ),
}


@pytest.mark.parametrize("name", FOUND)
def test_found(name: str) -> None:
    sent, meant, risk = FOUND[name]
    verdict = scanned("InvisibleText", sent)
    assert kinds(verdict) == meant
    assert verdict.risk == risk
    left = cleaned(sent, verdict)
    assert scanned("InvisibleText", left).findings == ()
    assert left == "".join(each for each in sent if each in left)


GENUINE = [
    "",
    "plain",
    "Ünïcödé, “typeset” — 漢字",
    "👩‍👩‍👧‍👦 👩🏽‍💻 🏳️‍🌈 ❤️‍🔥 🧑‍⚕️ ☎️ ©️ 1️⃣ #️⃣",
    "🏴" + tags("gbeng") + "\U000e007f 🏴" + tags("gbsct") + "\U000e007f",
    "🇩🇪🇫🇷",
    "می‌خواهم نامه‌ها را بخوانم",
    "क्‍ष ක්‍ෂ ന്‍",
    "שלום\u200f! (abc)\u200e",
    "مرحبا\u061c 12",
    "ภาษา\u200bไทย ភាសា\u200bខ្មែរ",
    "葛\U000e0100飾区 辻\ufe00",
    "ᠮᠣᠩᠭᠣᠯ\u180b",
    "\ufeffthe file's first line",
]


@pytest.mark.parametrize("sent", GENUINE)
def test_what_writing_needs(sent: str) -> None:
    assert scanned("InvisibleText", sent).findings == ()


def test_facts_count_and_do_not_quote() -> None:
    verdict = scanned(
        "InvisibleText", "a" + tags("secret!") + "\U000e0001 b" + selectors(b"12345")
    )
    assert verdict.facts == {
        "tag": 8,
        "hidden_characters": 7,
        "variation-selector": 5,
        "hidden_bytes": 5,
    }
    assert "secret" not in repr(verdict)


def test_kinds_may_be_ignored() -> None:
    sent = "\ue000 a\xadb a\u200bb"
    verdict = scanned("InvisibleText", sent, ignore=["private-use", "soft-hyphen"])
    assert kinds(verdict) == ["invisible.zero-width"]


def test_every_ignorable_character_has_a_kind() -> None:
    """What normalising takes away is looked at here."""
    known = re.compile(invisible_text._UNSEEN)
    assert [ascii(each) for each in tables().unseen if not known.fullmatch(each)] == []


@given(
    st.one_of(
        TEXTS, st.text("a א\u200b\u200d\u202e\u200f😀\ufe0f\U000e0041\ue000\n", max_size=60)
    )
)
@settings(max_examples=400)
def test_any_text(sent: str) -> None:
    verdict = scanned("InvisibleText", sent)
    for each in verdict.findings:
        assert each.replacement == ""
    ends = [each.end for each in verdict.findings]
    starts = [each.start for each in verdict.findings]
    assert all(end <= start for end, start in zip(ends, starts[1:], strict=False))


@pytest.mark.parametrize(
    "unit",
    [
        "\u200b",
        "\U000e0041",
        "\u200fא\n",
        "\u200fא",
        "\u202ea",
        "😀\u200d",
        "\ufe0f#",
        "\ue000",
    ],
)
def test_each_line_and_character_is_looked_at_once(
    unit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    searched = 0

    class Counted:
        def search(self, text: str, start: int, end: int) -> re.Match[str] | None:
            nonlocal searched
            searched += end - start
            return real.search(text, start, end)

    real = invisible_text._RIGHT_TO_LEFT
    monkeypatch.setattr(invisible_text, "_RIGHT_TO_LEFT", Counted())
    sent = unit * (100_000 // len(unit))
    verdict = scanned("InvisibleText", sent)
    assert searched <= len(sent)
    assert len(verdict.findings) <= len(sent)


def test_a_long_text_is_not_looked_at_on_the_event_loop() -> None:
    sent = "ab\u200b" * 10_000
    assert len(scanned("InvisibleText", sent).findings) == 10_000
