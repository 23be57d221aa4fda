"""The loop: virtual time, ties, and what happens to the dead."""

import asyncio
import random
import time
from contextvars import Context
from random import Random

import pytest

from skykeep.layers.cache import Cache
from skykeep.settings.model import CacheSettings
from tests.simulation.clocks import EPOCH, Wall, virtual
from tests.simulation.loop import Livelock, Stuck, VirtualLoop, process_of


class OneLife:
    def __init__(self, steps: int | None = None) -> None:
        self.alive = True
        self.steps_left = steps

    def die(self) -> None:
        self.alive = False


def test_an_hour_takes_no_time() -> None:
    loop, begun = VirtualLoop(Random(1)), time.perf_counter()
    loop.run_until_complete(asyncio.sleep(3600))
    assert loop.time() == 3600
    assert time.perf_counter() - begun < 60
    loop.close()


def test_timers_of_one_instant_fire_in_an_order_of_the_seed() -> None:
    def order(seed: int) -> tuple[int, ...]:
        found: list[int] = []
        loop = VirtualLoop(Random(seed))
        for number in range(5):
            loop.call_at(1.0, found.append, number)
        loop.run_until_complete(asyncio.sleep(2))
        loop.close()
        return tuple(found)

    orders = [order(seed) for seed in range(20)]
    assert orders == [order(seed) for seed in range(20)]
    assert len(set(orders)) > 5
    assert all(sorted(each) == [0, 1, 2, 3, 4] for each in orders)


def test_one_who_sleeps_until_a_moment_does_not_sleep_on_and_on() -> None:
    loop = VirtualLoop(Random(1))

    async def sleeps() -> None:
        for number in range(1, 50):
            until = loop.time() + 0.1 / number
            rounds = 0
            while loop.time() < until:
                await asyncio.sleep(until - loop.time())
                rounds += 1
            assert rounds <= 2  # the second for what floating point leaves over

    loop.run_until_complete(sleeps())
    loop.close()


def test_the_dead_take_no_step_more_and_nothing_is_cleaned_up() -> None:
    loop, did = VirtualLoop(Random(1)), list[int]()
    process, context = OneLife(steps=3), Context()
    context.run(process_of.set, process)

    async def works() -> None:
        try:
            for number in range(10):
                did.append(number)
                await asyncio.sleep(1)
        finally:
            did.append(99)

    task = loop.create_task(works(), context=context)
    loop.run_until_complete(asyncio.sleep(60))
    assert not process.alive
    assert did == [0, 1, 2][: len(did)]
    assert 99 not in did
    task._log_destroy_pending = False  # type: ignore[attr-defined]  # it is dead
    task.get_coro().close()
    loop.close()


def test_waiting_for_what_nobody_will_do_is_told() -> None:
    loop = VirtualLoop(Random(1))
    with pytest.raises(Stuck):
        loop.run_until_complete(loop.create_future())
    loop.close()


def test_going_round_and_round_is_told() -> None:
    loop = VirtualLoop(Random(1))

    async def round_and_round() -> None:
        while True:  # noqa: ASYNC110  (going round is the point)
            await asyncio.sleep(0)

    with pytest.raises(Livelock):
        loop.run_until_complete(round_and_round())
    for task in asyncio.all_tasks(loop):
        task._log_destroy_pending = False  # type: ignore[attr-defined]  # it never ends
    loop.close()


def test_the_clocks_of_the_program_are_the_loops() -> None:
    loop, wall = VirtualLoop(Random(1)), Wall()
    real = time.monotonic
    with virtual(loop, wall, 1):
        cache = Cache(1.0, CacheSettings(), None)  # type: ignore[arg-type]  # no task is begun

        async def looks() -> None:
            await asyncio.sleep(5)
            assert time.monotonic() == time.perf_counter() == cache._clock() == 5
            assert time.time() == EPOCH + 5
            wall.ahead = -3600
            assert time.time() == EPOCH + 5 - 3600
            assert time.monotonic() == 5

        loop.run_until_complete(looks())
        drawn = random.random()
    assert time.monotonic is real or time.monotonic() > 5
    with virtual(loop, wall, 1):
        assert random.random() == drawn
    loop.close()
