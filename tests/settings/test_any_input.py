"""Whatever a file holds: it loads, or it is a ConfigError with a place."""

from __future__ import annotations

import datetime as dt
import json
import tempfile
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from skykeep.errors import ConfigError, Problem
from skykeep.settings.diagnose import checked
from skykeep.settings.load import Flags, check, load, show
from skykeep.settings.model import EnvironmentSettings
from skykeep.settings.nodes import plain
from skykeep.settings.parse import parse
from skykeep.settings.trees import CloudTree
from tests.settings.providers import lacking_of, settings_of

OTHER_KEYS = (
    "backend", "name", "region", "ttl_seconds", "max_entries", "attempts",
    "tenant", "key_vault",
    "vault_url", "auth", "api_keys", "source", "default_environment", "x-a", "a", "prod", "<<",
)  # fmt: skip
KEYS = st.sampled_from(
    (*EnvironmentSettings.__struct_fields__, *CloudTree.__struct_fields__, *OTHER_KEYS)
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-3, 12)
    | st.integers()
    | st.floats()
    | st.sampled_from(["aws", "local", "memory", "none", "a", "${X}", "${Y:-1}", "", "a/b"])
    | st.text(max_size=8)
)
TREES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=20,
)
PIECES = st.lists(
    st.sampled_from(
        ["a", ":", " ", "\n", "  ", "-", "{", "}", "[", "]", "&a", "*a", "!!", "!x", "'", '"',
         "|", ">", "#", ",", "? ", "<<", "primary", "backend: local", "${X}", "---", "...",
         "\t", "%YAML 1.1", "\0", "é", "\x85", "=", "0x_", "1:2", "\\", "@", "`"]
    ),
    max_size=30,
).map("".join)  # fmt: skip


def never_anything_else(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "skykeep.yaml"
        path.write_bytes(data)
        flags, environ = Flags(config=path), {"X": "5"}
        refused: tuple[Problem, ...] = ()
        try:
            load(flags, environ=environ, settings_of=settings_of)
            json.dumps(show(flags, environ=environ, settings_of=settings_of))
        except ConfigError as error:
            refused = error.problems
        reported = check(
            flags, environ=environ, settings_of=settings_of, lacking_of=lacking_of
        ).problems
        for problem in (*refused, *reported):
            assert problem.message
            assert str(problem).isprintable()


@settings(deadline=None, max_examples=200)
@given(st.dictionaries(KEYS, TREES, max_size=6))
def test_any_tree(tree: dict[str, Any]) -> None:
    never_anything_else(yaml.safe_dump(tree, allow_unicode=True).encode())


@settings(deadline=None, max_examples=300)
@given(PIECES)
def test_any_text(text: str) -> None:
    never_anything_else(text.encode())


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=60))
def test_any_bytes(data: bytes) -> None:
    never_anything_else(data)


@settings(deadline=None, max_examples=300)
@given(TREES, st.sampled_from([EnvironmentSettings, CloudTree]))
def test_the_diagnosis_agrees_with_the_conversion(tree: Any, kind: type[Any]) -> None:
    text = yaml.safe_dump(tree)
    try:
        parsed = parse(text, "f", {"X": "5"})
    except ConfigError:
        return
    if parsed.root is None or parsed.problems:
        return
    problems: list[Problem] = []
    result = checked(parsed.root, kind, "", problems)
    try:
        converted = msgspec.convert(plain(parsed.root), kind)
    except msgspec.ValidationError:
        assert result is None
        assert problems
        # msgspec's own words are English for machines; ours say what was expected. (They show
        # what was found, which may have the sign of msgspec's words in it.)
        assert "`" in text or all("`" not in problem.message for problem in problems)
    else:
        assert (result, problems) == (converted, [])


class Odd(msgspec.Struct):
    day: dt.date = dt.date(2020, 1, 1)
    choice: int | str = 5

    def __post_init__(self) -> None:
        if self.choice not in {5, "five"}:
            raise ValueError(f"choice {self.choice} is wrong")


@pytest.mark.parametrize("value", ["x", 5, -1, True, None, [], {}, 2.5])
def test_types_that_only_msgspec_judges(value: object) -> None:
    parsed = parse(json.dumps({"day": value}), "f", {})
    assert parsed.root is not None
    problems: list[Problem] = []
    assert checked(parsed.root, Odd, "k", problems) is None
    assert [(problem.line, problem.key) for problem in problems] == [(1, "k.day")]


def test_a_check_of_the_class_itself() -> None:
    for written, shown in (("six", "six"), ("${X}", "***")):
        parsed = parse(f"day: 2021-01-01\nchoice: {written}", "f", {"X": "hidden"})
        assert parsed.root is not None
        problems: list[Problem] = []
        assert checked(parsed.root, Odd, "k", problems) is None
        assert problems == [Problem("f", 2, "k.choice", f"choice {shown} is wrong")]


def test_where_in_a_list() -> None:
    parsed = parse("[{choice: 5},\n {day: x}]", "f", {})
    assert parsed.root is not None
    problems: list[Problem] = []
    assert checked(parsed.root, list[Odd], "k", problems) is None
    assert [(problem.line, problem.key) for problem in problems] == [(2, "k[1].day")]
