"""Names: no two meet, each comes back, and what cannot be is refused before any call."""

from __future__ import annotations

import re
import string

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from skykeep.errors import Invalid
from skykeep.interfaces.names import check_name
from skykeep.providers.kubernetes.names import (
    MAX_NAME_CHARS,
    Names,
    check_label,
    check_object,
    check_prefix,
    object_name,
    portable,
)

# The rule as Kubernetes words it: RFC 1123 labels, joined by dots.
SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")

segments = st.text("abxkcudm01ABXKCZ._-", min_size=1, max_size=9).filter(
    lambda text: text not in {".", ".."}
)
names = st.lists(segments, min_size=1, max_size=5).map("/".join)
objects = st.text("abxkcudm01.-", min_size=1, max_size=16).filter(
    lambda text: SUBDOMAIN.fullmatch(text) is not None
)

READABLE = {
    "db/password": "db.password",
    "llm-shield/openai-key": "llm-shield.openai-key",
    "DB_PASSWORD": "x--kdb--upassword",
    "app/DB_URL": "app.x--kdb--uurl",
    "myApp": "my--capp",
    "a.b": "a--db",
    "a--b": "a--m--mb",
    "-a-": "x--ma--m",
    "x_": "x--x--u",
}


@pytest.mark.parametrize("name", READABLE)
def test_ordinary_names_can_be_read(name: str) -> None:
    assert object_name(name) == READABLE[name]
    assert portable(READABLE[name]) == name


@given(names)
@example("x_")
@example("A")
@example("AB/cD/EF")
def test_a_name_is_an_objects_name_and_comes_back(name: str) -> None:
    found = object_name(check_name(name))
    assert SUBDOMAIN.fullmatch(found)
    assert portable(found) == name
    assert len(found) <= 4 * len(name) + 1


@given(names, names)
def test_no_two_meet(one: str, other: str) -> None:
    assume(one != other)
    assert object_name(one) != object_name(other)


@given(objects)
@example("x--zz")
@example("a--k")
@example("x--u-")
def test_a_foreign_name_is_one_portable_name_or_none(found: str) -> None:
    name = portable(found)
    assert name is None or object_name(name) == found


@pytest.mark.parametrize("letter", string.ascii_letters + string.digits + "._-")
def test_a_name_of_63_always_fits(letter: str) -> None:
    assert len(object_name(f"{letter}a" * 31 + letter)) <= MAX_NAME_CHARS


def test_a_name_that_is_too_long() -> None:
    assert object_name("n" * MAX_NAME_CHARS) == "n" * MAX_NAME_CHARS
    with pytest.raises(Invalid, match=r"254 characters.* 253"):
        object_name("n" * (MAX_NAME_CHARS + 1))
    with pytest.raises(Invalid, match="at most 253"):
        Names("p" * 200 + "/").object("n" * 60)


@pytest.mark.parametrize("name", ["Upper", "a_b", "-a", "a.", "a/b", "ü", "n" * 254])
def test_no_object_is_called_so(name: str) -> None:
    with pytest.raises(Invalid):
        check_object(name)
    with pytest.raises(Invalid):
        Names("").object(f"native:{name}")


def test_a_native_name_is_taken_as_it_is() -> None:
    assert Names("team/").object("native:foreign--name") == "foreign--name"


def test_the_prefix_is_put_on_and_taken_off() -> None:
    made = Names("Team/my-")
    found = made.object("app")
    assert portable(found) == "Team/my-app"
    assert made.portable(found, made.start("")) == "app"
    assert made.portable("other", made.start("")) is None
    assert made.portable(object_name("Team/my-"), made.start("")) is None, "nothing is left"
    assert made.portable(object_name("Team/my-/x"), made.start("")) is None, "no name is left"
    assert made.start("a/b") == "Team/my-a/b/"


@pytest.mark.parametrize("prefix", ["", "team/", "team/app-", "Team.x_", "a/b/"])
def test_a_prefix_that_can_be(prefix: str) -> None:
    check_prefix(prefix)


@pytest.mark.parametrize("prefix", ["/", "/a", "a//", "a/../", "../", ".", "a/.", "ü/", "a b"])
def test_a_prefix_that_cannot_be(prefix: str) -> None:
    with pytest.raises(Invalid):
        check_prefix(prefix)


@pytest.mark.parametrize("label", ["", "a.b", "A", "-a", "a" * 64])
def test_no_namespace_is_called_so(label: str) -> None:
    with pytest.raises(Invalid):
        check_label(label)
