"""A target that does not answer costs its callers nothing but a probe from time to time."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from skykeep.errors import NotFound, Unavailable
from skykeep.interfaces.call import Call, RoutedCall
from skykeep.layers.breaker import Breaker
from skykeep.layers.standing import Standings
from skykeep.settings.model import BreakerSettings
from tests.layers.calls import Below, FakeTarget, nothing, read, write
from tests.layers.clock import Clock

pytestmark = pytest.mark.asyncio

DOWN = Unavailable("down")


def layer(clock: Clock, failures: int = 2) -> tuple[Breaker, Standings]:
    standings = Standings(BreakerSettings(failures=failures), clock, lambda: 1.0)
    return Breaker(standings, clock), standings


def routed(call: Call[Any], name: str = "primary (fake)") -> RoutedCall[Any]:
    return RoutedCall(call, FakeTarget(name))


async def fail(breaker: Breaker, times: int, call: Call[Any] | None = None) -> None:
    for _ in range(times):
        with pytest.raises(Unavailable):
            await breaker(routed(call or read()), Below([DOWN]))


async def test_an_open_breaker_says_what_and_when_and_sends_nothing() -> None:
    clock, below = Clock(), Below()
    breaker, _ = layer(clock)
    await fail(breaker, 2)
    clock.now += 2
    with pytest.raises(Unavailable) as caught:
        await breaker(routed(write()), below)
    assert str(caught.value) == (
        "primary (fake) is left alone: it has not answered for 2.0 s; "
        "it is tried again in 3.0 s"
    )
    assert caught.value.left_alone
    assert not caught.value.sent
    assert not below.calls


async def test_being_left_alone_is_no_failure_of_the_target() -> None:
    clock = Clock()
    breaker, standings = layer(clock)
    await fail(breaker, 5)
    standing = standings.of(FakeTarget())
    assert standing.failures == {"Unavailable": 2}
    assert standing.breaker.next_probe == clock.now + 5


async def test_one_probe_goes_through_and_its_answer_opens_the_way() -> None:
    clock, gate = Clock(), asyncio.Event()
    breaker, _ = layer(clock)
    await fail(breaker, 2)
    clock.now += 5
    below = Below(gate=gate)
    probe = asyncio.create_task(breaker(routed(read()), below))
    await asyncio.sleep(0)
    with pytest.raises(Unavailable, match="it is being tried just now"):
        await breaker(routed(read()), below)
    gate.set()
    assert (await probe).value == "value"
    assert (await breaker(routed(read()), below)).value == "value"
    assert len(below.calls) == 2


async def test_a_probe_in_vain_is_not_followed_by_another_at_once() -> None:
    clock, below = Clock(), Below([DOWN])
    breaker, _ = layer(clock)
    await fail(breaker, 2)
    clock.now += 5
    for _ in range(3):
        with pytest.raises(Unavailable):
            await breaker(routed(read()), below)
    assert len(below.calls) == 1
    clock.now += 5
    with pytest.raises(Unavailable, match="down"):
        await breaker(routed(read()), below)


async def test_a_cancelled_probe_is_given_back() -> None:
    clock = Clock()
    breaker, _ = layer(clock)
    await fail(breaker, 2)
    clock.now += 5
    probe = asyncio.create_task(breaker(routed(read()), Below(gate=asyncio.Event())))
    await asyncio.sleep(0)
    probe.cancel()
    await asyncio.gather(probe, return_exceptions=True)
    assert (await breaker(routed(read()), Below())).value == "value"


async def test_a_probe_that_ends_in_a_fault_of_ours_is_given_back() -> None:
    clock = Clock()
    breaker, _ = layer(clock)
    await fail(breaker, 2)
    clock.now += 5
    with pytest.raises(ZeroDivisionError):
        await breaker(routed(read()), Below([ZeroDivisionError()]))
    assert (await breaker(routed(read()), Below())).value == "value"


async def test_losers_of_hedges_open_nothing() -> None:
    breaker, standings = layer(Clock())
    for _ in range(5):
        loser = asyncio.create_task(breaker(routed(read()), Below(gate=asyncio.Event())))
        await asyncio.sleep(0)
        loser.cancel()
        await asyncio.gather(loser, return_exceptions=True)
    assert standings.of(FakeTarget()).tries == 0
    assert (await breaker(routed(read()), Below())).value == "value"


async def test_an_answer_that_the_caller_does_not_like_closes_it() -> None:
    clock = Clock()
    breaker, _ = layer(clock)
    await fail(breaker, 2)
    clock.now += 5
    with pytest.raises(NotFound):
        await breaker(routed(read()), Below([NotFound("gone")]))
    assert (await breaker(routed(read()), Below())).value == "value"


async def test_targets_and_what_they_store_have_breakers_of_their_own() -> None:
    breaker, _ = layer(Clock())
    await fail(breaker, 2)
    one: Call[Any] = Call("objects.head", "a", read().effect, nothing)
    assert (await breaker(routed(one), Below())).value == "value"
    assert (await breaker(routed(read(), "failover (fake)"), Below())).value == "value"


async def test_it_knows_how_long_reads_took_and_leaves_writes_out() -> None:
    clock = Clock()
    breaker, standings = layer(clock)

    def later() -> None:
        clock.now += 0.25

    await breaker(routed(read()), Below(during=later))
    clock.now += 9
    await breaker(routed(write()), Below(during=lambda: setattr(clock, "now", clock.now + 9)))
    standing = standings.of(FakeTarget())
    assert standing.p95 == 0.25
    assert standing.tries == 2
