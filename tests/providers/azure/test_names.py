"""Portable names in Key Vault: what they become, that they come back and never meet."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from skykeep.errors import Invalid
from skykeep.interfaces.names import check_name
from skykeep.providers.azure.names import LONGEST, Names, check_prefix, decode, encode

ALPHABET = "abzABZ019._-/"
TEXTS = st.text(ALPHABET, max_size=24)
STORED = re.compile(r"[0-9a-z-]*")

WRITTEN = {
    "password": "password",
    "db-password": "db-password",
    "-a-": "-a-",
    "db/password": "db--password",
    "api.key": "api---dkey",
    "db_user": "db---luser",
    "a--b": "a---h-b",
    "a-/b": "a---h--b",
    "a/-b": "a---s-b",
    "a/.b": "a---s---db",
    "dbPassword": "db---upassword",
    "AB": "---ua---ub",
    "DATABASE_URL": "---cdatabase---lurl",
    "app/API_KEYS/old": "app---s---capi---lkeys---e--old",
    "X1Y2Z3": "---cx1y2z---e3",
}


@pytest.mark.parametrize(("name", "stored"), WRITTEN.items())
def test_what_names_become(name: str, stored: str) -> None:
    assert encode(name) == stored
    assert decode(stored) == name
    assert decode(stored.upper()) == name, "the service folds case"


@given(TEXTS)
@example("A/B-C_d..E--F")
def test_every_text_comes_back_in_key_vaults_characters(text: str) -> None:
    stored = encode(text)
    assert STORED.fullmatch(stored)
    assert "----" not in stored
    assert decode(stored) == text


@given(TEXTS, TEXTS)
def test_no_two_meet_also_not_in_case(one: str, other: str) -> None:
    assert (encode(one).casefold() == encode(other).casefold()) == (one == other)


@given(st.text("abAB01-", max_size=24))
@example("a---ub---e")
@example("a---u0")
@example("---cab")
@example("---hb")
def test_what_comes_of_a_foreign_name_leads_back_to_it(stored: str) -> None:
    found = decode(stored)
    assert found is None or encode(found) == stored.lower()


@given(st.text("az09-", max_size=20).filter(lambda text: "--" not in text))
def test_names_that_fit_stay_as_they_are(text: str) -> None:
    assert encode(text) == text


@given(st.sampled_from(["", "team/", "team/app-", "Team.X_"]), TEXTS)
def test_names_under_a_prefix(prefix: str, text: str) -> None:
    try:
        name = check_name(text)
    except Invalid:
        return
    names = Names(prefix)
    stored = names.stored(name)
    assert names.listed(stored, names.start("")) == name
    assert (names.spelt(name) is None) == (stored == prefix + name)
    if "/" in name:
        above = name.rpartition("/")[0]
        assert names.listed(stored, names.start(above)) == name
    assert names.listed(stored, names.start("elsewhere")) is None


def test_a_name_that_is_too_long() -> None:
    assert len(Names("").stored("n" * LONGEST)) == LONGEST
    for prefix, name in (("", "n" * (LONGEST + 1)), ("p", "n" * LONGEST), ("", "A.b" * 30)):
        with pytest.raises(Invalid, match="127"):
            Names(prefix).stored(name)


@pytest.mark.parametrize("name", ["a b", "ü", "a/b", "a_b", "a.b", "n" * (LONGEST + 1)])
def test_what_no_secret_of_key_vault_is_called(name: str) -> None:
    with pytest.raises(Invalid, match="letters, digits"):
        Names("").stored(f"native:{name}")


def test_foreign_names() -> None:
    names = Names("")
    assert names.stored("native:Db--Password") == "Db--Password"
    assert names.listed("Db--Password", "") == "db/password", "it reaches the same secret"
    assert names.listed("a---x", "") == "native:a---x"
    assert names.listed("a----b", "") == "native:a----b"
    assert names.listed("--a", "") == "native:--a", "'/a' is no portable name"
    assert names.listed("a---x", "team/") is None
    assert Names("team/").listed("team----b", "team/") is None
    assert names.spelt("native:Db--Password") is None


def test_prefixes() -> None:
    assert check_prefix("team/app-") == "team/app-"
    for prefix in ("a b", "ü", "a:", "p" * LONGEST):
        with pytest.raises(Invalid, match="secret_prefix"):
            check_prefix(prefix)
