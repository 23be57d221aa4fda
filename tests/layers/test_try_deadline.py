"""Each try has its own time; what may not be tried twice has all of it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from skykeep.errors import Unavailable
from skykeep.interfaces.call import Answer, Call, RoutedCall
from skykeep.layers.deadline import BYTES_PER_SECOND
from skykeep.layers.try_deadline import TryDeadline
from tests.layers.calls import Below, FakeTarget, read, write

pytestmark = pytest.mark.asyncio


@pytest.fixture
def budgets(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The times that were given; each is over at once."""
    given: list[float] = []
    real = asyncio.timeout

    def at_once(seconds: float) -> asyncio.Timeout:
        given.append(seconds)
        return real(0)

    monkeypatch.setattr(asyncio, "timeout", at_once)
    return given


def hangs() -> Below:
    return Below(gate=asyncio.Event())


async def ask(call: Call[Any], below: Below, **target: Any) -> Answer[Any]:
    return await TryDeadline(2.0)(RoutedCall(call, FakeTarget(**target)), below)


async def test_a_try_that_takes_too_long_is_ended_and_says_that_it_was_time(
    budgets: list[float],
) -> None:
    below = hangs()
    with pytest.raises(Unavailable) as caught:
        await ask(read(), below)
    error = caught.value
    assert str(error) == "primary (fake) had no answer to secrets.get within 2 s"
    assert (error.timed_out, error.sent, error.left_alone) == (True, True, False)
    assert error.__context__ is None
    assert below.cancelled == 1
    assert budgets == [2.0]


async def test_a_large_value_has_the_time_that_it_needs(budgets: list[float]) -> None:
    for call in (read(size=BYTES_PER_SECOND), write(size=BYTES_PER_SECOND, idempotent=True)):
        with pytest.raises(Unavailable, match="within 3 s"):
            await ask(call, hangs())
    assert budgets == [3.0, 3.0]


async def test_a_write_that_ran_out_of_time_is_in_doubt_and_says_so(
    budgets: list[float],
) -> None:
    with pytest.raises(Unavailable, match="read before you write again"):
        await ask(write(idempotent=True), hangs())
    assert budgets


@pytest.mark.parametrize(
    ("call", "target"),
    [(write(), {}), (read(), {"embedded": True})],
    ids=["a write that may not be sent twice", "an embedded target"],
)
async def test_these_have_the_budget_of_the_call(
    call: Call[Any], target: dict[str, Any], budgets: list[float]
) -> None:
    below = hangs()
    waiting = asyncio.create_task(ask(call, below, **target))
    await asyncio.sleep(0)
    assert below.gate is not None
    below.gate.set()
    assert (await waiting).value == "value"
    assert budgets == []


async def test_an_answer_in_time_is_the_answer() -> None:
    assert (await ask(read(), Below())).value == "value"


async def test_a_timeout_of_somebody_else_is_not_ours() -> None:
    with pytest.raises(TimeoutError):
        await ask(read(), Below([TimeoutError("theirs")]))


async def test_the_callers_own_cancellation_is_no_timeout() -> None:
    waiting = asyncio.create_task(ask(read(), hangs()))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
