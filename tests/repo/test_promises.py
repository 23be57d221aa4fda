"""Every test that docs/reference/promises.md names is there."""

from __future__ import annotations

import ast
import re
from functools import cache

import pytest

from tests.repo.tree import ROOT

PAGE = ROOT / "docs" / "reference" / "promises.md"
ROW = re.compile(r"^\| (?!promise |---)(?P<promise>.+?) \| (?P<tests>.+) \|$", re.MULTILINE)


def rows() -> dict[str, list[str]]:
    """Promise -> ids of its tests."""
    text = PAGE.read_text(encoding="utf-8")
    return {
        row["promise"]: re.findall(r"`([^`]+)`", row["tests"]) for row in ROW.finditer(text)
    }


@cache
def defined_in(path: str) -> frozenset[str]:
    """The test functions of a file below ``tests/``."""
    tree = ast.parse((ROOT / "tests" / path).read_text(encoding="utf-8"))
    return frozenset(
        each.name
        for each in ast.walk(tree)
        if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)
    )


def test_both_sections_are_there() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == [
        "Reads with several targets",
        "Writes with several targets",
    ]
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    assert len(rows()) == len(lines) - 4, "a row without tests, or one twice"
    assert len(rows()) > 50


@pytest.mark.parametrize("promise", rows())
def test_each_promise_names_tests_that_are_there(promise: str) -> None:
    found = rows()[promise]
    assert found
    for each in found:
        path, _, name = each.partition("::")
        assert name.startswith("test_"), each
        assert name in defined_in(path), f"there is no {each}"
