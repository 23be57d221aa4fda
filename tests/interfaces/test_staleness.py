"""How far behind an answer may be, how that is told, and whose a version or a cursor is."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skykeep.errors import Unavailable
from skykeep.interfaces.call import Answer, Call, Effect, Target
from skykeep.interfaces.foreign_versions import split, told
from skykeep.interfaces.secret_data import Provenance, Stamp
from skykeep.interfaces.staleness import check_fresh, pin, pinned, provenance_of


async def _nothing(target: Target) -> None:
    raise AssertionError("nothing is sent")


def call(*, max_stale: float | None = None, strict: bool = False) -> Call[None]:
    return Call("secrets.get", "n", Effect.READ, _nothing, max_stale=max_stale, strict=strict)


# -- what is told


def test_the_age_counts_from_the_answer_and_before_that_from_what_was_owed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(time, "monotonic", lambda: 1000.0)
    answer = Answer("v", "replica", 990.0, stale=True, degraded=True, behind=7.0)
    assert provenance_of(answer, Stamp(5, bytes(16))) == Provenance(
        "replica", 17.0, True, True, False, 5
    )
    answer = Answer("v", "primary", 1000.0, cached=True)
    assert provenance_of(answer, None) == Provenance("primary", 0.0, False, False, True, None)


# -- what will do


@pytest.mark.parametrize(
    ("strict", "max_stale", "provenance", "refused"),
    [
        (False, None, Provenance("p", 1e9, True, True), None),
        (True, None, Provenance("p", 1e9), None),
        (True, None, Provenance("p", 0, stale=True), "is stale"),
        (True, None, Provenance("p", 0, degraded=True), "another target"),
        (False, 5.0, Provenance("p", 5.0, True, True), None),
        (False, 5.0, Provenance("p", 5.1), "at most 5 s will do"),
        (False, 0.0, Provenance("p", 0.1), "at most 0 s"),
        (True, 5.0, Provenance("p", 6.0), "at most 5 s"),
        (True, 5.0, Provenance("p", 1.0, degraded=True), "another target"),
    ],
)
def test_what_the_call_does_not_take_is_no_answer(
    strict: bool, max_stale: float | None, provenance: Provenance, refused: str | None
) -> None:
    asked = call(strict=strict, max_stale=max_stale)
    if refused is None:
        check_fresh(asked, provenance)
        return
    with pytest.raises(Unavailable, match=refused) as caught:
        check_fresh(asked, provenance)
    assert "from p" in str(caught.value)
    assert "says so" in caught.value.hint


# -- cursors

SOURCES = st.text(st.characters(exclude_characters="\x1f"), min_size=1, max_size=20)
CURSORS = st.text(max_size=30).filter(lambda text: not text.startswith("\x1f"))


@given(CURSORS, SOURCES)
def test_a_cursor_comes_back_with_whose_it_is(cursor: str, source: str) -> None:
    assert pinned(pin(cursor, source)) == (source, cursor)


@given(CURSORS)
def test_a_cursor_of_nobody_in_particular_stays_as_it_is(cursor: str) -> None:
    assert pin(cursor, None) == cursor
    assert pinned(cursor) == (None, cursor)


def test_the_last_page_has_no_cursor() -> None:
    assert pin(None, "replica") is None
    assert pinned(None) == (None, None)


# -- versions

OTHERS = ("failover (aws)", "backup (gcp)")


@given(st.text(min_size=1, max_size=20), st.sampled_from(OTHERS))
def test_another_targets_version_comes_back_with_whose_it_is(version: str, of: str) -> None:
    shown = told(version, Answer(None, of, degraded=True))
    assert shown == f"{version}@{of}"
    assert split(shown, OTHERS) == (of, version)


def test_the_primarys_version_is_told_as_it_is() -> None:
    assert told("3", Answer(None, "primary")) == "3"
    assert split("3", OTHERS) == (None, "3")
    assert split(None, OTHERS) == (None, None)


@pytest.mark.parametrize("version", ["3@somebody", "@", "failover (aws)", "3@backup (gcp)x"])
def test_what_ends_in_no_targets_name_is_the_primarys(version: str) -> None:
    assert split(version, OTHERS) == (None, version)


def test_with_one_target_nothing_is_split() -> None:
    assert split("3@failover (aws)", ()) == (None, "3@failover (aws)")
