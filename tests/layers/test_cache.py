"""What is kept, for how long, and what drives it out."""

from __future__ import annotations

import asyncio

import pytest

from skykeep.errors import Denied, NotFound, Throttled, Unauthenticated, Unavailable
from tests.layers.caches import layer
from tests.layers.calls import Below, read, write
from tests.layers.clock import Clock

pytestmark = pytest.mark.asyncio


async def test_a_read_is_kept_for_its_time_to_live_and_says_so() -> None:
    clock, below = Clock(), Below(["one", "two"])
    cache = layer(clock=clock)
    assert (await cache(read(), below)).cached is False
    clock.now += 299
    kept = await cache(read(), below)
    assert (kept.value, kept.cached, len(below.calls)) == ("one", True, 1)
    clock.now += 1
    assert (await cache(read(), below)).value == "two"


async def test_ttl_zero_keeps_nothing() -> None:
    below = Below()
    cache = layer(0)
    await cache(read(), below)
    await cache(read(), below)
    assert len(below.calls) == 2


@pytest.mark.parametrize(
    "other",
    [
        read("db/other"),
        read(cache_key=("1", None)),
        read(cache_key=(None, "previous")),
        read(audience="auditors"),
    ],
    ids=["name", "version", "stage", "audience"],
)
async def test_answers_are_not_mixed_up(other: object) -> None:
    below = Below(["one", "two"])
    cache = layer()
    await cache(read(), below)
    assert (await cache(other, below)).value == "two"  # type: ignore[arg-type]  # a Call


async def test_calls_without_a_key_are_not_kept() -> None:
    below = Below()
    cache = layer()
    for _ in range(2):
        await cache(read(cache_key=None), below)
    assert len(below.calls) == 2


async def test_fresh_asks_and_keeps_the_answer() -> None:
    below = Below(["one", "two"])
    cache = layer()
    await cache(read(), below)
    assert (await cache(read(fresh=True), below)).value == "two"
    assert (await cache(read(), below)).value == "two"
    assert len(below.calls) == 2


async def test_a_write_evicts_the_name_and_no_other() -> None:
    below = Below(["one", "other", "written", "new"])
    cache = layer()
    await cache(read(), below)
    await cache(read("db/other"), below)
    await cache(write(), below)
    assert (await cache(read(), below)).value == "new"
    assert (await cache(read("db/other"), below)).value == "other"


async def test_while_a_write_is_under_way_nothing_kept_is_given() -> None:
    gate = asyncio.Event()
    cache = layer()
    await cache(read(), Below(["one"]))
    writing = asyncio.create_task(cache(write(), Below(["done"], gate)))
    await asyncio.sleep(0)
    assert (await cache(read(), Below(["now"]))).value == "now"
    gate.set()
    await writing


async def test_a_failed_write_evicts_too() -> None:
    below = Below(["one", Unavailable("who knows"), "two"])
    cache = layer()
    await cache(read(), below)
    with pytest.raises(Unavailable):
        await cache(write(), below)
    assert (await cache(read(), below)).value == "two"


@pytest.mark.parametrize("error", [NotFound, Denied, Unauthenticated])
async def test_an_answer_that_the_store_takes_back_is_evicted(error: type[Exception]) -> None:
    below = Below(["one", error("gone"), "two"])
    cache = layer()
    await cache(read(), below)
    with pytest.raises(error):
        await cache(read(fresh=True), below)
    assert (await cache(read(), below)).value == "two"


@pytest.mark.parametrize("error", [Unavailable, Throttled])
async def test_an_outage_evicts_nothing(error: type[Exception]) -> None:
    below = Below(["one", error("later")])
    cache = layer()
    await cache(read(), below)
    with pytest.raises(error):
        await cache(read(fresh=True), below)
    assert (await cache(read(), below)).value == "one"


@pytest.mark.parametrize("how", ["write", "invalidate one", "invalidate all"])
async def test_a_read_that_began_before_a_write_does_not_fill(how: str) -> None:
    gate = asyncio.Event()
    slow, quick = Below(["old"], gate), Below(["new"])
    cache = layer()
    reading = asyncio.create_task(cache(read(), slow))
    await asyncio.sleep(0)
    if how == "write":
        await cache(write(), Below())
    else:
        cache.invalidate("db/password" if how == "invalidate one" else None)
    gate.set()
    assert (await reading).value == "old"
    assert (await cache(read(), quick)).value == "new"


async def test_a_read_that_begins_during_a_write_does_not_fill() -> None:
    gate = asyncio.Event()
    cache = layer()
    writing = asyncio.create_task(cache(write(), Below(["done"], gate)))
    await asyncio.sleep(0)
    assert (await cache(read(), Below(["old"]))).value == "old"
    gate.set()
    await writing
    assert (await cache(read(), Below(["new"]))).value == "new"


async def test_the_least_recently_used_goes_first_and_memory_is_bounded() -> None:
    below = Below()
    cache = layer(max_entries=3)
    for name in ("a", "b", "c"):
        await cache(read(name), below)
    await cache(read("a"), below)
    await cache(read("d"), below)
    assert len(below.calls) == 4
    await cache(read("a"), below)
    assert len(below.calls) == 4
    await cache(read("b"), below)
    assert len(below.calls) == 5
    for number in range(100):
        await cache(read(f"n{number}"), below)
    assert len(cache._kept.entries) == len(cache._kept._keys) == 3
    assert not cache._kept._waiting


async def test_expired_answers_leave_nothing_behind() -> None:
    clock, below = Clock(), Below(["one", NotFound("gone")])
    cache = layer(clock=clock)
    await cache(read(), below)
    clock.now += 301
    with pytest.raises(NotFound):
        await cache(read(), below)
    assert not cache._kept.entries
    assert not cache._kept._keys
    assert not cache._kept._waiting
