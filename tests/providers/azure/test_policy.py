"""The condition of a role assignment: true of the names under a prefix and of no other."""

from __future__ import annotations

import re
import shlex

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from skykeep.errors import Invalid
from skykeep.providers.azure.names import Names, encode
from skykeep.providers.azure.policy import Scope, boundary, condition, hint

PREFIXES = st.from_regex(r"[a-z0-9]{0,3}[A-Za-z0-9/._-]{0,8}", fullmatch=True)
REST = st.from_regex(r"[A-Za-z0-9._-][A-Za-z0-9/._-]{0,8}", fullmatch=True)
NAME = r"@(Resource|Request)\[Microsoft\.KeyVault/vaults/secrets:name\]"


def stored(prefix: str, name: str) -> str:
    try:
        return Names(prefix).stored(name)
    except Invalid:
        assume(False)
        raise


@given(PREFIXES, REST)
def test_every_name_under_the_prefix_is_inside(prefix: str, name: str) -> None:
    found = boundary(prefix)
    assume(found is not None)
    assert found is not None
    assert found.holds(stored(prefix, name))


@given(PREFIXES, st.one_of(REST, st.tuples(PREFIXES, REST).map("".join)))
def test_no_other_name_is(prefix: str, other: str) -> None:
    found = boundary(prefix)
    assume(found is not None and not other.startswith(prefix))
    assert found is not None
    assert not found.holds(stored("", other))


@given(PREFIXES, st.sampled_from("-/._aZ9"), REST)
def test_neighbours_are_outside(prefix: str, mark: str, name: str) -> None:
    """Names that have all of the prefix but its end."""
    found = boundary(prefix)
    other = prefix[:-1] + mark + name
    assume(found is not None and not other.startswith(prefix))
    assert found is not None
    assert not found.holds(stored("", other))


@pytest.mark.parametrize("prefix", ["", "APP", "app/API", "a/B9"])
def test_prefixes_without_a_boundary(prefix: str) -> None:
    assert boundary(prefix) is None
    assert condition(Scope("till", prefix=prefix), read_only=False) == ""
    assert "--condition" not in hint(Scope("till", prefix=prefix), "OID", read_only=False)


def evaluated(text: str, action: str, name: str) -> bool:
    """What Azure makes of a condition ("Azure role assignment condition format and syntax"):
    of the part of its grammar that is used here."""
    text = re.sub(r"ActionMatches\{'([^']*)'\}", lambda found: str(found[1] == action), text)
    text = re.sub(
        rf"{NAME} (StringStartsWith|StringNotStartsWith) '([^']*)'",
        lambda found: str(name.startswith(found[3]) == (found[2] == "StringStartsWith")),
        text,
    )
    text = text.replace("!", " not ").replace(" AND ", " and ").replace(" OR ", " or ")
    assert set(re.findall(r"[A-Za-z]+", text)) <= {"True", "False", "not", "and", "or"}, text
    return bool(eval(text))  # noqa: S307  (made of these five words, as was just checked)


SECRETS = "Microsoft.KeyVault/vaults/secrets/"


@pytest.mark.parametrize("read_only", [True, False])
@pytest.mark.parametrize(
    ("name", "inside"),
    [
        ("myapp/db", True),
        ("myapp/API_KEY", True),
        ("myapp/_x", True),
        ("myappX/db", False),
        ("myapp_x", False),
        ("myapp", False),
        ("other/db", False),
    ],
)
def test_what_the_condition_says(read_only: bool, name: str, inside: bool) -> None:
    text = condition(Scope("till", prefix="myapp/"), read_only=read_only)
    bound = {"getSecret/action"}
    if not read_only:
        bound |= {"setSecret/action", "update/action", "delete"}
        bound |= {"recover/action", "purge/action"}
    for action in bound:
        assert evaluated(text, SECRETS + action, encode(name)) is inside
    assert evaluated(text, f"{SECRETS}readMetadata/action", encode(name)), "names are shown"
    assert evaluated(text, "Microsoft.KeyVault/vaults/keys/read", "") is True


def test_a_new_name_is_asked_about_as_one() -> None:
    text = condition(Scope("till", prefix="a/"), read_only=False)
    first, second = text.split(" AND ((!(ActionMatches")
    assert "setSecret" not in first
    assert "@Request" not in first
    assert "setSecret" in second
    assert "@Resource" not in second


def test_the_command_survives_a_shell() -> None:
    scope = Scope("till", prefix="myapp/")
    for read_only in (True, False):
        line = hint(scope, "OID", read_only=read_only)
        command = line[line.index("az role assignment") :].partition("; if the vault")[0]
        words = shlex.split(command)
        assert words[words.index("--condition") + 1] == condition(scope, read_only=read_only)
        assert words[words.index("--condition-version") + 1] == "2.0"
        assert words[words.index("--scope") + 1] == scope.resource
