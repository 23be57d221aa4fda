from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from skykeep.dialects.model import Item
from skykeep.dialects.naming import named, segment
from skykeep.interfaces.names import check_name
from skykeep.interfaces.secret_value import SecretValue
from tests.dialects.consumers import quick

VALUE = SecretValue("v")
LABEL = st.text(max_size=300) | st.sampled_from(
    ["a", "A", "a b", "a-b", "a-b-2", "..", "é", ""]
)


def item(*path: str, fields: tuple[str, ...] = ("",), exact: bool = False) -> Item:
    return Item(path, [(label, VALUE) for label in fields], exact)


def names(*items: Item, prefix: str = "") -> list[str]:
    return [one.name for one in named(items, prefix)]


@quick
@given(
    st.lists(
        st.builds(
            Item,
            st.lists(LABEL, min_size=1, max_size=4).map(tuple),
            st.lists(LABEL.map(lambda label: (label, VALUE)), min_size=1, max_size=4),
        ),
        max_size=12,
    )
)
def test_no_two_entries_meet_and_every_name_is_portable(items: list[Item]) -> None:
    found = [check_name(one.name) for one in named(items, "some/prefix")]
    assert len(set(found)) == len(found) == sum(len(item.fields) for item in items)


def test_titles_become_segments() -> None:
    assert segment("Ma banque (privé)") == "Ma-banque-prive"
    assert segment("漢字") == segment("..") == segment("") == "unnamed"
    assert names(item("Web", "My Site", fields=("password", "url")), prefix="kp") == [
        "kp/Web/My-Site/password",
        "kp/Web/My-Site/url",
    ]


def test_the_fields_of_an_entry_stay_together() -> None:
    both = item("a", fields=("password", "url"))
    assert names(both, item("a", fields=("url",)), item("a-2", fields=("url",))) == [
        "a/password",
        "a/url",
        "a-2/url",
        "a-2-2/url",
    ]
    assert names(item("a", fields=("x y", "x-y", "x y"))) == ["a/x-y", "a/x-y-2", "a/x-y-3"]


def test_variables_keep_their_names_and_may_meet() -> None:
    assert names(item("A", exact=True), item("A", exact=True)) == ["A", "A"]
    assert names(item("A.b-c_", exact=True), prefix="x") == ["x/A.b-c_"]


def test_what_the_source_calls_it_is_kept() -> None:
    assert [one.origin for one in named([item("é", "b c", fields=("", "d"))])] == [
        "é/b c",
        "é/b c/d",
    ]
