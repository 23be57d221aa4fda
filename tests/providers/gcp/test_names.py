"""Names become ids, and stages aliases, injectively and back."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from skykeep.errors import Invalid
from skykeep.interfaces.name_code import decode, encode
from skykeep.interfaces.names import check_name
from skykeep.interfaces.secret_checks import check_stage
from skykeep.interfaces.secret_driver import CURRENT, PREVIOUS
from skykeep.providers.gcp.names import (
    LONGEST,
    LONGEST_ALIAS,
    Names,
    alias,
    stage,
    substring,
)

ID = re.compile(r"[A-Za-z0-9_-]+\Z")
# "An alias string must start with a letter and cannot be the string 'latest' or 'NEW'."
ALIAS = re.compile(r"(?!(?:latest|NEW)\Z)[A-Za-z][A-Za-z0-9_-]{0,62}\Z")

MARKS = "._-/"
texts = st.text(st.sampled_from("aZ09usd" + MARKS), min_size=1, max_size=40)
ids = st.text(st.sampled_from("aZ09usd_-"), min_size=1, max_size=40)


def is_name(text: str) -> bool:
    try:
        check_name(text)
    except Invalid:
        return False
    return True


names = texts.filter(is_name)


def is_stage(text: str) -> bool:
    try:
        check_stage(text)
    except Invalid:
        return False
    return True


stages = st.text(st.sampled_from("aZ09us._-"), min_size=1, max_size=30).filter(is_stage)

READABLE = {
    "db-password": "db-password",
    "db_password": "db_password",
    "DB_PASSWORD-2": "DB_PASSWORD-2",
    "db/password": "db__password",
    "a/b/c": "a__b__c",
    "app/tls.crt": "app__tls___crt",
    ".env": "___env",
    "a_": "a_",
    "a/_b": "a____su_b",
    "a__b": "a____uu_b",
    "__proto__": "____uu_proto____uu_",
}


@pytest.mark.parametrize(("name", "code"), READABLE.items())
def test_usual_names_stay_readable(name: str, code: str) -> None:
    assert encode(name) == code
    assert decode(code) == name


@given(texts)
def test_a_text_comes_back(text: str) -> None:
    code = encode(text)
    assert ID.match(code)
    assert decode(code) == text


@given(texts, texts)
@example("a/_b", "a_/b")
@example("a____b", "a__/b")
def test_two_texts_never_meet(one: str, other: str) -> None:
    assert (encode(one) == encode(other)) is (one == other)


@given(ids)
@example("a____b")
@example("____us_")
@example("____us__")
@example("_____us_")
@example("____us_____sd_")
def test_an_id_is_the_code_of_one_text_or_of_none(code: str) -> None:
    text = decode(code)
    assert text is None or encode(text) == code


@given(ids, st.sampled_from(["", "app/", "app_", "app-", "a."]))
def test_every_foreign_id_has_a_name_that_leads_back(code: str, prefix: str) -> None:
    codec = Names(prefix)
    name = codec.portable(code)
    assert codec.stored(name) == code
    check_name(name)


@given(names, st.sampled_from(["", "app/", "app_", "app-", "a."]))
def test_a_name_comes_back_through_any_prefix(name: str, prefix: str) -> None:
    codec = Names(prefix)
    assert codec.portable(codec.stored(name)) == name


@given(names, names, st.sampled_from(["", "app/", "app_", "app-", "OR", "-x"]))
@example("a", "_b", "app/")
def test_the_filter_loses_no_name(first: str, second: str, prefix: str) -> None:
    codec = Names(prefix)
    name = f"{first}/{second}"
    start = codec.start(first)
    stored = codec.stored(name)
    assert codec.has(stored, start)
    assert substring(start) in stored
    assert re.match(r"(?!-)[A-Za-z0-9_-]*\Z", substring(start)), "nothing that a filter parses"
    assert substring(start) not in {"AND", "OR", "NOT"}


def test_the_filter_is_of_use() -> None:
    assert substring("db/") == "db__"
    assert substring("team/app-") == "team__app-"
    assert substring("") == ""


def test_whole_segments_only() -> None:
    codec = Names("")
    assert not codec.has(encode("dbx/password"), codec.start("db"))
    assert not codec.has(encode("db"), codec.start("db"))
    assert not codec.has("no____code", codec.start("db"))
    assert codec.has("no____code", codec.start(""))


@pytest.mark.parametrize(("name", "fits"), [("n" * 255, True), ("n" * 254 + "/n", False)])
def test_the_longest_name(name: str, fits: bool) -> None:
    if fits:
        assert len(Names("").stored(name)) == LONGEST
        return
    with pytest.raises(Invalid, match="255"):
        Names("").stored(name)


@pytest.mark.parametrize(
    "name",
    [
        "native:with space",
        "native:a/b",
        "native:dot.ted",
        "native:projects/p/secrets/",
        "native:projects/p/secrets/x/versions/1",
        "native:projects/../secrets/x",
        "native:projects/p?x/secrets/x",
        "native:projects//secrets/x",
        "native:projects/p/locations/europe-west3/secrets/x",
        "native:" + "x" * 256,
    ],
)
def test_what_is_no_native_name(name: str) -> None:
    with pytest.raises(Invalid, match="no name for Google Secret Manager"):
        Names("").stored(name)


def test_a_native_name_of_another_project() -> None:
    for project in ("other-1", "123456", "example.com:old-1"):
        whole = f"projects/{project}/secrets/x"
        assert Names("app/").stored(f"native:{whole}") == whole


def test_a_native_name_of_a_location_is_for_that_location() -> None:
    whole = "projects/p-1/locations/europe-west3/secrets/x"
    assert Names("", "europe-west3").stored(f"native:{whole}") == whole
    with pytest.raises(Invalid):
        Names("", "europe-west1").stored(f"native:{whole}")
    with pytest.raises(Invalid):
        Names("", "europe-west3").stored("native:projects/p-1/secrets/x")


@given(stages)
@example("latest")
@example("NEW")
@example("2024.1")
@example("s____2024")
def test_a_stage_comes_back(text: str) -> None:
    code = alias(text)
    assert ALIAS.match(code)
    assert stage(code) == (None if text in {CURRENT, PREVIOUS} else text)


@given(stages, stages)
def test_two_stages_never_meet(one: str, other: str) -> None:
    assert (alias(one) == alias(other)) is (one == other)


@given(ids.filter(ALIAS.match))
@example("s____latest")
@example("s____NEW")
@example("s____2")
@example("s____x")
@example("a__b")
def test_an_alias_is_of_one_stage_or_of_none(code: str) -> None:
    text = stage(code)
    assert text is None or alias(text) == code


def test_the_longest_stage() -> None:
    assert len(alias("s" * LONGEST_ALIAS)) == LONGEST_ALIAS
    with pytest.raises(Invalid, match="63"):
        alias("s" * (LONGEST_ALIAS + 1))
