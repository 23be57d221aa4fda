"""Whether a replica agrees with what its home showed last, by their stamps."""

from __future__ import annotations

import logging
from types import SimpleNamespace

import pytest

from skykeep.interfaces.secret_data import Stamp
from skykeep.layers.agreement import REMEMBERED, Agreement


def value(revision: int | None) -> object:
    stamp = None if revision is None else Stamp(revision, bytes(16))
    return SimpleNamespace(stamp=stamp)


@pytest.mark.parametrize(
    ("home", "replica", "behind"),
    [
        (5, 4, 3.0),
        (5, 5, None),
        (5, 6, None),  # brought there by a host that wrote since
        (5, None, None),  # written by others: nobody can tell
        (None, 4, None),
    ],
)
def test_an_earlier_revision_is_behind_since_the_home_was_seen(
    home: int | None, replica: int | None, behind: float | None
) -> None:
    agreement = Agreement()
    agreement.saw("n", value(home), 10.0)
    assert agreement.behind("n", value(replica), "b", 13.0) == behind
    assert agreement.behind("other", value(replica), "b", 13.0) is None


def test_what_the_home_shows_last_counts() -> None:
    agreement = Agreement()
    agreement.saw("n", value(5), 10.0)
    agreement.saw("n", value(7), 20.0)
    assert agreement.behind("n", value(6), "b", 21.0) == 1.0
    agreement.saw("n", value(None), 30.0)
    assert agreement.behind("n", value(6), "b", 31.0) is None


def test_answers_without_stamps_are_nothing_to_it() -> None:
    agreement = Agreement()
    agreement.saw("n", ["a page"], 10.0)
    assert agreement.behind("n", ["a page"], "b", 11.0) is None


def test_it_is_said_once_until_they_agree(caplog: pytest.LogCaptureFixture) -> None:
    agreement = Agreement()
    agreement.saw("n", value(5), 10.0)
    with caplog.at_level(logging.WARNING, "skykeep"):
        for _ in range(3):
            agreement.behind("n", value(4), "b", 12.5)
        agreement.behind("n", value(4), "c", 12.5)
        assert [record.message for record in caplog.records] == [
            "b holds an older value of n than its home showed 2.5 s ago",
            "c holds an older value of n than its home showed 2.5 s ago",
        ]
        agreement.behind("n", value(5), "b", 13.0)
        agreement.saw("n", value(6), 14.0)
        agreement.behind("n", value(5), "b", 15.0)
        assert len(caplog.records) == 3


def test_it_is_bounded_and_those_not_read_for_longest_go_first() -> None:
    agreement = Agreement()
    for number in range(REMEMBERED):
        agreement.saw(str(number), value(5), 10.0)
    agreement.saw("0", value(5), 11.0)
    agreement.saw("new", value(5), 12.0)
    assert agreement.behind("0", value(4), "b", 13.0) == 2.0
    assert agreement.behind("new", value(4), "b", 13.0) == 1.0
    assert agreement.behind("1", value(4), "b", 13.0) is None
