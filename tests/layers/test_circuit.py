"""When a target is left alone, for how long, and who probes it."""

from __future__ import annotations

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skykeep.errors import Unavailable
from skykeep.layers.circuit import Circuit, State
from skykeep.settings.model import BreakerSettings
from tests.layers.clock import Clock

DOWN = Unavailable("no answer within 2 s", timed_out=True)


def circuit(clock: Clock, failures: int = 5, dice: float = 1.0) -> Circuit:
    settings = BreakerSettings(failures=failures, probe_seconds=5.0)
    return Circuit("primary (fake)", settings, clock, lambda: dice)


def opened(clock: Clock, dice: float = 1.0) -> Circuit:
    """A circuit that has just opened."""
    one = circuit(clock, dice=dice)
    for _ in range(5):
        one.silent(DOWN)
    return one


def test_it_opens_after_so_many_tries_in_a_row() -> None:
    one = circuit(Clock())
    for _ in range(4):
        one.silent(DOWN)
    one.answered()
    for _ in range(4):
        one.silent(DOWN)
        assert one.may_try()
    one.silent(DOWN)
    assert one.state is State.OPEN
    assert not one.may_try()


def test_no_failures_is_off() -> None:
    one = circuit(Clock(), failures=0)
    for _ in range(100):
        one.silent(DOWN)
    assert one.may_try()


@pytest.mark.parametrize(("dice", "wait"), [(0.0, 4.0), (0.5, 4.5), (1.0, 5.0)])
def test_the_probe_is_let_through_after_its_time_or_up_to_a_fifth_sooner(
    dice: float, wait: float
) -> None:
    clock = Clock(0.0)
    one = opened(clock, dice)
    assert one.next_probe == pytest.approx(wait)
    clock.now = one.next_probe - 0.001
    assert [one.due, one.may_try()] == [False, False]
    clock.now = one.next_probe
    assert [one.due, one.may_try()] == [True, True]
    clock.now += 60
    assert [one.due, one.may_try()] == [False, False]  # it is under way


def test_one_probe_at_a_time() -> None:
    clock = Clock()
    one = opened(clock)
    clock.now += 5
    assert [one.may_try() for _ in range(3)] == [True, False, False]
    clock.now += 60
    assert not one.may_try()


def test_a_probe_in_vain_is_followed_by_the_next_as_long_after_its_beginning() -> None:
    clock = Clock()
    one = opened(clock)
    clock.now += 7
    assert one.may_try()
    clock.now += 2
    one.silent(DOWN, probe=True)
    clock.now += 2.9
    assert not one.may_try()
    clock.now += 0.1
    assert one.may_try()
    clock.now += 9  # the try took longer than that
    one.silent(DOWN, probe=True)
    assert one.due


def test_an_answer_to_the_probe_closes_it() -> None:
    clock = Clock()
    one = opened(clock)
    clock.now += 5
    assert one.may_try()
    one.answered()
    assert (one.state, one.opened_at) == (State.CLOSED, None)
    for _ in range(4):  # it counts anew
        one.silent(DOWN)
    assert one.may_try()


def test_a_probe_that_is_given_back_is_somebody_elses() -> None:
    clock = Clock()
    one = opened(clock)
    clock.now += 5
    assert one.may_try()
    one.give_back()
    assert one.may_try()
    assert not one.may_try()


def test_tries_that_were_under_way_when_it_opened_move_no_probe() -> None:
    clock = Clock()
    one = opened(clock)
    due = one.next_probe
    clock.now += 1
    one.silent(DOWN)
    assert one.next_probe == due
    clock.now = due
    assert one.may_try()
    one.silent(DOWN)  # an old one: the probe is still under way
    assert one.state is State.HALF_OPEN


def test_a_probe_that_fails_after_another_try_was_answered_is_one_failure() -> None:
    clock = Clock()
    one = opened(clock)
    clock.now += 5
    assert one.may_try()
    one.answered()
    one.silent(DOWN, probe=True)
    one.give_back()
    assert one.state is State.CLOSED


def test_an_outage_is_one_line_when_it_begins_and_one_when_it_ends(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock = Clock()
    with caplog.at_level(logging.DEBUG, "skykeep"):
        one = opened(clock)
        one.silent(DOWN)
        clock.now += 5
        assert one.may_try()
        one.silent(Unavailable("two\nlines"), probe=True)
        clock.now += 7
        assert one.may_try()
        one.answered()
        one.answered()
    assert [record.levelname for record in caplog.records] == ["WARNING", "DEBUG", "WARNING"]
    began, again, ended = caplog.messages
    assert began == (
        "target primary (fake): breaker open after 5 tries without an answer "
        "(Unavailable: no answer within 2 s); next probe in 5 s"
    )
    assert again == (
        "target primary (fake): no answer to a probe (Unavailable: two lines); "
        "next probe in 5 s"
    )
    assert ended == "target primary (fake) answers again after 12 s"


@given(st.lists(st.sampled_from(["ask", "answer", "silence", "leave", "wait"]), max_size=60))
def test_it_is_never_asked_more_than_it_should_be(steps: list[str]) -> None:
    """Against the rule in words: closed all may ask, else one, and not before its time."""
    clock, under_way, due, row = Clock(), list[bool](), 0.0, 0
    one = circuit(clock, failures=2)
    is_open = False
    for step in steps:
        probing = any(under_way)
        if step == "wait":
            clock.now += 2.5
        elif step == "ask":
            may = one.may_try()
            assert may is (not is_open or (clock.now >= due and not probing))
            if may:
                under_way.append(is_open)
        elif under_way:
            probe = under_way.pop(0)
            if step == "answer":
                one.answered()
                is_open, row = False, 0
                under_way = [False] * len(under_way)  # none of them is a probe any more
            elif step == "silence":
                row += 1
                one.silent(DOWN, probe=probe)
                if probe or (not is_open and row >= 2):
                    is_open, due = True, clock.now + 5
            elif probe:
                one.give_back()
        assert (one.state is State.CLOSED) is not is_open
