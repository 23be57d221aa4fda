"""Names of metadata in Blob Storage: none is lost, and no two meet."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skykeep.interfaces.object_writing import MARK
from skykeep.providers.azure.blob.names import RECORDS, portable, stored

names = st.from_regex(r"[a-z0-9_-]*[a-z0-9][a-z0-9_-]*", fullmatch=True)
IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@given(names)
def test_a_name_comes_back(name: str) -> None:
    assert portable(stored(name)) == name


@given(names)
def test_azure_takes_it(name: str) -> None:
    assert IDENTIFIER.fullmatch(stored(name))


@given(names, names)
def test_no_two_meet_whatever_the_case(one: str, other: str) -> None:
    assert (stored(one).lower() == stored(other).lower()) is (one == other)


@given(st.from_regex(r"[A-Za-z_][A-Za-z0-9_]*", fullmatch=True))
def test_a_name_of_others_is_shown_as_one_of_ours_or_as_it_is(name: str) -> None:
    shown = portable(name)
    assert stored(shown) == name.lower() or shown == name.lower()


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("owner", "owner"),
        ("cost_center", "cost_center"),
        ("_hidden_", "_hidden_"),
        ("cost-center", "cost__dcenter"),
        ("a__b", "a__u_b"),
        ("a_-b", "a__u__db"),
        ("2fa", "__n2fa"),
        ("class", "class"),
        (MARK, "skykeep__dwrite"),
    ],
)
def test_how_names_are_kept(name: str, kept: str) -> None:
    assert stored(name) == kept
    assert portable(kept) == name
    assert portable(kept.upper()) == name


@pytest.mark.parametrize(
    "name", ["a__b", "__n", "a__n1", "__na", "a___b", "x__d__", "a__ub", "__", "__d__n"]
)
def test_a_name_that_is_none_of_ours_is_shown_as_it_is(name: str) -> None:
    assert portable(name) == name


def test_no_key_is_a_record_of_an_upload() -> None:
    from skykeep.errors import Invalid
    from skykeep.interfaces.object_keys import check_key

    with pytest.raises(Invalid):
        check_key(f"{RECORDS}x")
