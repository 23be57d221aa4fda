"""Words and names of lists: found as they are, and as they are written to hide."""

# ruff: noqa: RUF001  (look-alikes of ASCII are what this is about)

from __future__ import annotations

import base64
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_shield.scanner import Scanner
from llm_shield.text import Text
from llm_shield.words import Words
from skykeep.errors import ConfigError, MissingExtra

from .scanning import cleaned, made, scanned, told
from .strategies import TEXTS


def found(sent: str, *substrings: str, **others: object) -> list[str]:
    verdict = scanned("BanSubstrings", sent, substrings=substrings, **others)
    return [sent[each.start : each.end] for each in verdict.findings]


# -- BanSubstrings


@pytest.mark.parametrize(
    ("sent", "places"),
    [
        ("Project Falcon starts", ["Project Falcon"]),
        ("PROJECT FALCON, project falcon", ["PROJECT FALCON", "project falcon"]),
        ("project falconry", []),
        ("subproject falcon", []),
        ("project falcon2 project falcon_x", []),
        ("(project falcon)!", ["project falcon"]),
        ("project fаlcоn", ["project fаlcоn"]),
        ("pro\u200bject\u2060 falcon", ["pro\u200bject\u2060 falcon"]),
        ("ｐｒｏｊｅｃｔ ｆａｌｃｏｎ", ["ｐｒｏｊｅｃｔ ｆａｌｃｏｎ"]),
        ("𝓹𝓻𝓸𝓳𝓮𝓬𝓽 𝖋𝖆𝖑𝖈𝖔𝖓", ["𝓹𝓻𝓸𝓳𝓮𝓬𝓽 𝖋𝖆𝖑𝖈𝖔𝖓"]),
        ("project\u00a0falcon", ["project\u00a0falcon"]),
        ("p̶r̶o̶j̶e̶c̶t̶ falcon", ["p̶r̶o̶j̶e̶c̶t̶ falcon"]),
        ("", []),
        ("project", []),
    ],
)
def test_words(sent: str, places: list[str]) -> None:
    assert found(sent, "project falcon") == places


def test_anywhere() -> None:
    assert found("unprojected", "project") == []
    assert found("unprojected", "project", match="string") == ["project"]


def test_case() -> None:
    assert found("Apple apple APPLE", "Apple", case_sensitive=True) == ["Apple"]
    assert found("ÄPFEL äpfel", "Äpfel") == ["ÄPFEL", "äpfel"]
    assert found("İstanbul ΣΑΣ", "istanbul", "σας") == ["İstanbul", "ΣΑΣ"]


def test_signs_at_the_ends_need_no_boundary() -> None:
    assert found("C++17 and #tagged", "C++", "#tag") == ["C++"]
    assert found("a#tag", "#tag") == ["#tag"]


def test_scripts_without_spaces() -> None:
    assert found("我要买比特币吗", "比特币") == ["比特币"]
    assert found("삼성은 좋다", "삼성") == ["삼성"]
    assert found("ฉันรักบิตคอยน์มาก", "บิตคอยน์") == ["บิตคอยน์"]


def test_words_of_other_scripts() -> None:
    assert found("Это Яндекс, а не яндексу", "яндекс") == ["Яндекс"]
    # It could be Latin as well, and becomes that where it stands alone.
    assert found("сор", "сор") == ["сор"]
    assert found("Тут лежал сор", "сор") == ["сор"]
    assert found("a cop", "сор") == []


def test_the_longest_at_a_place() -> None:
    words = ("new", "new york", "york", "new york city")
    assert found("new york city", *words) == ["new york city"]
    assert found("new york", *words) == ["new york"]
    assert found("york new", *words) == ["york", "new"]
    assert found("abcd", "abc", "bcd", match="string") == ["abc", "bcd"]


def test_all_of_them_or_nothing() -> None:
    assert found("red and green", "red", "green", "blue", contains_all=True) == []
    assert len(found("blue red green red", "red", "green", "blue", contains_all=True)) == 4
    assert found("red", "red", "Red", contains_all=True) == ["red"]


def test_redacting() -> None:
    sent = "Ask pro\u200bject falcon’s lead"
    verdict = scanned("BanSubstrings", sent, substrings=["project falcon"], redact="[REDACTED]")
    assert cleaned(sent, verdict) == "Ask [REDACTED]’s lead"
    verdict = scanned("BanSubstrings", sent, substrings=["project falcon"])
    assert cleaned(sent, verdict) == sent


def test_in_an_encoding() -> None:
    hidden = base64.b64encode(b"tell me about project falcon now").decode()
    sent = f"Decode {hidden} please"
    verdict = scanned("BanSubstrings", sent, substrings=["project falcon"], redact="*")
    (finding,) = verdict.findings
    assert sent[finding.start : finding.end] == hidden
    assert finding.reason.endswith("encoded as base64")
    assert cleaned(sent, verdict) == "Decode * please"
    assert found(sent, "project falcon", normal=False) == []


def test_the_text_as_sent_alone() -> None:
    assert found("pro\u200bject project", "project", normal=False) == ["project"]
    assert found("PROJECT", "project", normal=False) == ["PROJECT"]


def test_reasons_tell_the_number_and_not_the_word() -> None:
    verdict = scanned("BanSubstrings", "the Falcon", substrings=["eagle", "falcon"])
    assert verdict.risk == 1.0
    assert verdict.facts == {"entries": 1, "places": 1}
    assert "2" in verdict.findings[0].reason
    assert "alcon" not in repr(verdict)


def test_a_file(tmp_path: Path) -> None:
    file = tmp_path / "words.txt"
    file.write_text("\ufeffeagle\r\n\n  falcon  \n", "utf-8")
    assert found("an eagle, a falcon", "owl", file=str(file)) == ["eagle", "falcon"]
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="it is not UTF-8"):
        made("BanSubstrings", file=str(file))
    with pytest.raises(ConfigError, match="No such file"):
        made("BanSubstrings", file=str(tmp_path / "none"))


def test_settings_that_make_no_sense() -> None:
    with pytest.raises(ConfigError, match="empty substring"):
        made("BanSubstrings", substrings=["a", ""])
    with pytest.raises(ConfigError, match="contains_all"):
        made("BanSubstrings", contains_all=True)
    with pytest.raises(ConfigError, match="only invisible"):
        made("BanSubstrings", substrings=["\u200b"])


def test_no_list_finds_nothing() -> None:
    assert found("anything") == []


@pytest.mark.parametrize("name", ["BanSubstrings", "BanCompetitors"])
def test_without_its_package(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("llm_shield.extras.find_spec", lambda module: None)
    with pytest.raises(MissingExtra) as caught:
        made(name)
    assert "skykeep[shield]" in str(caught.value.hint)


# -- BanCompetitors

RIVALS = {"Acme Corporation": ["Acme", "ACME Corp."], "Яндекс": [], "京东": ["JD.com"]}


def names(sent: str, **others: object) -> tuple[list[str], object]:
    verdict = scanned("BanCompetitors", sent, competitors=RIVALS, **others)
    places = [sent[each.start : each.end] for each in verdict.findings]
    return places, verdict.facts.get("competitors", [])


@pytest.mark.parametrize(
    ("sent", "places", "who"),
    [
        ("I like Acme.", ["Acme"], ["Acme Corporation"]),
        ("acme's price and Acme’s", ["acme's", "Acme’s"], ["Acme Corporation"]),
        ("ACME CORPORATION’S", ["ACME CORPORATION’S"], ["Acme Corporation"]),
        ("Acme Corp. and jd.com", ["Acme Corp.", "jd.com"], ["Acme Corporation", "京东"]),
        ("acmes pacme acme2", [], []),
        ("Aсmе and A\u200bcme", ["Aсmе", "A\u200bcme"], ["Acme Corporation"]),
        ("Acme'sx", ["Acme"], ["Acme Corporation"]),
        ("Ищи в Яндекс.", ["Яндекс"], ["Яндекс"]),
        ("我在京东买", ["京东"], ["京东"]),
        ("nothing", [], []),
    ],
)
def test_competitors(sent: str, places: list[str], who: list[str]) -> None:
    assert names(sent) == (places, who)


def test_competitors_by_case() -> None:
    assert names("acme Acme", case_sensitive=True)[0] == ["Acme"]


def test_competitors_are_redacted() -> None:
    sent = "Acme's offer"
    verdict = scanned("BanCompetitors", sent, competitors=RIVALS, redact="[COMPETITOR]")
    assert cleaned(sent, verdict) == "[COMPETITOR] offer"
    assert verdict.findings[0].reason == "the competitor Acme Corporation"


def test_competitors_that_make_no_sense() -> None:
    with pytest.raises(ConfigError, match="empty name"):
        made("BanCompetitors", competitors={"Acme": [" "]})
    with pytest.raises(ConfigError, match="'ACME' is a name of 'Acme' and of 'Other'"):
        made("BanCompetitors", competitors={"Acme": [], "Other": ["ACME"]})


# -- both

LISTS: list[Scanner] = [  # type: ignore[type-arg]  # of two kinds of settings
    made(
        "BanSubstrings", substrings=["a", "ab", "bab", "е", "\u0301", "é", "漢", "\ud800", "fi"]
    ),
    made(
        "BanSubstrings",
        substrings=["a", "aa", "aaa", "ab"],
        match="string",
        case_sensitive=True,
    ),
    made("BanCompetitors", competitors={"a": ["ab"], "е": [], "I O": ["漢字"]}),
]


@given(TEXTS, st.sampled_from(LISTS))
@settings(max_examples=400)
def test_any_text(sent: str, scanner: Scanner) -> None:  # type: ignore[type-arg]  # as above
    verdict = told(scanner, sent)
    assert verdict.risk in (0.0, 1.0)


@given(
    st.text("abAB ", max_size=60),
    st.lists(st.text("abAB", min_size=1, max_size=4), min_size=1, max_size=6),
)
@settings(max_examples=400)
def test_as_a_plain_search_finds_them(sent: str, entries: list[str]) -> None:
    """Everything that a search for each entry finds lies in something that is found, and
    nothing else is."""
    words = Words([[each] for each in entries], whole=False, case_sensitive=True, normal=True)
    places = [(hit.start, hit.end) for hit in words.find(Text(sent))]
    assert places == sorted(places)
    assert all(one[1] < other[1] and one[0] < other[0] for one, other in pairwise(places))
    plain = {
        (at, at + len(entry))
        for entry in entries
        for at in range(len(sent))
        if sent.startswith(entry, at)
    }
    assert set(places) <= plain
    for start, end in plain:
        assert any(first <= start and end <= last for first, last in places)


def test_a_list_within_itself_on_a_megabyte_is_linear() -> None:
    """64 entries end at every place; what is kept of them is one."""
    words = Words(
        [["a" * n] for n in range(1, 65)], whole=False, case_sensitive=True, normal=False
    )
    counted = 0
    real = words._automaton

    class Counted:
        def __len__(self) -> int:
            return len(real)

        def iter(self, text: str) -> object:
            nonlocal counted
            for each in real.iter(text):
                counted += 1
                yield each

    words._automaton = Counted()
    hits = words.find(Text("a" * 20_000))
    assert counted <= 64 * 20_000
    assert len(hits) == 20_000 - 63
