"""What is given when nothing better is to be had, how it is marked, and who refuses it."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from skykeep.errors import Denied, NotFound, Throttled, Unauthenticated, Unavailable
from skykeep.interfaces.call import Call
from skykeep.interfaces.tasks import Tasks
from skykeep.layers.cache import DEGRADED_TTL, Cache
from skykeep.settings.model import CacheSettings
from tests.layers.caches import given, layer, settle
from tests.layers.calls import Below, read, write
from tests.layers.clock import Clock

pytestmark = pytest.mark.asyncio


# -- near the end of the time to live, and past it


async def test_near_its_end_an_answer_is_given_and_asked_for_again_beside_the_caller() -> None:
    clock, gate = Clock(), asyncio.Event()
    cache = layer(ttl=300, clock=clock, ahead=60)
    await cache(read(), Below(["one"]))
    clock.now += 239
    below = Below(["two"], gate)
    await cache(read(), below)
    await settle()
    assert not below.calls
    clock.now += 1
    for _ in range(3):  # one at a time
        kept = await cache(read(), below)
        assert (kept.value, kept.stale, kept.cached) == ("one", False, True)
        await settle()
    assert len(below.calls) == 1
    gate.set()
    await settle()
    clock.now += 239
    assert (await cache(read(), Below(["three"]))).value == "two"
    clock.now += 1
    await cache(read(), below)
    await settle()
    assert len(below.calls) == 2  # and again when its time comes again


async def test_what_is_past_its_time_is_given_marked_and_asked_for_again() -> None:
    clock = Clock()
    cache = layer(ttl=300, clock=clock, revalidate=30)
    await cache(read(), Below(["one"]))
    clock.now += 329
    kept = await cache(read(), Below(["two"]))
    assert (kept.value, kept.stale, kept.cached) == ("one", True, True)
    await settle()
    fresh = await cache(read(), Below(["three"]))
    assert (fresh.value, fresh.stale, fresh.cached) == ("two", False, True)


async def test_past_both_times_the_store_is_asked() -> None:
    clock = Clock()
    cache = layer(ttl=300, clock=clock, revalidate=30)
    await cache(read(), Below(["one"]))
    clock.now += 330
    assert (await cache(read(), Below(["two"]))).value == "two"


@pytest.mark.parametrize("error", [Unavailable, Throttled])
async def test_when_no_target_can_be_asked_what_is_kept_is_given_for_so_long(
    error: type[Exception],
) -> None:
    clock = Clock()
    cache = layer(ttl=300, clock=clock, max_stale=600)
    first = await cache(read(), Below([given(clock, "one")]))
    clock.now += 300 + 599
    kept = await cache(read(), Below([error("down")]))
    assert (kept.value, kept.stale, kept.cached, kept.at) == ("one", True, True, first.at)
    clock.now += 1
    with pytest.raises(error):
        await cache(read(), Below([error("down")]))
    assert not cache._kept.entries


@pytest.mark.parametrize("error", [NotFound, Denied, Unauthenticated])
async def test_a_refusal_is_no_outage(error: type[Exception]) -> None:
    clock = Clock()
    cache = layer(ttl=300, clock=clock, max_stale=600)
    await cache(read(), Below(["one"]))
    clock.now += 301
    for answer in (error("gone"), Unavailable("down")):
        with pytest.raises(type(answer)):
            await cache(read(), Below([answer]))


async def test_nothing_stale_is_given_where_that_is_off() -> None:
    clock = Clock()
    cache = layer(ttl=300, clock=clock, ahead=60)
    await cache(read(), Below(["one"]))
    clock.now += 300
    with pytest.raises(Unavailable):
        await cache(read(), Below([Unavailable("down")]))


@pytest.mark.parametrize("how", ["write", "invalidate", "denied"])
async def test_what_was_driven_out_while_the_store_was_asked_is_not_given(how: str) -> None:
    clock, gate = Clock(), asyncio.Event()
    cache = layer(ttl=300, clock=clock, max_stale=600)
    await cache(read(), Below(["one"]))
    clock.now += 301
    reading = asyncio.create_task(cache(read(), Below([Unavailable("down")], gate)))
    await settle()
    if how == "write":
        await cache(write(), Below())
    elif how == "invalidate":
        cache.invalidate("db/password")
    else:
        with pytest.raises(Denied):
            await cache(read(cache_key=("1", None)), Below([Denied("no")]))
    gate.set()
    with pytest.raises(Unavailable):
        await reading


async def test_a_refresh_that_began_before_a_write_does_not_fill() -> None:
    clock, gate = Clock(), asyncio.Event()
    cache = layer(ttl=300, clock=clock, ahead=300)
    await cache(read(), Below(["old"]))
    await cache(read(), Below(["old, too"], gate))
    await settle()
    await cache(write(), Below())
    gate.set()
    await settle()
    assert (await cache(read(), Below(["new"]))).value == "new"


async def test_a_refresh_that_is_slow_does_not_fill_over_a_read_that_began_later() -> None:
    gate = asyncio.Event()
    cache = layer(ahead=300)
    await cache(read(), Below(["one"]))
    await cache(read(), Below(["two"], gate))
    await settle()
    await cache(read(fresh=True), Below(["three"]))
    gate.set()
    await settle()
    assert (await cache(read(), Below())).value == "three"


@pytest.mark.parametrize("error", [NotFound, Denied, Unauthenticated])
async def test_a_refusal_that_a_refresh_meets_evicts(error: type[Exception]) -> None:
    cache = layer(ahead=300)
    await cache(read(), Below(["one"]))
    assert (await cache(read(), Below([error("gone")]))).value == "one"
    await settle()
    assert (await cache(read(), Below(["two"]))).value == "two"


async def test_a_refresh_that_fails_disturbs_nobody_and_is_tried_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    cache = layer(ahead=300)
    await cache(read(), Below(["one"]))
    below = Below([Unavailable("down"), ZeroDivisionError()])
    with caplog.at_level(logging.DEBUG, "skykeep"):
        for _ in range(2):
            assert (await cache(read(), below)).value == "one"
            await settle()
    assert len(below.calls) == 2
    assert caplog.messages == [
        "secrets.get db/password was not refreshed: Unavailable",
        "secrets.get db/password was not refreshed: ZeroDivisionError",
    ]


async def test_a_refresh_is_the_clouds_and_leaves_the_callers_trace_alone() -> None:
    tasks, gate = Tasks(), asyncio.Event()
    cache = Cache(300, CacheSettings(refresh_ahead_seconds=300), tasks, Clock())
    await cache(read(), Below(["one"]))
    call, below = read(principal="svc"), Below(["two"], gate)
    await cache(call, below)
    await settle()
    (again,) = below.calls
    assert again.principal == "svc"
    assert again.trace is not call.trace
    assert len(tasks) == 1
    await tasks.close()
    assert below.cancelled == 1
    assert (await cache(read(), Below())).value == "one"


async def test_while_what_is_kept_is_good_it_is_refreshed_from_home_only() -> None:
    clock, below = Clock(), Below(["one"])
    cache = layer(ttl=300, clock=clock, ahead=60, revalidate=60)
    await cache(read(), below)
    for seconds in (240, 60):  # near the end; past it
        clock.now += seconds
        failing = Below([Unavailable("down")])
        await cache(read(), failing)
        await settle()
        below.calls += failing.calls
    assert [call.strict for call in below.calls] == [False, True, False]


async def test_after_a_fork_answers_are_refreshed_again() -> None:
    cache = layer(ahead=300)
    await cache(read(), Below(["one"]))
    await cache(read(), Below(gate=asyncio.Event()))  # never ends, as in a child
    cache.forget()
    await cache(read(), Below(["two"]))
    await settle()
    assert (await cache(read(), Below())).value == "two"


# -- what is not from where it should be, and callers who do not take everything


async def test_a_degraded_answer_is_kept_for_ten_seconds_at_most() -> None:
    clock = Clock()
    cache = layer(ttl=300, clock=clock, ahead=60)
    replica = given(clock, "replica", degraded=True)
    await cache(read(), Below([replica]))
    clock.now += DEGRADED_TTL - 1
    kept = await cache(read(), Below(["nobody asks again for that"]))
    assert (kept.value, kept.degraded) == ("replica", True)
    await settle()
    clock.now += 1
    assert (await cache(read(), Below(["home"]))).value == "home"


async def test_a_stale_answer_is_not_kept() -> None:
    cache, clock = layer(), Clock()
    await cache(read(), Below([given(clock, "owed", stale=True)]))
    assert (await cache(read(), Below(["two"]))).value == "two"


async def test_a_strict_read_takes_a_good_entry_and_no_other() -> None:
    clock = Clock()
    cache = layer(ttl=300, clock=clock, revalidate=60, max_stale=60)
    await cache(read(), Below(["home"]))
    clock.now += 299
    assert (await cache(read(strict=True), Below())).value == "home"
    clock.now += 1
    with pytest.raises(Unavailable):
        await cache(read(strict=True), Below([Unavailable("down")]))
    assert (await cache(read(strict=True), Below(["new"]))).value == "new"
    await cache(read(fresh=True), Below([given(clock, "replica", degraded=True)]))
    assert (await cache(read(), Below())).value == "replica"
    assert (await cache(read(strict=True), Below(["home"]))).value == "home"


@pytest.mark.parametrize(
    ("age", "behind", "max_stale", "cached"),
    [
        (10, 0.0, 10.0, True),
        (10, 0.0, 9.9, False),
        (10, 5.0, 15.0, True),
        (10, 5.0, 14.9, False),
        (320, 0.0, 320.0, True),
        (320, 0.0, 319.0, False),
    ],
)
async def test_a_read_says_how_far_behind_an_answer_may_be(
    age: float, behind: float, max_stale: float, cached: bool
) -> None:
    """As ``Provenance.age`` counts: since it was given, and what it was behind then."""
    clock = Clock()
    cache = layer(ttl=300, clock=clock, revalidate=60)
    await cache(read(), Below([given(clock, "one", behind=behind)]))
    clock.now += age
    call: Call[Any] = read(max_stale=max_stale)
    assert (await cache(call, Below(["two"]))).cached is cached


async def test_in_an_outage_too_it_is_asked_how_far_behind_an_answer_may_be() -> None:
    clock = Clock()
    cache = layer(ttl=300, clock=clock, max_stale=600)
    await cache(read(), Below([given(clock, "one")]))
    clock.now += 400
    down = Below([Unavailable("down")])
    assert (await cache(read(max_stale=400.0), down)).value == "one"
    with pytest.raises(Unavailable):
        await cache(read(max_stale=399.0), down)


async def test_a_read_that_wants_a_new_answer_gets_none_of_ours() -> None:
    clock = Clock()
    cache = layer(ttl=300, clock=clock, revalidate=60, max_stale=600)
    await cache(read(), Below(["one"]))
    with pytest.raises(Unavailable):
        await cache(read(fresh=True), Below([Unavailable("down")]))
