"""What blames a target, what does not, and whose standing is whose."""

from __future__ import annotations

import pytest

from skykeep import errors
from skykeep.errors import SkykeepError, Throttled, Unavailable
from skykeep.layers.circuit import State
from skykeep.layers.standing import Standing, Standings
from skykeep.settings.model import BreakerSettings
from tests.layers.calls import FakeTarget
from tests.layers.clock import Clock

EVERY = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, SkykeepError) and kind is not SkykeepError
]
SAYS_NOTHING = {
    errors.ConfigError,
    errors.Invalid,
    errors.KeyFailure,
    errors.MissingExtra,
    errors.Unauthenticated,
    errors.Unsupported,
}


def standing(clock: Clock | None = None) -> Standing:
    return Standing("primary (fake)", BreakerSettings(failures=2), clock or Clock(), lambda: 0)


@pytest.mark.parametrize("kind", EVERY)
def test_no_answer_blames_the_target_and_nothing_else_does(kind: type[SkykeepError]) -> None:
    one = standing()
    for _ in range(10):
        one.failed(kind("so it is"))
    assert one.may_try() is (kind is not Unavailable)
    assert (one.tries, one.failures) == (10, {kind.__name__: 10})


@pytest.mark.parametrize("kind", [kind for kind in EVERY if kind is not Unavailable])
def test_what_the_target_says_itself_proves_that_it_is_there(kind: type[SkykeepError]) -> None:
    clock = Clock()
    one = standing(clock)
    for _ in range(2):
        one.failed(Unavailable("down"))
    clock.now += 10
    assert one.may_try()
    one.failed(kind("so it is"), probe=True)
    if kind in SAYS_NOTHING:
        assert (one.breaker.state, one.last_answer_at) == (State.OPEN, None)
        assert one.may_try()  # the probe was given back
    else:
        assert (one.breaker.state, one.last_answer_at) == (State.CLOSED, clock.now)


def test_a_probe_in_vain_is_told_to_the_breaker() -> None:
    clock = Clock()
    one = standing(clock)
    for _ in range(2):
        one.failed(Unavailable("down"))
    clock.now += 10
    assert one.may_try()
    one.failed(Unavailable("down"), probe=True)
    assert not one.may_try()
    clock.now += 10
    assert one.may_try()


def test_a_cancelled_try_is_neither_a_success_nor_a_failure() -> None:
    clock = Clock()
    one = standing(clock)
    one.failed(Unavailable("down"))
    one.left(0.1)
    assert one.tries == 1
    one.failed(Unavailable("down"))
    assert not one.may_try()
    clock.now += 10
    assert one.may_try()
    one.left(0.1, probe=True)
    assert one.breaker.state is State.OPEN
    assert one.may_try()


def test_it_remembers_the_last_of_each() -> None:
    clock = Clock(10.0)
    one = standing(clock)
    assert (one.last_error, one.last_error_at, one.last_answer_at) == ("", None, None)
    one.answered(0.2)
    clock.now = 11.0
    one.failed(Unavailable("down"))
    clock.now = 12.0
    one.failed(Throttled("slowly"))
    assert (one.last_error, one.last_error_at, one.last_answer_at) == ("Throttled", 12.0, 12.0)
    assert one.failures == {"Unavailable": 1, "Throttled": 1}


def test_only_reads_make_the_percentiles() -> None:
    assert standing().p95 is None
    one = standing()
    for _ in range(20):
        one.answered(0.01)
        one.answered(9.0, read=False)
    assert one.p95 == 0.01
    assert not one.slow(1)


def test_reads_that_fail_make_a_target_slow() -> None:
    one = standing()
    for _ in range(5):
        one.failed(Unavailable("down"))
    assert one.slow()
    one.answered(0.01)
    assert not one.slow()


def test_a_target_is_known_by_its_name_and_by_what_it_stores() -> None:
    standings = Standings(BreakerSettings(), Clock(), lambda: 0)
    one = standings.of(FakeTarget("a (fake)"))
    assert standings.of(FakeTarget("a (fake)"), "secrets") is one
    assert standings.of(FakeTarget("b (fake)")) is not one
    assert standings.of(FakeTarget("a (fake)"), "objects") is not one
    names = ["a (fake)", "b (fake)", "a (fake), objects"]
    assert [each.name for each in standings] == names


def test_after_a_fork_no_probe_is_waited_for() -> None:
    clock = Clock()
    standings, target = Standings(BreakerSettings(failures=1), clock, lambda: 0), FakeTarget()
    standings.of(target).failed(Unavailable("down"))
    clock.now += 10
    assert standings.of(target).may_try()
    standings.forget()
    assert standings.of(target).may_try()
    assert standings.of(target).may_try()
