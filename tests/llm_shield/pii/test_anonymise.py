"""Values out, placeholders in, and back: exactly, and whatever the chunks are."""

from __future__ import annotations

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_shield.anonymising import (
    MAX_LABEL,
    AnonymiseStream,
    RestoreStream,
    anonymise,
    label_of,
    restore,
)
from llm_shield.finding import Finding
from llm_shield.session_vault import Session, SessionVault
from skykeep.errors import Invalid, NotFound, Quota


def session() -> Session:
    return SessionVault().session("acme", "one")


def at(text: str, value: str, kind: str = "pii.email", score: float = 0.9) -> Finding:
    start = text.index(value)
    return Finding(kind, start, start + len(value), score, "")


PIECES = st.sampled_from(
    [
        "[EMAIL_1]",
        "[EMAIL_2]",
        "[Email 1]",
        "EMAIL_1",
        "[ email-1 ]",
        "[EMAIL_",
        "EMAIL",
        "_",
        "1",
        "]",
        "[",
        " ",
        "x",
        "a@b.co",
        "[LITERAL_1]",
        "[EMAIL_12]",
        "😀",
        "email_1]",
        "\n",
        "[EMAIL_1",
        "[[EMAIL_1]]",
        "[CARD_1]",
        "card_1",
        "[EMAIL 1 ",
        "�",
        "0",
    ]
)
TEXTS = st.lists(PIECES, max_size=14).map("".join)


@st.composite
def found(draw: st.DrawFn, texts: st.SearchStrategy[str] = TEXTS) -> tuple[str, list[Finding]]:
    text = draw(texts)
    findings = []
    for _ in range(draw(st.integers(0, 3))):
        start = draw(st.integers(0, len(text)))
        end = draw(st.integers(start, min(len(text), start + 8)))
        kind = draw(st.sampled_from(["pii.email", "pii.card"]))
        findings.append(Finding(kind, start, end, draw(st.floats(0, 1)), ""))
    return text, findings


@given(found())
def test_restoring_gives_the_text_back(case: tuple[str, list[Finding]]) -> None:
    text, findings = case
    one = session()
    assert restore(anonymise(text, findings, one), one) == text


@given(st.lists(found(), min_size=2, max_size=4))
def test_each_text_of_a_session_comes_back(cases: list[tuple[str, list[Finding]]]) -> None:
    """What one text looks like is never taken for what another one's value got."""
    one = session()
    sent = [anonymise(text, findings, one) for text, findings in cases]
    assert [restore(each, one) for each in sent] == [text for text, _ in cases]


@given(found())
def test_nothing_of_a_finding_is_left(case: tuple[str, list[Finding]]) -> None:
    text, findings = case
    cover = set()
    for each in findings:
        cover |= set(range(each.start, each.end))
    sent = anonymise(text, findings, session())
    kept = "".join(each for place, each in enumerate(text) if place not in cover)
    # Without placeholders, what is left is a part of what was not found.
    left = re.sub(r"\[(?:EMAIL|CARD|LITERAL)_[0-9]+\]", "", sent)
    rest = iter(kept)
    assert all(each in rest for each in left)


def test_the_same_value_has_the_same_placeholder() -> None:
    one = session()
    text = "a@b.co and c@d.co and a@b.co"
    findings = [
        Finding("pii.email", match.start(), match.end(), 0.9, "")
        for match in re.finditer(r"\w@\w\.co", text)
    ]
    assert anonymise(text, findings, one) == "[EMAIL_1] and [EMAIL_2] and [EMAIL_1]"
    assert anonymise("c@d.co", [Finding("pii.email", 0, 6, 1.0, "")], one) == "[EMAIL_2]"
    assert restore("so: [EMAIL_2], [EMAIL_3]", one) == "so: c@d.co, [EMAIL_3]"


def test_a_placeholder_that_was_there_keeps_its_number() -> None:
    one = session()
    text = "[EMAIL_1] or a@b.co"
    assert anonymise(text, [at(text, "a@b.co")], one) == "[EMAIL_1] or [EMAIL_2]"


def test_what_looks_like_a_known_placeholder_becomes_a_value() -> None:
    one = session()
    anonymise("a@b.co", [Finding("pii.email", 0, 6, 1.0, "")], one)
    sent = anonymise("what is [EMAIL_1]?", [], one)
    assert sent == "what is [LITERAL_1]?"
    assert restore(sent, one) == "what is [EMAIL_1]?"


def test_overlapping_findings_become_one_with_the_surer_label() -> None:
    text = "0123456789"
    findings = [
        Finding("pii.phone", 0, 6, 0.6, ""),
        Finding("pii.card", 4, 10, 0.9, ""),
    ]
    assert anonymise(text, findings, session()) == "[CARD_1]"


def test_a_finding_outside_the_text_is_refused() -> None:
    with pytest.raises(Invalid):
        anonymise("ab", [Finding("pii.email", 1, 3, 1.0, "")], session())


def test_a_value_is_not_looked_at_again() -> None:
    one = session()
    text = "a@b.co [EMAIL_1]x"
    # The second value is, itself, what a placeholder looks like.
    sent = anonymise(text, [at(text, "a@b.co"), at(text, "[EMAIL_1]x", "pii.note")], one)
    assert sent == "[EMAIL_1] [NOTE_1]"
    assert restore(sent, one) == text


@pytest.mark.parametrize(
    "written", ["[Email_1]", "[email_1]", "[EMAIL 1]", "[ EMAIL-1 ]", "EMAIL_1", "email_1"]
)
def test_loose_takes_what_models_make_of_it(written: str) -> None:
    one = session()
    anonymise("a@b.co", [Finding("pii.email", 0, 6, 1.0, "")], one)
    said = f"Write to {written}."
    assert restore(said, one, loose=True) == "Write to a@b.co."
    assert restore(said, one) == said


@pytest.mark.parametrize(
    "written", ["MYEMAIL_1", "EMAIL_12", "EMAIL_1x", "[EMAIL_01]", "email 1"]
)
def test_loose_leaves_words_alone(written: str) -> None:
    one = session()
    anonymise("a@b.co", [Finding("pii.email", 0, 6, 1.0, "")], one)
    assert restore(written, one, loose=True) == written


def chunks(text: str, cuts: list[int]) -> list[str]:
    places = sorted({min(each, len(text)) for each in cuts} | {0, len(text)})
    return [text[a:b] for a, b in itertools.pairwise(places)]


@given(TEXTS, st.lists(st.integers(0, 80), max_size=12), st.booleans())
def test_any_chunks_restore_as_the_whole(text: str, cuts: list[int], loose: bool) -> None:
    one = session()
    one.placeholders([("EMAIL", "a@b.co"), ("EMAIL", "x"), ("CARD", "[EMAIL_1]")])
    stream = RestoreStream(one, loose=loose)
    shown = [stream.feed(each) for each in chunks(text, cuts)]
    assert "".join(shown) + stream.finish() == restore(text, one, loose=loose)


@given(st.text(max_size=40), st.booleans())
def test_one_character_at_a_time_is_the_whole(text: str, loose: bool) -> None:
    one = session()
    one.placeholders([("EMAIL", "a@b.co")])
    whole = f"x [EMAIL_1] {text}[email 1]{text} EMAIL_1"
    stream = RestoreStream(one, loose=loose)
    assert "".join(map(stream.feed, whole)) + stream.finish() == restore(
        whole, one, loose=loose
    )


@pytest.mark.parametrize("loose", [False, True])
@pytest.mark.parametrize("letter", ["[", "a", "1", "_", " ", "[a", "[A_", "a_1"])
def test_little_is_held_back(letter: str, loose: bool) -> None:
    stream = RestoreStream(session(), loose=loose)
    given_, shown = 0, 0
    for _ in range(300):
        shown += len(stream.feed(letter))
        given_ += len(letter)
        assert given_ - shown <= 66


def test_plain_text_is_not_held_back() -> None:
    stream = RestoreStream(session())
    assert stream.feed("Nothing to restore here, not even EMAIL_1") == (
        "Nothing to restore here, not even EMAIL_1"
    )
    assert stream.feed("; but [EMA") == "; but "


@given(found(), st.lists(st.integers(0, 60), max_size=6), st.integers(0, 12))
def test_chunks_that_are_anonymised_come_back(
    case: tuple[str, list[Finding]], cuts: list[int], behind: int
) -> None:
    """Findings are told once they are settled, as a scanner with a reach tells them."""
    text, findings = case
    one = session()
    stream = AnonymiseStream(one)
    out, length, told = "", 0, 0
    ordered = sorted(findings, key=lambda each: each.start)
    for chunk in chunks(text, cuts):
        length += len(chunk)
        settled = max(0, length - behind)
        new = []
        while told < len(ordered) and ordered[told].start < settled:
            if ordered[told].end > length:
                settled = ordered[told].start  # it is known when all of it has come
                break
            new.append(ordered[told])
            told += 1
        out += stream.feed(chunk, new, settled=settled)
    out += stream.finish(ordered[told:])
    assert restore(out, one) == text


@pytest.mark.parametrize(
    ("kind", "label"),
    [
        ("pii.us-ssn", "US_SSN"),
        ("secret.github-pat", "GITHUB_PAT"),
        ("pii.level-2", "LEVEL_2_X"),
        ("7", "VALUE_7_X"),
        ("pii." + "a" * 99, "A" * (MAX_LABEL - 2)),
    ],
)
def test_labels(kind: str, label: str) -> None:
    assert label_of(kind) == label


def test_a_full_session_refuses_and_keeps_nothing() -> None:
    vault = SessionVault(max_entries=1)
    one = vault.session("acme", "one")
    text = "a@b.co c@d.co"
    with pytest.raises(Quota):
        anonymise(text, [at(text, "a@b.co"), at(text, "c@d.co")], one)
    assert len(one) == 0


def test_an_ended_session_restores_nothing() -> None:
    vault = SessionVault()
    one = vault.session("acme", "one")
    sent = anonymise("a@b.co", [Finding("pii.email", 0, 6, 1.0, "")], one)
    vault.forget("acme", "one")
    with pytest.raises(NotFound):
        restore(sent, one)
