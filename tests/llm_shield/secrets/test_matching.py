"""The engine: what it finds, that it finds all of it, and how much it reads."""

from __future__ import annotations

import random
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_shield.patterns.matching import NEAR, TOGETHER, Engine
from llm_shield.patterns.places import Places, encoded
from llm_shield.patterns.rules import Rule, packaged
from skykeep.errors import MissingExtra

RULES = packaged().rules
ANCHORS = sorted({anchor for rule in RULES for anchor in rule.anchors})

WIDE = Rule("wide", "own", "", "key[0-9]{3}", ("key",), 3, 6)


class Counted:
    """An expression that counts the bytes that it is given to read."""

    def __init__(self, expression: Any) -> None:
        self.expression = expression
        self.read = 0

    def search(self, data: bytes, start: int, stop: int) -> Any:
        match = self.expression.search(data, start, stop)
        self.read += (stop if match is None else match.end()) - start
        return match


def counted(data: bytes) -> int:
    engine = Engine(RULES)
    expressions = [Counted(engine.expression(at)) for at in range(len(RULES))]
    engine._compiled = dict(enumerate(expressions))
    for _ in engine.candidates(data, lambda candidate: candidate.start % 2 == 0):
        pass
    return sum(each.read for each in expressions)


SHAPES = {
    "one letter": "a",
    "brackets": "(",
    "addresses": "a@",
    "newlines": "\n",
    "names": "key",
    "assignments": "token = ",
    "found ones": 'key = "abcdef12345ghij" ',
    "kinds and data": "kind: secret data: x: aaaaaaaaaaaa ",
    "headers": 'curl -H "Authorization: Bearer ',
    "begun keys": "-----BEGIN PRIVATE_KEY-----\n".replace("_", " "),
    "halves of tokens": "eyJhbGciOiJIUzI1NiJ9.eyJ",
    "passwords": "password is password for ",
    "connections": "server=a;password=b;",
    "addresses with passwords": "http://a:b",
    "every keyword": " ".join(ANCHORS) + " ",
}


@pytest.mark.parametrize("shape", SHAPES.values(), ids=list(SHAPES))
def test_what_is_read_grows_with_the_text_and_no_faster(shape: str) -> None:
    def of(size: int) -> bytes:
        return (shape * (size // len(shape) + 1))[:size].encode()

    small, large = counted(of(64 * 1024)), counted(of(512 * 1024))
    assert large < 16 * max(small, 64 * 1024)
    # Of 253 rules no text makes more than a tenth read all of it a few times.
    assert large < 100 * 512 * 1024


def test_every_anchor_is_seen_whatever_else_is_there() -> None:
    """The set of anchors says nothing if its memory runs out; it must not."""
    engine = Engine(RULES)
    source = random.Random(4)
    for _ in range(5):
        chosen = source.sample(ANCHORS, 60)
        text = "".join(
            source.choice(chosen) + " " * source.randint(0, 3) for _ in range(20_000)
        )
        low = encoded(text)
        expected = {at for at, anchor in enumerate(engine._anchors) if anchor in low}
        assert set(engine.anchored(low)) == expected


def test_a_set_that_fails_hides_nothing() -> None:
    class Failed:
        def Match(self, data: bytes) -> list[int]:  # noqa: N802 - as RE2 calls it
            return []

    engine = Engine([WIDE])
    engine._set = Failed()
    assert [each.rule for each in engine.candidates(b"key123")] == [WIDE]


def test_windows_far_apart_are_searched_by_themselves() -> None:
    gap = TOGETHER + 100
    data = b"key" + b" " * gap + b"KEY" + b" " * (NEAR - 20) + b"key1"
    size = len(data)
    windows = Engine([WIDE]).windows(data)
    assert windows == {0: [(0, 7), (3 + gap - 4, size)]}
    near = b" " * 10 + b"key" + b" " * 500 + b"key"
    assert Engine([WIDE]).windows(near) == {0: [(6, len(near))]}


@settings(deadline=None)
@given(
    st.lists(st.sampled_from(["key123", "key", " ", "é", "x" * 300, " " * 17_000]), max_size=12)
)
def test_it_finds_what_the_expression_alone_finds(parts: list[str]) -> None:
    data = "".join(parts).encode()
    engine = Engine([WIDE])
    expected = [match.span() for match in engine.expression(0).finditer(data)]
    assert [(each.start, each.end) for each in engine.candidates(data)] == expected


def test_what_is_refused_does_not_hide_what_begins_in_it() -> None:
    rule = Rule("pair", "own", "", "key(key[0-9]|[a-z0-9]{4})", ("key",), 3, 8)
    data = b"keykey1key2"  # the first match is keykey1, its secret is key1
    first = next(Engine([rule]).candidates(data))
    assert data[first.secret_start : first.secret_end] == b"key1"
    later = list(Engine([rule]).candidates(data, lambda each: each.secret_start == 3))
    assert [data[each.secret_start : each.secret_end] for each in later] == [b"1key"]


def test_a_rule_without_anchors_is_looked_for_everywhere() -> None:
    rule = Rule("any", "user", "", "[0-9]{5}")
    assert [each.start for each in Engine([rule]).candidates(b"x" * 50_000 + b"12345")] == [
        50_000
    ]


def test_a_lead_reaches_back_over_the_name() -> None:
    rule = Rule("lead", "own", "", "(?i)key=([0-9]+)", ("key",), 3, 20, lead=True)
    [found] = Engine([rule]).candidates(b"a; public_Key=12")
    assert (found.start, found.secret_start) == (3, 14)
    [found] = Engine([rule]).candidates(b"x" * 80 + b"key=1")
    assert found.start == 30


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=[]), max_size=60), st.data())
def test_byte_places_are_code_points_again(text: str, data: st.DataObject) -> None:
    raw = encoded(text)
    assert len(raw.decode()) == len(text)
    bounds = sorted(data.draw(st.lists(st.integers(0, len(text)), min_size=6, max_size=6)))
    places = Places(raw, len(raw) == len(text))
    for start, end in zip(bounds[::2], bounds[1::2], strict=True):
        first, last = len(encoded(text[:start])), len(encoded(text[:end]))
        assert places.span(first, last) == (start, end)


def test_half_a_character_counts_as_all_of_it() -> None:
    raw = "aé😀z".encode()
    assert Places(raw, False).span(2, 4) == (1, 3)


def test_without_re2_the_command_that_installs_it_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "re2", None)
    with pytest.raises(MissingExtra) as told:
        Engine([WIDE])
    assert "skykeep[shield]" in told.value.hint
