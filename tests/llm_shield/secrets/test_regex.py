"""Regex and RegexOutput: patterns of users, linear or refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_shield.finding import replaced
from llm_shield.patterns.users import MAX_PATTERN, compiled_pattern
from llm_shield.scanner import Side
from llm_shield.scanners.regex import IN_THREAD, MAX_FINDINGS, Regex
from llm_shield.scanners.regex_output import RegexOutput
from llm_shield.text import Text
from skykeep.errors import ConfigError
from tests.llm_shield.secrets.scanning import ANY_TEXT, found, kinds, made, sound, told

TEN = {f"p{at}": f"word{at}[0-9]+" for at in range(9)} | {"ticket": r"\bABC-[0-9]{4}\b"}


@pytest.mark.parametrize("name", ["Regex", "RegexOutput"])
@pytest.mark.parametrize("patterns", [{"ticket": r"\bABC-[0-9]{4}\b"}, TEN])
@pytest.mark.parametrize("before", ["", "日本語 😀 ", "\ud800\x00 "])
def test_what_matches_is_found_where_it_stands(
    name: str, patterns: dict[str, str], before: str
) -> None:
    text = f"{before}see ABC-1234 and ABC-9876."
    verdict = told(made(name, patterns=patterns), text)
    assert kinds(verdict) == ["regex.ticket"] * 2
    assert found(verdict, text) == ["ABC-1234", "ABC-9876"]
    assert replaced(text, verdict.findings) == f"{before}see [REDACTED] and [REDACTED]."
    assert verdict.risk == 1
    assert not told(made(name, patterns=patterns), f"{before}nothing").findings


def test_each_is_for_its_side() -> None:
    assert set(Regex.sides) == {Side.INPUT}
    assert set(RegexOutput.sides) == {Side.OUTPUT}
    assert made("Regex", patterns={"a": "b"}).stream_reach() == Regex.reach
    assert made("Regex", patterns={"a": "b"}, mode="require-any").stream_reach() == 0


def test_what_is_found_may_stay_and_count_for_less() -> None:
    [finding] = told(
        made("Regex", patterns={"a": "b+"}, redact=False, score=0.4), "abbc"
    ).findings
    assert (finding.replacement, finding.score) == (None, 0.4)


@pytest.mark.parametrize("count", [1, 5])
def test_a_pattern_may_be_required(count: int) -> None:
    patterns = {f"p{at}": f"must{at}" for at in range(count)}
    everything = " ".join(patterns.values())
    every = made("Regex", patterns=patterns, mode="require-all")
    assert not told(every, everything).findings
    verdict = told(every, "must1" if count > 1 else "nothing")
    assert kinds(verdict) == [f"regex.missing.{each}" for each in patterns if each != "p1"]
    assert all(
        (each.start, each.end) == (0, 5 if count > 1 else 7) for each in verdict.findings
    )
    some = made("Regex", patterns=patterns, mode="require-any")
    assert not told(some, "must0").findings
    assert kinds(told(some, "")) == ["regex.missing.any"]


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        (r"(a)\1", "backreferences"),
        (r"(?P<x>a)(?P=x)", "backreferences"),
        ("(?=a)b", "look-ahead"),
        ("(?<!a)b", "look-behind"),
        ("(?>a+)b", "atomic"),
        ("a++b", "RE2"),
        ("a{2000}", "1,000"),
        ("(", "missing"),
        ("((a{100}){100}){100}", "RE2 refuses"),
        ("a" * (MAX_PATTERN + 1), "10,000"),
        ("\ud800", "surrogate"),
    ],
)
def test_a_pattern_that_re2_refuses_is_named_with_the_mend(pattern: str, said: str) -> None:
    with pytest.raises(ConfigError) as refused:
        made("Regex", patterns={"good": "a", "mine": pattern})
    [problem] = refused.value.problems
    assert problem.key == "patterns.mine"
    assert said in problem.message


def test_no_pattern_is_a_mistake() -> None:
    with pytest.raises(ConfigError):
        made("Regex")


def test_many_patterns_that_are_wrong_are_all_told() -> None:
    with pytest.raises(ConfigError) as refused:
        made("RegexOutput", patterns={"a": "(", "b": "b", "c": ")"})
    assert [each.key for each in refused.value.problems] == ["patterns.a", "patterns.c"]


def test_the_normalised_text_can_be_looked_at() -> None:
    text = "é s\u200be\u200bcret!"
    assert not told(made("Regex", patterns={"word": "secret"}), text).findings
    verdict = told(made("Regex", patterns={"word": "secret"}, normal=True), text)
    assert found(verdict, text) == ["s\u200be\u200bcret"]


def test_places_without_end_are_one_at_the_end() -> None:
    text = "a b " * (MAX_FINDINGS + 10)
    verdict = told(made("Regex", patterns={"a": "a"}), text)
    assert len(verdict.findings) == MAX_FINDINGS
    assert verdict.findings[-1].end == len(text)
    assert "a" not in replaced(text, verdict.findings)


def test_what_matches_nothing_everywhere_is_no_finding() -> None:
    scanner = made("Regex", patterns={"maybe": "x*"})
    assert not told(scanner, "abc" * 1000).findings
    assert found(told(scanner, "axxb"), "axxb") == ["xx"]
    assert not told(made("Regex", patterns={"maybe": "x*"}, mode="require-all"), "abc").findings


def test_a_set_that_fails_hides_nothing() -> None:
    class Failed:
        def Match(self, data: bytes) -> list[int]:  # noqa: N802 - as RE2 calls it
            return []

    scanner: Any = made("Regex", patterns=TEN)
    scanner._set = Failed()
    assert kinds(scanner.verdict(Text("ABC-1234"))) == ["regex.ticket"]


class Counted:
    """A pattern that counts how often it is asked."""

    def __init__(self, pattern: Any) -> None:
        self.pattern = pattern
        self.asked = 0

    def search(self, data: bytes) -> Any:
        return self.pattern.search(data)

    def finditer(self, data: bytes) -> Any:
        for match in self.pattern.finditer(data):
            self.asked += 1
            yield match


def test_a_match_that_must_read_to_the_end_is_asked_for_a_bounded_number_of_times() -> None:
    """``a(.*z)?`` reads on to the text's end for each ``a``, in RE2, too."""
    scanner: Any = made("Regex", patterns={"far": "(?s)a(?:.*z)?"})
    counted = Counted(compiled_pattern("far", "(?s)a(?:.*z)?"))
    scanner._patterns = {"far": counted}
    scanner.verdict(Text("a" * 100_000))
    assert counted.asked <= MAX_FINDINGS


def test_a_long_text_is_scanned_off_the_event_loop() -> None:
    text = "a " * IN_THREAD + "needle"
    assert found(told(made("Regex", patterns={"n": "needle"}), text), text) == ["needle"]


PATTERNS = st.sampled_from(
    ["a*", "[^a]+", "(?s).", r"\x00", "é|😀", r"\b\w", "^", "$", r"\pL+"]
)


@settings(deadline=None)
@given(st.lists(PATTERNS, min_size=1, max_size=5), ANY_TEXT, st.booleans())
def test_any_text_gets_a_sound_verdict(patterns: list[str], text: str, normal: bool) -> None:
    named = {f"p{at}": each for at, each in enumerate(patterns)}
    for mode in ("forbid", "require-any", "require-all"):
        sound(told(made("Regex", patterns=named, mode=mode, normal=normal), text), text)


def test_nothing_that_is_said_quotes_the_text() -> None:
    verdict = told(made("Regex", patterns={"number": "[0-9]{6,}"}), "it is 271828182845")
    assert "271828" not in repr(verdict)
