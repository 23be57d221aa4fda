"""The judge of the real faults finds what is wrong, and nothing else."""

from __future__ import annotations

import pytest

from tests.outage.ledger import FILL, Ledger, Read, number_of, value_of

NAME = "w0/n0"


def ledger() -> Ledger:
    """Two acknowledged writes, at 2 s and 12 s, and a third that had no answer."""
    made = Ledger([NAME, "w0/n1"])
    for number, (begun, acknowledged) in enumerate([(1.0, 2.0), (11.0, 12.0)], 1):
        assert made.begin(NAME, begun) == number
        made.acknowledge(NAME, number, acknowledged)
    assert made.begin(NAME, 21.0) == 3
    return made


def answer(
    number: int, begun: float, *, age: float = 0.0, stale: bool = False, degraded: bool = False
) -> Read:
    return Read(
        NAME, value_of(NAME, number), begun, begun + 0.5, age, stale=stale, degraded=degraded
    )


def test_a_value_tells_its_number() -> None:
    assert number_of(NAME, value_of(NAME, 7)) == 7
    for other in ("", "7", f"{NAME} x {FILL}", value_of("w0/n1", 7), value_of(NAME, 7)[:-1]):
        assert number_of(NAME, other) is None


@pytest.mark.parametrize(
    "right",
    [
        answer(1, 5),
        answer(1, 11.9),  # the second was not acknowledged when this read began
        answer(2, 11.9),  # and may have been seen all the same
        answer(2, 30),
        answer(3, 30),  # in doubt: it may be there, or not
        answer(1, 30, age=18.5, stale=True, degraded=True),
        answer(2, 30, degraded=True),
    ],
)
def test_an_answer_that_may_be_given(right: Read) -> None:
    made = ledger()
    made.read(right)
    assert not made.wrong


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (answer(1, 12.1), "unmarked, 0.000 s behind: is write 1, and 2 was acknowledged"),
        (answer(1, 30, degraded=True), "degraded, 0.000 s behind: is write 1"),
        (answer(1, 30, age=17.5, stale=True), "stale, 17.500 s behind: is write 1"),
        (answer(1, 30, age=100.0), "unmarked, 100.000 s behind: is write 1"),
        (answer(3, 20), "is write 3, which was begun later"),
        (answer(4, 30), "was never written"),
        (Read(NAME, "x", 30, 31, 0, stale=False, degraded=False), "was never written"),
    ],
)
def test_an_answer_that_is_wrong(wrong: Read, why: str) -> None:
    made = ledger()
    made.read(wrong)
    [said] = made.wrong
    assert why in said


def held(a: int | None, b: int | None) -> dict[str, dict[str, str | None]]:
    return {
        store: {NAME: None if number is None else value_of(NAME, number), "w0/n1": None}
        for store, number in (("a", a), ("b", b))
    }


@pytest.mark.parametrize("number", [2, 3])
def test_the_last_acknowledged_write_or_a_later_one_is_kept(number: int) -> None:
    assert not ledger().lost(held(number, number))


@pytest.mark.parametrize(("a", "b"), [(1, 1), (None, None), (2, 1), (None, 2), (2, 3)])
def test_what_is_lost_or_differs_is_found(a: int | None, b: int | None) -> None:
    found = ledger().lost(held(a, b))
    assert found
    assert all(NAME in each for each in found)


def test_a_value_of_nobody_is_found() -> None:
    kept = held(2, 2)
    kept["b"][NAME] = "x"
    assert f"{NAME}: b holds what nobody wrote" in ledger().lost(kept)
