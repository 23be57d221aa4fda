"""Names of variables: no two names meet, and each comes back."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from skykeep.interfaces.names import check_name
from skykeep.providers.env.names import portable, variable

SEGMENT = st.from_regex(r"[A-Za-z0-9._-]{1,8}", fullmatch=True).filter(
    lambda segment: segment not in {".", ".."}
)
# Many underscores and slashes side by side: where two names would meet.
TIGHT = st.from_regex(r"[x_aA0.]{1,4}", fullmatch=True).filter(
    lambda segment: segment not in {".", ".."}
)
NAME = st.lists(SEGMENT | TIGHT, min_size=1, max_size=5).map("/".join)


@given(NAME, NAME)
@example("a__b", "a/b")
@example("a_/b", "a/_b")
@example("_a", "a_")
@example("x2d", "-")
@example("A", "a")
@example("x41", "A")
def test_no_two_names_meet(one: str, two: str) -> None:
    assert (variable(one) == variable(two)) == (one == two)


@given(NAME)
@example("0/0")
@example("___")
@example("_/_")
def test_each_name_comes_back_from_what_a_shell_can_set(name: str) -> None:
    assert portable(variable(name)) == name
    assert re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", variable(name))


@given(st.from_regex(r"[A-Zx0-9_a-f]{1,12}", fullmatch=True) | st.text(max_size=12))
@example("A___B")
@example("__A")
@example("A__")
@example("x2f")
@example("")
def test_a_variable_stands_for_one_name_or_none(found: str) -> None:
    name = portable(found)
    if name is not None:
        assert check_name(name) == name
        assert variable(name) == found


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("db/password", "DB__PASSWORD"),
        ("api_key", "API_KEY"),
        ("llm-shield/api-keys", "LLMx2dSHIELD__APIx2dKEYS"),
        ("1st/2nd", "x31ST__2ND"),
        ("Mixed", "x4dIXED"),
        ("a_/b", "Ax5f__B"),
        ("v1.2", "V1x2e2"),
    ],
)
def test_as_the_page_says(name: str, expected: str) -> None:
    assert variable(name) == expected


@pytest.mark.parametrize("found", ["path", "Mixed", "_", "_A", "A___B", "BASH_FUNC_x%%", "Ä"])
def test_variables_of_others(found: str) -> None:
    assert portable(found) is None
