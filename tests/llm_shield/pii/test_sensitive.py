"""The scanner: places, settings, encodings, hostile texts, silence."""

from __future__ import annotations

import asyncio
import base64
import sys
from collections.abc import Callable
from itertools import pairwise
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_shield.evaluation.corpora import pii_exact, pii_negatives
from llm_shield.finding import Finding, Verdict, replaced
from llm_shield.pii import names
from llm_shield.pii.engine import EXACT, KINDS, exact
from llm_shield.pii.found import Found, strongest
from llm_shield.scanner import Request, Resources, Side
from llm_shield.scanners.sensitive import Sensitive, SensitiveSettings
from llm_shield.text import Decoded, Text
from skykeep.errors import ConfigError, Corrupt, MissingExtra
from tests.repo.tree import unmeasured

CARD = "4111 1111 1111 1111"


async def _in_thread(function: Callable[..., Any], *arguments: Any) -> Any:
    return await asyncio.to_thread(function, *arguments)


RESOURCES = Resources(cast(Any, None), cast(Any, None), _in_thread)


async def scanned(text: str, **values: Any) -> Verdict:
    values.setdefault("names", "off")
    scanner = Sensitive(SensitiveSettings(**values), RESOURCES)
    await scanner.load()
    return await scanner.scan(Text(text), Request(RESOURCES))


async def found(text: str, **values: Any) -> list[tuple[str, str]]:
    verdict = await scanned(text, **values)
    return [(each.kind, text[each.start : each.end]) for each in verdict.findings]


pytestmark = pytest.mark.asyncio


async def test_places_are_code_points_of_the_text_as_sent() -> None:
    text = f"\U0001f600\U0001f600 e\u0301 card {CARD}, mail jo@example.org \U00010348"
    assert await found(text) == [("pii.card", CARD), ("pii.email", "jo@example.org")]


async def test_full_width_digits_and_zero_width_characters_hide_nothing() -> None:
    wide = "".join(chr(ord(each) + 0xFEE0) if each.isdigit() else each for each in CARD)
    hidden = CARD.replace("1", "1\u200b", 1)
    for value in (wide, hidden):
        text = f"my card is {value}."
        assert [each for each, _ in await found(text)] == ["pii.card"]
        sent = replaced(text, (await scanned(text)).findings)
        assert sent == "my card is [CARD]."


@pytest.mark.parametrize("corpus", [pii_exact])
async def test_every_identifier_of_the_corpus_is_found_where_it_is(corpus: Any) -> None:
    missed = []
    for case in corpus.cases():
        verdict = await scanned(case.text)
        told = {(each.start, each.end, each.kind) for each in verdict.findings}
        if not set(case.spans) <= told:
            missed.append(case.kind)
    assert missed == []


async def test_numbers_of_things_are_told_by_chance_at_most() -> None:
    told = [case.kind for case in pii_negatives.cases() if (await scanned(case.text)).findings]
    assert len(told) <= 6  # of 600


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("born on 12 May 1980 in Kent", "birth-date", "12 May 1980"),
        ("Date of birth: 03/04/1975.", "birth-date", "03/04/1975"),
        ("DOB 1975-04-03", "birth-date", "1975-04-03"),
        ("born May 12, 1980", "birth-date", "May 12, 1980"),
        ("passport number C01X00T47 please", "passport", "C01X00T47"),
        ("driver's license D1234567", "driving-licence", "D1234567"),
        ("SWIFT code DEUTDEFF500.", "bic", "DEUTDEFF500"),
        ("account number 12345678, thanks", "bank-account", "12345678"),
        ("call +44 20 7946 0958 now", "phone", "+44 20 7946 0958"),
        ("call (212) 555-0123 ext. 45 now", "phone", "(212) 555-0123 ext. 45"),
        ("rings at 01 23 45 67 89 daily", "phone", "01 23 45 67 89"),
        ("jo.smith (at) example (dot) com", "email", "jo.smith (at) example (dot) com"),
        ("mailto:jo@example.org", "email", "jo@example.org"),
        ("MRN: 00123456", "medical-record", "00123456"),
        ("from 2001:db8::ff00:42:8329.", "ip", "2001:db8::ff00:42:8329"),
        ("host 10.11.12.13:8080", "ip", "10.11.12.13"),
        ("My name is Ann Lee.", "person", "Ann Lee"),
        ("to 12 Baker Street, London NW1 6XE.", "address", "12 Baker Street, London NW1 6XE"),
        ("at Hauptstraße 12a, 10115 Berlin.", "address", "Hauptstraße 12a, 10115 Berlin"),
        ("at 5 rue de la Paix, 75002 Paris", "address", "5 rue de la Paix, 75002 Paris"),
        ("in Via Roma 12, 00184 Roma (RM)", "address", "Via Roma 12, 00184 Roma (RM)"),
        ("to P.O. Box 123, Springfield, IL 62701", "address",
         "P.O. Box 123, Springfield, IL 62701"),
    ],
)  # fmt: skip
async def test_kinds_that_words_tell(text: str, kind: str, value: str) -> None:
    assert (f"pii.{kind}", value) in await found(text)


@pytest.mark.parametrize(
    "text",
    [
        "Chrome/120.0.6099.109",
        "requests==2.31.0.1",
        "version 10.2.3.4",
        "OID 1.3.6.1.4.1",
        "127.0.0.1 and 0.0.0.0 and 255.255.255.0",
        "the years 1998-2004",
        "2024-01-02 10:11:12",
        "std::vector and a::b",
        "x@y = z; user@host",
        "550e8400-e29b-41d4-a716-446655440000",
        "5 apples and 7 pears",
        "in 1984 Orwell was read",
        "pi is 3.14159265358979",
        "order 529982247",
        "https://user@host/",
        "000-00-0000",
        "@media (max-width: 600px)",
    ],
)
async def test_what_is_nobodys(text: str) -> None:
    assert await found(text) == []


async def test_settings_choose_kinds() -> None:
    text = "jo@example.org 10.11.12.13 123-45-6789"
    assert [each for each, _ in await found(text, kinds=("us-*",))] == ["pii.us-ssn"]
    left = [each for each, _ in await found(text, without=("ip", "email"))]
    assert left == ["pii.us-ssn"]
    high = await found(text, thresholds={"ip": 0.99}, without=())
    assert [each for each, _ in high] == ["pii.email", "pii.us-ssn"]


async def test_what_is_allowed_is_not_told() -> None:
    text = "Help@Example.com, jo@example.org, 4111-1111-1111-1111"
    told = await found(text, allow=("*@example.com", CARD))
    assert told == [("pii.email", "jo@example.org")]


async def test_redaction_styles() -> None:
    text = f"card {CARD} of jo@example.org"

    async def sent(how: str) -> str:
        return replaced(text, (await scanned(text, redaction=how)).findings)

    assert await sent("placeholder") == "card [CARD] of [EMAIL]"
    assert await sent("mask") == "card **** **** **** 1111 of **@*******.***"
    assert await sent("remove") == "card  of "


async def test_patterns_of_ones_own() -> None:
    values = {"patterns": {"staff-id": r"EMP-[0-9]{4}"}}
    assert await found("\U0001f600 EMP-1234", **values) == [("pii.staff-id", "EMP-1234")]


@pytest.mark.parametrize(
    "values",
    [
        {"kinds": ("emial",)},
        {"without": ("nothing-*",)},
        {"thresholds": {"cards": 0.5}},
        {"patterns": {"a": "(?=x)"}},
        {"patterns": {"email": "x"}},
        {"patterns": {"A b": "x"}},
    ],
)
async def test_settings_that_make_no_sense(values: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        Sensitive(SensitiveSettings(**values), RESOURCES)


@pytest.mark.parametrize("encoding", ["base64", "rot13"])
async def test_encodings_are_looked_through(encoding: str) -> None:
    said = f"the card is {CARD}, thanks"
    hidden = base64.b64encode(said.encode()).decode()
    text = Text(f"decode {hidden} please")
    text.__dict__["decoded"] = (Decoded(encoding, said, 7, 7 + len(hidden)),)

    async def told(decoded: bool) -> list[Finding]:
        scanner = Sensitive(SensitiveSettings(names="off", decoded=decoded), RESOURCES)
        verdict = await scanner.scan(text, Request(RESOURCES))
        return [each for each in verdict.findings if each.kind == "pii.card"]

    assert await told(False) == []
    if encoding == "rot13":  # leaves digits what they are: they were looked at already
        assert await told(True) == []
        return
    [one] = await told(True)
    assert text.sent[one.start : one.end] == hidden
    assert "base64" in one.reason
    assert replaced(text.sent, [one]) == "decode [CARD] please"


async def test_reasons_and_facts_quote_nothing() -> None:
    for case in pii_exact.cases():
        verdict = await scanned(case.text)
        [(start, end, _)] = case.spans
        value = case.text[start:end]
        told = " ".join(each.reason for each in verdict.findings) + repr(verdict.facts)
        assert value not in told
        assert value not in repr(list(exact(case.text)))


async def test_a_missing_model_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "spacy", None)
    text = "Call Ann Lee at 10.11.12.13"
    verdict = await scanned(text, names="auto")
    assert verdict.facts["names"] == "not looked for"
    assert [each.kind for each in verdict.findings][-1] == "pii.ip"
    with pytest.raises(MissingExtra, match=r"shield-pii"):
        Sensitive(SensitiveSettings(names="required"), RESOURCES)


async def test_other_languages_have_no_names_looked_for() -> None:
    assert (await scanned("x", names="required", language="de")).facts["names"] == (
        "not looked for"
    )


async def test_names_by_the_model() -> None:
    text = "On Monday the API was down, said Maria Gonzalez to John Smith's team in Paris."
    assert await found(text, names="required") == [
        ("pii.person", "Maria Gonzalez"),
        ("pii.person", "John Smith"),
    ]
    assert ("pii.location", "Paris") in await found(text, names="required", without=())


async def test_names_across_the_models_windows() -> None:
    text = "nothing to see here. " * 400 + "Then Maria Gonzalez left."
    assert await found(text, names="required") == [("pii.person", "Maria Gonzalez")]


async def test_the_model_forgets_what_it_saw() -> None:
    model = names.names()
    await found("Zyxwvut Qrstuvopq met Maria Gonzalez.", names="required")
    assert "Zyxwvut" not in model._model.vocab.strings


async def test_another_model_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names, "SHA256", "0" * 64)
    with pytest.raises(Corrupt):
        names.Names()


async def test_it_is_for_both_sides() -> None:
    assert Sensitive.sides == {Side.INPUT, Side.OUTPUT}
    assert EXACT < KINDS


def _ordered(told: list[Found]) -> bool:
    return all(a.end <= b.start for a, b in pairwise(told))


PARTS = st.sampled_from(
    ("4111 1111 1111 1111", "a@b.co", "10.0.0.1", " ", "\n", "12 Baker Street", "+44", "DE89",
     "-", ".", "\x00", "\ud800", "\U0001f600", "(", ")", "Via Roma", "0", "born", ":", "@")
)  # fmt: skip


@settings(max_examples=150)
@given(st.one_of(st.text(), st.lists(PARTS, max_size=12).map("".join)))
async def test_any_text_gets_an_answer(text: str) -> None:
    for each in exact(text):
        assert 0 <= each.start < each.end <= len(text)
        assert 0 < each.score <= 1
        assert each.kind in KINDS
    assert _ordered(strongest(exact(text)))
    verdict = await scanned(text, names="required")
    assert 0 <= verdict.risk <= 1
    assert all(0 <= each.start <= each.end <= len(text) for each in verdict.findings)


HOSTILE = {
    "digits": "1",
    "digits apart": "1 ",
    "at": "a@",
    "at and dots": "a@a.",
    "dashes": "-",
    "letters": "a",
    "capitals": "A",
    "brackets": "(",
    "words": "Aa ",
    "groups": "1-",
    "colons": "a:",
    "dots": "1.",
    "newlines": "\n",
    "streets": "1 Aa Street ",
    "names": "Mr Aa ",
    "births": "born 1.1.1990 ",
    "ibans": "DE89 3704 ",
    "hex": "0xaB",
    "at signs": "(at)",
    "leading": "via ",
    "leading with numbers": "rue 1 ",
    "towns": "Aa, ",
    "phones": "+1 ",
}


class _Counted(str):  # noqa: SLOT000  (it has a counter)
    """A text that counts how much of it is copied out."""

    read = 0

    def __getitem__(self, place: Any) -> str:
        part = super().__getitem__(place)
        self.read += len(part)
        return part


@pytest.mark.parametrize("name", HOSTILE)
async def test_what_is_copied_grows_with_the_text(name: str) -> None:
    def work(size: int) -> int:
        text = _Counted((HOSTILE[name] * size)[:size])
        for _ in exact(text):
            pass
        return text.read

    small, large = work(4_000), work(16_000)
    assert large <= 5 * small + 1_000


@pytest.mark.slow
@pytest.mark.parametrize("name", HOSTILE)
async def test_time_grows_with_the_text(name: str) -> None:
    """By the processor's clock and generously: quadratic work would be 64 times as much."""
    import time

    def work(size: int) -> float:
        text = (HOSTILE[name] * size)[:size]
        begun = time.thread_time()
        for _ in exact(text):
            pass
        return time.thread_time() - begun

    small = min(work(16_000) for _ in range(2))
    assert work(128_000) < 24 * small + 0.2


async def test_importing_it_loads_no_model() -> None:
    code = (
        "import sys, llm_shield.scanners.sensitive, llm_shield.anonymising\n"
        "heavy = {'spacy', 'numpy', 're2', 'presidio_analyzer', 'faker', 'msgspec.x'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE, env=unmeasured()
    )
    out, _ = await process.communicate()
    assert out.decode().strip() == "[]"
