"""The error tree: one line for people, fields for programs."""

from __future__ import annotations

import inspect

import pytest

from skykeep import errors
from skykeep.errors import ConfigError, NotFound, Problem, SkykeepError, Throttled

CLASSES = [
    kind
    for _, kind in inspect.getmembers(errors, inspect.isclass)
    if issubclass(kind, SkykeepError)
]


def test_the_tree_is_drawn_completely() -> None:
    drawn = inspect.getdoc(errors) or ""
    for kind in CLASSES:
        assert kind.__name__ in drawn
        assert kind.__doc__
        assert kind.__name__ in errors.__all__
        assert kind is SkykeepError or kind.__bases__ == (SkykeepError,)


def test_the_line_says_what_where_and_the_mend() -> None:
    error = NotFound(
        "there is no secret 'db'", hint="skykeep ls", target="primary (aws)", request_id="r-1"
    )
    assert str(error) == ("there is no secret 'db' [primary (aws)] (request r-1); skykeep ls")
    assert str(NotFound("primary (aws) has it not", target="primary (aws)")) == (
        "primary (aws) has it not"
    )


def test_fields_are_filled_in_once() -> None:
    error = NotFound("gone", resource="mine")
    assert error.located(operation="secrets.get", resource="other", target="t") is error
    assert (error.operation, error.resource, error.target) == ("secrets.get", "mine", "t")


def test_throttled_says_how_long() -> None:
    assert Throttled("slow down", retry_after=1.5).retry_after == 1.5
    assert Throttled("slow down").retry_after is None


@pytest.mark.parametrize(
    ("problem", "line"),
    [
        (Problem("a.yaml", 3, "prod.primary", "wrong"), "a.yaml:3: prod.primary: wrong"),
        (Problem("a.yaml", 0, "", "wrong"), "a.yaml: wrong"),
        (Problem("", 0, "", "wrong"), "wrong"),
    ],
)
def test_problems_say_where(problem: Problem, line: str) -> None:
    assert str(problem) == line


def test_a_config_error_has_all_problems() -> None:
    one, two = Problem("a", 1, "k", "x"), Problem("a", 2, "l", "y")
    assert str(ConfigError([one, two], hint="mend it")) == "a:1: k: x\na:2: l: y; mend it"
    assert ConfigError(one).problems == (one,)
    assert ConfigError("just so").problems == (Problem("", 0, "", "just so"),)
