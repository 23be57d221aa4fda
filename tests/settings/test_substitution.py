"""``${VARIABLE}``: what it means, and that what it holds is never shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skykeep.errors import ConfigError
from skykeep.settings.load import Flags, check, show
from skykeep.settings.nodes import plain
from skykeep.settings.parse import parse
from skykeep.settings.substitute import escape, substitute
from tests.settings.conftest import Load, Mistakes
from tests.settings.providers import lacking_of, settings_of

NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,5}", fullmatch=True)
TEXT = st.text(st.characters(codec="utf-8"), max_size=30)


def read(text: str, **environ: str) -> object:
    parsed = parse(text, "f", environ)
    assert parsed.root is not None
    assert not parsed.problems
    assert not parsed.unset
    return plain(parsed.root)


@pytest.mark.parametrize(
    ("text", "environ", "value"),
    [
        ("${X}", {"X": "abc"}, "abc"),
        ("a${X}b${Y}c", {"X": "1", "Y": "2"}, "a1b2c"),
        ("${X}", {"X": "5"}, 5),
        ("${X}", {"X": "2.5"}, 2.5),
        ("${X}", {"X": "true"}, True),
        ("${X}", {"X": ""}, None),
        ('"${X}"', {"X": "5"}, "5"),
        ("'${X}'", {"X": "true"}, "true"),
        ('"${X}"', {"X": ""}, ""),
        ("!!str ${X}", {"X": "5"}, "5"),
        ("! ${X}", {"X": "5"}, "5"),
        ("!!int '${X}'", {"X": "5"}, 5),
        ("|-\n ${X}", {"X": "5"}, "5"),
        ("${X:-7}", {}, 7),
        ("${X:-7}", {"X": ""}, 7),
        ("${X:-7}", {"X": "8"}, 8),
        ("'${X:-}'", {}, ""),
        ('"${X:-a b}"', {}, "a b"),
        ("$${X}", {"X": "5"}, "${X}"),
        ('"$X $ $$ {X}"', {"X": "5"}, "$X $ $$ {X}"),
        ("${X}", {"X": "a: b"}, "a: b"),
        ("${X}", {"X": "[1, 2]"}, "[1, 2]"),
        ("${X}", {"X": "&a *b"}, "&a *b"),
        ("${X}", {"X": "a\nb: c"}, "a\nb: c"),
        ("${X}", {"X": "!!python/none"}, "!!python/none"),
        ("${X}", {"X": "${Y}", "Y": "no"}, "${Y}"),
        ("${X}", {"X": "# no comment"}, "# no comment"),
    ],
)
def test_substitution(text: str, environ: dict[str, str], value: object) -> None:
    assert read(f"a: {text}", **environ) == {"a": value}


def test_keys_and_comments_are_left_alone() -> None:
    assert read("${X}: 1 # ${Y}") == {"${X}": 1}


@pytest.mark.parametrize("text", ["${}", "${1}", "${A-b}", "${A:b}", "${", "${A", "${ A }"])
def test_notation_mistakes(mistakes: Mistakes, text: str) -> None:
    (line,) = mistakes(f"deadline_seconds: '{text}'", {"A": "1"})
    assert line.startswith(":1: deadline_seconds: expected ${NAME} or ${NAME:-default} after")


def test_not_utf8(mistakes: Mistakes) -> None:
    assert mistakes("deadline_seconds: ${X}", {"X": "\udcff"}) == [
        ":1: deadline_seconds: the environment variable X is not UTF-8 text"
    ]


def test_an_unset_variable(mistakes: Mistakes) -> None:
    assert mistakes("cache:\n  ttl_seconds: ${T}\n") == [
        (
            ":2: cache.ttl_seconds: the environment variable T is not set; "
            "${T:-default} gives a "
            "default"
        )
    ]


TWO = "dev: {primary: {backend: memory}}\nprod: {primary: {backend: memory, token: '${T}'}}\n"


def test_what_another_environment_needs_may_be_unset(loaded: Load, mistakes: Mistakes) -> None:
    assert loaded(TWO, env="dev").name == "dev"
    assert mistakes(TWO, env="prod") == [
        (
            ":2: prod.primary.token: the environment variable T is not set; "
            "${T:-default} gives a "
            "default"
        )
    ]
    report = check(Flags(env="dev"), environ={}, settings_of=settings_of, lacking_of=lacking_of)
    assert [problem.line for problem in report.problems] == [2]


def test_an_anchor_s_variable_matters_where_it_is_used(loaded: Load) -> None:
    text = f"x-t: &t {{backend: memory, token: '${{T}}'}}\n{TWO}own: {{primary: *t}}\n"
    assert loaded(text, env="dev").name == "dev"
    with pytest.raises(ConfigError):
        loaded(text, env="own")


@pytest.mark.parametrize(
    "text", ["cloud: {provider: '${X}'}", "auth: '${X}'", "default_environment: ${X}"]
)
def test_what_all_need_must_be_set(mistakes: Mistakes, text: str) -> None:
    (line,) = mistakes(f"{text}\n{TWO}", env="dev")
    assert "X is not set" in line


CANARY = "hunter2-canary"


@pytest.mark.parametrize(
    "text",
    [
        "cache: {ttl_seconds: '${X}'}",
        "retry: {attempts: 'a${X}b'}",
        "cloud: {provider: '${X}'}",
        "default_environment: ${X}",
        "scope: {tenant: '/${X}'}",
        "run: {A: '${X} '}",
        "a: {primary: {backend: '${X}'}}",
        "a: {primary: '${X}'}",
        "a: {primary: {backend: memory, labels: '${X}'}}",
        "${X}",
        "a: '${X}'",
    ],
)
def test_errors_never_show_what_a_variable_holds(loaded: Load, text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        loaded(text, {"X": CANARY})
    assert CANARY not in str(caught.value)
    assert caught.value.problems[0].line == 1
    assert CANARY not in repr(
        check(environ={"X": CANARY}, settings_of=settings_of, lacking_of=lacking_of)
    )


def test_show_never_does_either(loaded: Load) -> None:
    text = (
        "a:\n"
        "  primary: {backend: aws, region: 'eu-${X}', deep: {er: ['${X}']}}\n"
        "  failover: {backend: memory, token: '${X}'}\n"
        "  scope: {tenant: '${X}'}\n"
        "  run: {A: '${X}'}\n"
        "cloud: {aws: {region: '${X}'}}\n"
    )
    loaded(text, {"X": CANARY})
    shown = show(environ={"X": CANARY}, settings_of=settings_of)
    assert CANARY not in repr(shown)
    assert shown["primary"]["region"] == shown["scope"] == shown["run"]["A"] == "***"
    assert shown["sources"]["primary.region"] == "skykeep.yaml:2 (from ${X})"


def test_secret_looking_values_are_not_in_errors(mistakes: Mistakes) -> None:
    text = f"cloud: {{azure: {{application_insights: {{instrumentation_key: [{CANARY}]}}}}}}"
    (line,) = mistakes(text)
    assert CANARY not in line
    assert mistakes("a: {primary: {backend: memory, token: 12345}}") == [
        ":1: a.primary.token: expected text, got the number, which is not shown here; quote it"
    ]


@given(TEXT)
def test_escaped_text_comes_back(text: str) -> None:
    assert substitute(escape(text), {}).text == text


@given(st.dictionaries(NAMES, TEXT, max_size=4), st.lists(TEXT, max_size=4))
def test_values_come_through_as_they_are(environ: dict[str, str], between: list[str]) -> None:
    pieces = [*between, ""]
    template = "".join(
        f"{escape(piece)}${{{name}}}" for piece, name in zip(pieces, environ, strict=False)
    )
    expected = "".join(
        f"{piece}{value}" for piece, value in zip(pieces, environ.values(), strict=False)
    )
    # A '$' right before a variable would escape it.
    if "$$" not in template:
        assert substitute(template, environ).text == expected


@given(TEXT)
def test_no_value_becomes_structure(value: str) -> None:
    for text in ("a: ${X}", "a: '${X}'", "a: |-\n  ${X}"):
        parsed = parse(text, "f", {"X": value})
        if not parsed.problems:
            root = plain(parsed.root) if parsed.root else None
            assert set(root or {}) == {"a"}
            assert not isinstance((root or {})["a"], (dict, list))
    assert read("a: '${X}'", X=value) == {"a": value}
