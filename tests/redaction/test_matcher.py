"""Masking is the same for every cut of a stream, and leaves no value."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from skykeep.redaction import Match, Redactor

# Few letters, so that values overlap, repeat and begin like each other. No '*': a mask
# beside other text could else make a value that was not there.
LETTERS = st.sampled_from([b"a", b"b", b"c"])


def text(least: int, most: int) -> st.SearchStrategy[bytes]:
    return st.lists(LETTERS, min_size=least, max_size=most).map(b"".join)


VALUES = st.lists(
    st.one_of(text(1, 6), text(7, 14), text(15, 30), text(31, 70)), min_size=0, max_size=40
)


@st.composite
def cases(draw: st.DrawFn) -> tuple[list[bytes], list[bytes]]:
    """Values, and a stream in pieces that has many of them in it, whole and in part."""
    values = draw(VALUES)
    parts = [text(0, 40)]
    if values:
        some = st.sampled_from(values)
        parts += [some, some.map(lambda value: value[:-1]), some.map(lambda value: value[1:])]
    data = b"".join(draw(st.lists(st.one_of(parts), max_size=12)))
    cuts = sorted(draw(st.lists(st.integers(0, len(data)), max_size=8)))
    edges = [0, *cuts, len(data)]
    return values, [data[a:b] for a, b in pairwise(edges)]


def slowly(values: list[bytes], data: bytes) -> set[tuple[int, int]]:
    """Every occurrence, by looking at every place."""
    return {
        (at, at + len(value))
        for value in values
        if value
        for at in range(len(data))
        if data.startswith(value, at)
    }


@given(cases())
@example(([b"abab"], [b"ab", b"abab"]))
@example(([b"abcabc", b"abcabcaa", b"cab"], [b"abcabc", b"a", b"b"]))
def test_every_occurrence_is_found_and_masked(case: tuple[list[bytes], list[bytes]]) -> None:
    values, pieces = case
    data = b"".join(pieces)
    redactor = Redactor(values)
    found = list(redactor.find(data))
    assert {match[:2] for match in found} == slowly(values, data)
    assert len(found) == len({match[:2] for match in found})
    assert all(values[match.value] == data[match.start : match.end] for match in found)

    masked = redactor.redact(data)
    assert not any(value in masked for value in values if value)
    # What is left is what no value touches.
    touched = {at for start, end in slowly(values, data) for at in range(start, end)}
    left = bytes(byte for at, byte in enumerate(data) if at not in touched)
    assert masked.replace(b"***", b"") == left


@given(cases())
def test_a_stream_in_pieces_is_masked_as_a_whole(case: tuple[list[bytes], list[bytes]]) -> None:
    values, pieces = case
    redactor = Redactor(values)
    for _ in range(2):  # a flushed one can be used again
        masked = b"".join(map(redactor.feed, pieces)) + redactor.flush()
        assert masked == redactor.redact(b"".join(pieces))


@given(st.lists(st.binary(min_size=1, max_size=40), max_size=30), st.binary(max_size=200))
def test_any_bytes(values: list[bytes], data: bytes) -> None:
    whole = b"".join(values) + data + b"".join(values)
    assert {match[:2] for match in Redactor(values).find(whole)} == slowly(values, whole)


@pytest.mark.parametrize("size", [1, 6, 7, 8, 14, 15, 16, 22, 23, 30, 31, 32, 33, 100])
@pytest.mark.parametrize("count", [1, 8, 9, 50])
def test_at_every_place_among_few_and_many(size: int, count: int) -> None:
    values = [bytes([1 + n]) * size for n in range(count)]
    redactor = Redactor(values)
    for before in range(60):
        data = bytes(before) + values[-1] + bytes(3)
        assert redactor.redact(data) == bytes(before) + b"***" + bytes(3)


def test_many_values_take_shorter_strides() -> None:
    values = [f"{n:08d}{'-' * 30}".encode() for n in range(26_000)]
    redactor = Redactor(values)
    assert redactor.redact(b"x" + values[25_999] + b"y") == b"x***y"


def test_far_into_a_long_text() -> None:
    values = [f"value-number-{n:020d}".encode() for n in range(100)]
    data = b"".join(b"." * 70_000 + value for value in values[:5])
    assert Redactor(values).redact(data) == (b"." * 70_000 + b"***") * 5


def test_a_line_is_not_held_back() -> None:
    redactor = Redactor([b"secret-value", b"other"])
    assert redactor.feed(b"a line\n") == b"a line\n"
    assert redactor.feed(b"a secret-") == b"a "
    assert redactor.feed(b"value, anot") == b"***, an"
    assert redactor.flush() == b"ot"


def test_what_overlaps_is_one_and_what_touches_is_two() -> None:
    redactor = Redactor([b"abcdefgh", b"efghijkl", b"mnopqrst"], mask=b"<gone>")
    assert redactor.redact(b"-abcdefghijklmnopqrst-") == b"-<gone><gone>-"


def test_a_match_names_the_first_of_equal_values() -> None:
    redactor = Redactor([b"", b"other-one", b"password1", b"password1"])
    assert list(redactor.find(b"my password1")) == [Match(3, 12, 2)]
    assert redactor.longest == 9


def test_it_shows_no_value() -> None:
    assert repr(Redactor([b"canary"])) == "Redactor(1 values)"


def test_no_values_change_nothing() -> None:
    redactor = Redactor([])
    assert (redactor.feed(b"abc"), redactor.flush(), redactor.redact(b"d")) == (
        b"abc",
        b"",
        b"d",
    )
