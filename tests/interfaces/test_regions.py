"""Names of regions, compared."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skykeep.interfaces.regions import folded, parts, within

NAMES = st.from_regex(r"[a-z]{2,9}(-[a-z]{3,9})?-?[0-9]?", fullmatch=True)


@pytest.mark.parametrize(
    ("region", "allowed", "answer"),
    [
        ("eu-west-1", ("eu-west-1",), True),
        ("eu-west-1", ("eu-west-2", "eu-west-1"), True),
        ("eu-west-1", ("eu-west",), False),
        ("eu-west-10", ("eu-west-1",), False),
        ("eu-west-1", ("eu-*",), True),
        ("us-east-1", ("eu-*",), False),
        ("us-east-1", ("*",), True),
        ("EU-WEST-1", ("eu-west-1",), True),
        ("eu-west-1", ("EU-*",), True),
        # Google's multi-regions are regions of their own.
        ("EU", ("eu",), True),
        ("EU", ("eu-*", "europe-*"), False),
        ("europe-west3", ("EU",), False),
        ("europe-west3", ("eu*",), True),
        # Azure's names as the portal shows them
        ("West Europe", ("westeurope",), True),
        ("westeurope", ("West Europe", "North Europe"), True),
        ("Germany West Central", ("germany*",), True),
        # several: each has all of it
        ("eu-west-1,eu-central-1", ("eu-*",), True),
        ("eu-west-1,us-east-1", ("eu-*",), False),
        ("eu-west-1, us-east-1", ("eu-west-1", "us-east-1"), True),
        # nobody knows what that is
        ("", ("*",), False),
        (",", ("*",), False),
        ("eu-west-1", (), False),
    ],
)
def test_within(region: str, allowed: tuple[str, ...], answer: bool) -> None:
    assert within(region, allowed) is answer


@given(NAMES)
def test_a_region_is_in_itself_however_it_is_written(name: str) -> None:
    assert within(name.upper(), (name,))
    assert within(f" {name} ", (name,))
    assert within(name, (f"{name[:2]}*",))
    assert not within(f"{name}x", (name,))


@given(NAMES, NAMES)
def test_of_several_each_counts(one: str, two: str) -> None:
    assert parts(f"{one},{two}") == [folded(one), folded(two)]
    assert within(f"{one},{two}", (one, two))
    assert within(f"{one},{two}", (one,)) is (one == two)
