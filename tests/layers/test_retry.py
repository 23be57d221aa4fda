"""What is tried again, how long is waited, and what an outage may cost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skykeep.errors import (
    Conflict,
    Corrupt,
    Denied,
    Invalid,
    KeyFailure,
    NotFound,
    PendingDelete,
    Quota,
    SkykeepError,
    Throttled,
    Unauthenticated,
    Unavailable,
    Unsupported,
    VersionUnavailable,
)
from skykeep.interfaces.call import Call, RoutedCall
from skykeep.layers.retry import EARNED, PAID, SAVED, Retry
from tests.layers.calls import Below, FakeTarget, read, write


class Waits:
    """A clock that only remembers."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


def layer(attempts: int = 3, jitter: float = 1.0) -> tuple[Retry, Waits]:
    waits = Waits()
    return Retry(attempts, 0.1, 2.0, waits, lambda: jitter), waits


def routed(call: Call[object], *, last: bool = True) -> RoutedCall[object]:
    return RoutedCall(call, FakeTarget(), last)


@pytest.mark.asyncio
async def test_an_outage_that_passes_is_not_seen() -> None:
    retry, waits = layer()
    call = read()
    below = Below([Unavailable("a"), Unavailable("b"), "value"])
    assert (await retry(routed(call), below)).value == "value"
    assert waits.seconds == [0.1, 0.2]
    assert [(one.number, one.error) for one in call.trace] == [
        (1, "Unavailable"),
        (2, "Unavailable"),
        (3, None),
    ]


@pytest.mark.asyncio
async def test_the_last_error_is_the_callers() -> None:
    retry, waits = layer()
    below = Below([Unavailable("first"), Unavailable("second"), Unavailable("third")])
    with pytest.raises(Unavailable, match="third"):
        await retry(routed(read()), below)
    assert (len(below.calls), len(waits.seconds)) == (3, 2)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "error",
    [
        Conflict,
        Corrupt,
        Denied,
        Invalid,
        KeyFailure,
        NotFound,
        PendingDelete,
        Quota,
        Unauthenticated,
        Unsupported,
        VersionUnavailable,
    ],
)
async def test_an_answer_is_not_asked_for_twice(error: type[SkykeepError]) -> None:
    retry, _ = layer()
    below = Below([error("so it is")])
    with pytest.raises(error):
        await retry(routed(read()), below)
    assert len(below.calls) == 1


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("error", "idempotent", "tries"),
    [
        (Unavailable("in doubt"), False, 1),
        (Unavailable("in doubt"), True, 3),
        (Unavailable("never left", sent=False), False, 3),
        (Throttled("not executed"), False, 3),
        (Throttled("not executed"), True, 3),
    ],
)
async def test_a_write_in_doubt_is_sent_again_only_if_that_is_harmless(
    error: SkykeepError, idempotent: bool, tries: int
) -> None:
    retry, _ = layer()
    below = Below([error])
    with pytest.raises(type(error)):
        await retry(routed(write(idempotent=idempotent)), below)
    assert len(below.calls) == tries


@pytest.mark.asyncio
async def test_retry_after_is_honoured() -> None:
    retry, waits = layer(jitter=0.0)
    await retry(routed(read()), Below([Throttled("wait", retry_after=7.5), "value"]))
    assert waits.seconds == [7.5]


@pytest.mark.asyncio
async def test_those_who_were_throttled_together_do_not_come_back_together() -> None:
    retry, waits = layer(jitter=0.5)
    await retry(routed(read()), Below([Throttled("wait", retry_after=7.5), "value"]))
    assert 7.5 < waits.seconds[0] <= 7.6


@pytest.mark.asyncio
async def test_an_outage_is_not_multiplied() -> None:
    retry, _ = layer(attempts=10)
    below = Below([Unavailable("down")])
    for _ in range(100):
        with pytest.raises(Unavailable):
            await retry(routed(read()), below)
    assert len(below.calls) == 100 + SAVED // PAID
    for _ in range(PAID // EARNED):  # ten successes earn one retry
        await retry(routed(read()), Below())
    below.calls.clear()
    with pytest.raises(Unavailable):
        await retry(routed(read()), below)
    assert len(below.calls) == 2


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("error", "last", "tries"),
    [
        (Unavailable("too late", timed_out=True), True, 3),
        (Unavailable("too late", timed_out=True), False, 1),
        (Unavailable("reset"), False, 3),
        (Unavailable("open", sent=False, left_alone=True), True, 1),
        (Unavailable("open", sent=False, left_alone=True), False, 1),
        (Throttled("slowly", retry_after=2.0), False, 3),
        (Throttled("slowly", retry_after=2.1), False, 1),
        (Throttled("slowly", retry_after=2.1), True, 3),
    ],
)
async def test_the_next_target_is_asked_instead_of_waiting_for_this_one(
    error: SkykeepError, last: bool, tries: int
) -> None:
    retry, _ = layer()
    below = Below([error])
    with pytest.raises(type(error)):
        await retry(routed(read(), last=last), below)
    assert len(below.calls) == tries


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "then",
    [
        Throttled("not executed"),
        Unavailable("never left", sent=False),
        Unavailable("open", sent=False, left_alone=True),
    ],
)
async def test_what_a_later_try_says_of_itself_does_not_settle_an_earlier_one(
    then: SkykeepError,
) -> None:
    retry, _ = layer()
    doubt = Unavailable("it may have been executed")
    with pytest.raises(Unavailable) as caught:
        await retry(routed(write(idempotent=True)), Below([doubt, then]))
    assert caught.value is doubt
    with pytest.raises(type(then)) as settled:
        await retry(routed(read()), Below([doubt, then]))
    assert settled.value is then


@pytest.mark.asyncio
async def test_an_answer_settles_a_write_in_doubt() -> None:
    retry, _ = layer()
    below = Below([Unavailable("it may have been executed"), Conflict("there is another")])
    with pytest.raises(Conflict):
        await retry(routed(write(idempotent=True)), below)


@pytest.mark.asyncio
async def test_a_target_that_is_left_alone_costs_no_budget() -> None:
    retry, _ = layer()
    for _ in range(100):
        with pytest.raises(Unavailable):
            await retry(routed(read()), Below([Unavailable("open", left_alone=True)]))
    below = Below([Unavailable("down")])
    with pytest.raises(Unavailable):
        await retry(routed(read()), below)
    assert len(below.calls) == 3


@given(number=st.integers(1, 60), jitter=st.floats(0, 1))
def test_waits_grow_and_stay_within_bounds(number: int, jitter: float) -> None:
    retry, _ = layer(jitter=jitter)
    wait = retry._wait(number)
    assert 0 <= wait <= min(2.0, 0.1 * 2 ** (number - 1))
