"""Secrets: what it finds and where, what it leaves, what it never says."""

from __future__ import annotations

import asyncio
import base64
import string
import zlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_shield.finding import replaced
from llm_shield.patterns.judging import entropy
from llm_shield.scanner import Side
from llm_shield.scanners.secrets import IN_THREAD, Secrets, SecretsSettings
from llm_shield.text import Text
from skykeep.errors import ConfigError
from tests.llm_shield.secrets.scanning import (
    ANY_TEXT,
    GITHUB,
    RESOURCES,
    drawn,
    found,
    kinds,
    made,
    sound,
    told,
)

SCANNER = made("Secrets")
BODY = "\n".join(drawn(64, seed) for seed in range(12))
KIND = (
    "PRIVATE " + "KEY"
)  # in two parts, as other credentials here, for scans of this repository
PEM = f"-----BEGIN RSA {KIND}-----\n{BODY}\n-----END RSA {KIND}-----"
PASSWORD = "Tr0ub4dor&" + "3xyz"

BASE32 = string.ascii_uppercase + "234567"
HEX = string.hexdigits[:16]

CASES = {
    "openai-api-key": "sk-proj-" + drawn(74, 1) + "T3Blbk" + "FJ" + drawn(74, 2),
    "anthropic-api-key": "sk-ant-api03-" + drawn(93, 3) + "AA",
    "openrouter-key": "sk-or-v1-" + drawn(64, 4, HEX),
    "groq-key": "gsk_" + drawn(52, 5),
    "xai-key": "xai-" + drawn(80, 6),
    "huggingface-token": "hf_0" + drawn(34, 8),
    "gcp-api-key": "AIza" + drawn(35, 9),
    "github-pat": GITHUB,
    "aws-access-token": "AKIA" + drawn(16, 10, BASE32),
    "langsmith-key": "lsv2_pt_" + drawn(32, 11, HEX) + "_" + drawn(10, 14, HEX),
    "google-oauth-client-secret": "GOCSPX-" + drawn(28, 12),
    "sk-key": "sk-" + drawn(48, 13),
    "private-key": PEM,
}
"""A secret each that has a form of its own."""

BESIDE = [
    ("postgres://app:{}@db.internal:5432/app", "url-password"),
    (
        "Server=db;Database=app;User Id=sa;Password={};Encrypt=True",
        "connection-string-password",
    ),
    ("DB_PASSWORD={}", "env-secret"),
    ("export PGPASSWORD='{}'", "env-secret"),
    ("My password is {}, what do you think of it?", "password-told"),
    ("user: bob, password: {}", "password-told"),
]


@pytest.mark.parametrize("rule", CASES)
@pytest.mark.parametrize("before", ["", "see: ", "日本語 😀 e\u0301 ", "\x00\ud800\n"])
def test_a_secret_is_found_where_it_stands(rule: str, before: str) -> None:
    secret = CASES[rule]
    text = f"{before}{secret} and so on 😀"
    verdict = told(SCANNER, text)
    assert kinds(verdict) == [f"secret.{rule}"]
    assert found(verdict, text) == [secret]


@pytest.mark.parametrize(("text", "rule"), BESIDE)
def test_a_password_is_found_by_what_stands_beside_it(text: str, rule: str) -> None:
    verdict = told(SCANNER, "é " + text.format(PASSWORD))
    assert kinds(verdict) == [f"secret.{rule}"]
    assert found(verdict, "é " + text.format(PASSWORD)) == [PASSWORD]
    assert not told(made("Secrets", passwords=False), text.format(PASSWORD)).findings


@pytest.mark.parametrize(
    "name", ["aws_secret_access_key = ", "AWS_SECRET_ACCESS_KEY=", '"SecretAccessKey": ']
)
def test_what_is_named_as_a_key_is_found(name: str) -> None:
    secret = drawn(40, 21)
    assert found(told(SCANNER, f'{name}"{secret}"'), f'{name}"{secret}"') == [secret]


@pytest.mark.parametrize(
    "text",
    [
        "The password is required for your login.",
        "Enter your password: it must have 12 characters.",
        "password: <your-password>",
        "DB_PASSWORD=${DB_PASSWORD}",
        "DB_PASSWORD=changeme123",
        "TOKEN=deploy/token",
        "postgres://user:password@localhost/db",
        "postgres://app:{password}@localhost/db",
        "Authorization: Bearer $TOKEN_OF_THE_SERVICE",
        "aws_access_key_id = AKIA" + "IOSFODNN7EXAMPLE",
        "ghp_" + "x" * 36,
        "key = sha256",
        "What is a good key performance indicator for our API token?",
        "-----BEGIN PUBLIC KEY-----\n" + BODY + "\n-----END PUBLIC KEY-----",
        f"-----BEGIN {KIND}-----\n" + "x" * 200 + f"\n-----END {KIND}-----",
        "",
    ],
)
def test_what_stands_in_place_of_a_secret_is_none(text: str) -> None:
    assert not told(SCANNER, text).findings


def test_a_key_whose_end_is_missing_is_found() -> None:
    cut = PEM[: PEM.index("-----END")]
    assert kinds(told(SCANNER, cut)) == ["secret.private-key-cut"]
    [whole] = told(SCANNER, f"a\n{PEM}\nb").findings
    assert (whole.start, whole.end) == (2, 2 + len(PEM))


def test_a_checksum_that_is_right_makes_sure() -> None:
    body, digits = (
        drawn(30, 31),
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
    )
    number, tail = zlib.crc32(body.encode()), ""
    for _ in range(6):
        tail = digits[number % 62] + tail
        number //= 62
    [sure] = told(SCANNER, f"ghp_{body}{tail}").findings
    [likely] = told(SCANNER, GITHUB).findings
    assert sure.score == 1
    assert likely.score < 1


def test_what_is_hidden_in_an_encoding_is_found_where_the_encoding_stands() -> None:
    hidden = base64.b64encode(f"the token is {GITHUB}".encode()).decode()
    text = f"decode this: {hidden} now"
    findings = told(SCANNER, text).findings
    assert "secret.github-pat" in [each.kind for each in findings]
    [finding] = [each for each in findings if each.kind == "secret.github-pat"]
    assert text[finding.start : finding.end] == hidden
    assert "base64" in finding.reason
    assert hidden not in replaced(text, findings)


def test_what_is_broken_by_invisible_characters_is_found_in_its_place() -> None:
    broken = GITHUB[:12] + "\u200b" + GITHUB[12:]
    text = f"é {broken}!"
    assert found(told(SCANNER, text), text) == [broken]


@pytest.mark.parametrize(
    ("redact", "there"),
    [
        ("label", "[REDACTED_SECRET]"),
        ("kind", "[SECRET:GITHUB-PAT]"),
        ("partial", f"{GITHUB[:2]}…{GITHUB[-2:]}"),
        ("mask", "*" * 40),
    ],
)
def test_what_stands_in_its_place(redact: str, there: str) -> None:
    text = f"a {GITHUB} b"
    assert replaced(text, told(made("Secrets", redact=redact), text).findings) == f"a {there} b"


def test_where_rules_overlap_nothing_of_any_is_left() -> None:
    text = f'api_key = "{GITHUB}"; url https://{GITHUB}:x-oauth-basic9@github.com/a'
    verdict = told(SCANNER, text)
    assert "ghp_" not in replaced(text, verdict.findings)
    ends = [0]
    for each in verdict.findings:
        assert each.start >= ends[-1]
        ends.append(each.end)


def test_the_longer_of_two_is_replaced_as_a_whole() -> None:
    password = f"{GITHUB}-and_its.end"
    text = f"postgres://app:{password}@db.internal/app"
    [finding] = told(SCANNER, text).findings
    assert finding.kind == "secret.github-pat"
    assert text[finding.start : finding.end] == password


def test_a_stream_is_held_back_only_where_something_may_begin() -> None:
    scanner = made("Secrets")
    talk = "some talk " * 1_000
    assert len(talk) - scanner.pending(talk) <= 512
    assert scanner.pending(talk + GITHUB) <= len(talk)
    begun = f"{talk}{PEM[:700]}"
    assert scanner.pending(begun) <= len(talk)
    assert scanner.pending(f"{talk}{PEM} {talk}") > len(talk) + len(PEM)
    own = made("Secrets", extra={"two-words": {"regex": "one (?:[a-z]+ ){900}two"}})
    assert len(talk) - own.pending(talk) == Secrets.reach


def test_rules_can_be_left_out_and_secrets_allowed() -> None:
    assert not told(made("Secrets", skip=["github-pat"]), GITHUB).findings
    assert not told(made("Secrets", allow=[GITHUB]), GITHUB).findings
    assert not told(made("Secrets", allow_regexes=["ghp_[0-9A-Za-z]+"]), GITHUB).findings
    # A part of it is not enough.
    assert told(made("Secrets", allow_regexes=["ghp_"]), GITHUB).findings


def test_rules_of_ones_own() -> None:
    extra = {"ticket": {"regex": "TICKET-([0-9]{4})", "keywords": ["Ticket-"]}}
    scanner = made("Secrets", extra=extra)
    assert found(told(scanner, "é ticket TICKET-1234 !"), "é ticket TICKET-1234 !") == ["1234"]
    everywhere = made("Secrets", extra={"w": {"regex": "ü{3}"}})
    text = "é" * 30_000 + "üüü"
    assert found(told(everywhere, text), text) == ["üüü"]
    low = made("Secrets", extra={"w": {"regex": "[a-z]{8}", "entropy": 2.5}})
    assert found(told(low, "aaaaaaaa abcdefgh"), "aaaaaaaa abcdefgh") == ["abcdefgh"]


@pytest.mark.parametrize(
    ("given_", "key"),
    [
        ({"skip": ["no-such-rule"]}, "skip"),
        ({"extra": {"back": {"regex": r"(a)\1"}}}, "extra.back"),
        ({"extra": {"github-pat": {"regex": "a"}}}, "extra.github-pat"),
        ({"extra": {"a b": {"regex": "a"}}}, "extra.a b"),
        ({"allow_regexes": ["(?=a)"]}, "allow_regexes.0"),
    ],
)
def test_settings_that_make_no_sense_are_named(given_: dict[str, Any], key: str) -> None:
    with pytest.raises(ConfigError) as refused:
        made("Secrets", **given_)
    assert [each.key for each in refused.value.problems] == [key]


@pytest.mark.parametrize(
    "text", [*CASES.values(), *(each.format(PASSWORD) for each, _ in BESIDE)]
)
def test_nothing_that_is_said_holds_the_secret(text: str) -> None:
    verdict = told(SCANNER, text)
    assert verdict.findings
    for each in verdict.findings:
        secret = text[each.start : each.end]
        for said in (repr(verdict), repr(each), each.reason, repr(verdict.facts)):
            assert secret not in said
            assert secret[:12] not in said


def test_an_allowed_secret_is_in_no_repr() -> None:
    assert GITHUB not in repr(SecretsSettings(allow=(GITHUB,)))


def test_a_long_text_is_scanned_off_the_event_loop() -> None:
    text = "a " * IN_THREAD + GITHUB
    assert found(told(SCANNER, text), text) == [GITHUB]


def test_it_is_for_prompts_and_answers() -> None:
    assert Secrets.sides == {Side.INPUT, Side.OUTPUT}
    scanner = Secrets(SecretsSettings(), RESOURCES)
    asyncio.run(scanner.load())
    assert scanner.verdict(Text(GITHUB)).risk > 0.9


PARTS = st.sampled_from(
    [*CASES.values(), "password is ", "key = ", "\ud800", "\x00", "é😀", "://"]
)


@settings(deadline=None)
@given(st.lists(ANY_TEXT | PARTS, max_size=6))
def test_any_text_gets_a_sound_verdict(parts: list[str]) -> None:
    text = "".join(parts)
    sound(told(SCANNER, text), text)


@settings(deadline=None)
@given(ANY_TEXT, st.sampled_from(sorted(CASES)), ANY_TEXT)
def test_what_stands_around_a_secret_does_not_hide_it(
    before: str, rule: str, after: str
) -> None:
    text = f"{before}\n{CASES[rule]}\n{after}"
    left = replaced(text, told(SCANNER, text).findings)
    assert CASES[rule] not in left


@given(st.text(max_size=50))
def test_entropy_is_shannons(text: str) -> None:
    assert 0 <= entropy(text) <= max(0.0, len(text) ** 0.5 + 5)
    assert entropy(text + text) == pytest.approx(entropy(text))


def test_entropy_of_known_texts() -> None:
    assert entropy("") == entropy("aaaa") == 0
    assert entropy("abcd") == pytest.approx(2)
    assert entropy("0123456789abcdef") == pytest.approx(4)
