"""Language: what is not allowed is found, whole or as a part."""

from __future__ import annotations

from itertools import pairwise

import pytest

from llm_shield.scanners import language
from llm_shield.scanners.language import ALL_OF, SHORT, WINDOW, windows
from skykeep.errors import ConfigError, Corrupt
from tests.llm_shield.light.scanning import found, made, scanned

GERMAN = (
    "Wie setze ich mein Passwort zurück, wenn ich keinen Zugang mehr zu meiner E-Mail habe?"
)
ENGLISH = "Please read my notes on the meeting of last Tuesday and tell me what to do first. "


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("How do I reset my password if I lost my phone?", "en"),
        (GERMAN, "de"),
        ("Как правильно хранить свежие овощи зимой?", "ru"),
        ("没有老师我怎样才能在家里学会弹吉他", "zh"),
        ("मैं बिना शिक्षक के घर पर गिटार बजाना कैसे सीख सकता हूँ?", "hi"),
        ("WIE SETZE ICH MEIN PASSWORT ZURÜCK, WENN ICH ES NICHT MEHR WEISS?", "de"),
        ("1234 5678 !!! :-)", ""),
        ("ok", ""),
        ("https://example.com/wie-setze-ich-mein-passwort-zurueck", ""),
    ],
)
def test_the_language_is_a_fact(text: str, told: str) -> None:
    verdict = scanned("Language", text)
    assert verdict.facts["language"] == told
    assert not verdict.findings


def test_languages_that_are_not_allowed_are_found() -> None:
    verdict = scanned("Language", GERMAN, allowed=["en", "fr"])
    assert [each.kind for each in verdict.findings] == ["language.de"]
    assert found(verdict, GERMAN) == [GERMAN]
    assert not scanned("Language", GERMAN, allowed=["de"]).findings
    assert scanned("Language", GERMAN, denied=["de"]).risk > 0.9
    assert not scanned("Language", GERMAN, denied=["fr"]).findings


@pytest.mark.parametrize("before", [1, 5, 40])
def test_a_foreign_part_is_found_where_it_stands(before: int) -> None:
    text = ENGLISH * before + GERMAN + " " + ENGLISH * before
    verdict = scanned("Language", text, allowed=["en"])
    assert [each.kind for each in verdict.findings] == ["language.de"]
    start, end = verdict.findings[0].start, verdict.findings[0].end
    # All of the part but what shares a window with what is around it.
    assert abs(start - text.index(GERMAN)) <= WINDOW
    assert abs(end - text.index(GERMAN) - len(GERMAN)) <= WINDOW
    assert verdict.facts["languages"] == ["en", "de"]


def test_neighbouring_parts_in_a_language_are_one_finding() -> None:
    text = f"{GERMAN} {GERMAN} {GERMAN}"
    verdict = scanned("Language", text, allowed=["en"])
    assert [(each.start, each.end) for each in verdict.findings] == [(0, len(text))]


def test_how_sure_it_has_to_be_is_a_setting() -> None:
    text = "Skriv en kort e-post til læreren om at barnet mitt er sykt."
    assert not scanned("Language", text, denied=["no", "da"], min_confidence=0.99).findings
    assert scanned("Language", text, denied=["no", "da"], min_confidence=0.3).findings


def test_letters_that_are_too_few_tell_nothing() -> None:
    assert not scanned("Language", "Guten Morgen", allowed=["en"]).findings
    assert scanned("Language", "Guten Morgen", allowed=["en"], min_letters=5).findings


@pytest.mark.parametrize("size", [0, 1, 79, 160, 161, 5000, 10_240, 10_241, 1_000_000])
@pytest.mark.parametrize("unit", ["word ", "x", "a.\n", "One sentence. "])
def test_what_is_looked_at_is_bounded(unit: str, size: int) -> None:
    text = (unit * size)[:size]
    places = windows(text)
    assert len(places) <= ALL_OF // SHORT
    assert sum(end - start for start, end in places) <= ALL_OF
    assert all(0 <= start < end <= size for start, end in places)
    assert places == sorted(places)
    if 0 < size <= ALL_OF:
        # All of it, without a gap.
        assert places[0][0] == 0
        assert places[-1][1] == size
        assert all(one[1] == other[0] for one, other in pairwise(places))
    elif size:
        assert places[0][0] == 0
        assert places[-1][1] == size


@pytest.mark.parametrize(
    "settings",
    [{"allowed": ["en"], "denied": ["de"]}, {"allowed": ["english"]}, {"denied": ["EN"]}],
)
def test_settings_that_make_no_sense(settings: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        made("Language", **settings)


def test_a_file_that_is_no_model(tmp_path: object) -> None:
    from pathlib import Path

    path = Path(str(tmp_path), "lid.176.ftz")
    path.write_bytes(b"no model")
    with pytest.raises(Corrupt):
        language._loaded(path)
