"""Many at once: never more than asked for, and nothing is left behind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest

from skykeep.drift.flow import flow


class Source:
    """Numbers, and how far they were taken."""

    def __init__(self, count: int) -> None:
        self.taken = 0
        self.closed = False
        self._count = count

    async def numbers(self) -> AsyncGenerator[int, None]:
        try:
            for number in range(self._count):
                self.taken += 1
                yield number
                await asyncio.sleep(0)
        finally:
            self.closed = True


class Work:
    """Squares, and how many were under way."""

    def __init__(self, *, fails_at: int | None = None) -> None:
        self.under_way = self.most = self.ended = 0
        self._fails_at = fails_at

    async def __call__(self, number: int) -> int:
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            for _ in range(number % 3 + 1):
                await asyncio.sleep(0)
            if number == self._fails_at:
                raise ValueError(number)
            self.ended += 1
            return number * number
        finally:
            self.under_way -= 1


@pytest.mark.asyncio
@pytest.mark.parametrize("at_once", [1, 4, 1000])
async def test_all_are_answered_and_no_more_are_under_way_than_asked_for(at_once: int) -> None:
    source, work = Source(200), Work()
    found = [each async for each in flow(work, source.numbers(), at_once)]
    assert sorted(found) == [number * number for number in range(200)]
    assert work.most <= at_once
    assert work.most > 1 or at_once == 1


@pytest.mark.asyncio
async def test_nothing_is_taken_that_there_is_no_room_for() -> None:
    source, held = Source(100), asyncio.Event()

    async def wait(number: int) -> int:
        await held.wait()
        return number

    stream = flow(wait, source.numbers(), 5)
    first = asyncio.ensure_future(anext(stream))
    for _ in range(50):
        await asyncio.sleep(0)
    assert source.taken == 5
    held.set()
    await first
    await stream.aclose()


@pytest.mark.asyncio
async def test_an_error_ends_it_all() -> None:
    source, work = Source(100), Work(fails_at=20)
    before = asyncio.all_tasks()
    with pytest.raises(ValueError, match="20"):
        async for _ in flow(work, source.numbers(), 8):
            pass
    assert work.under_way == 0
    assert source.closed
    assert source.taken < 100
    assert asyncio.all_tasks() == before


@pytest.mark.asyncio
async def test_what_is_under_way_is_cancelled() -> None:
    cancelled: list[int] = []

    async def work(number: int) -> None:
        try:
            if number == 3:
                raise ValueError(number)
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(number)
            raise

    async def ended() -> None:
        async for _ in flow(work, Source(100).numbers(), 8):
            pass

    with pytest.raises(ValueError, match="3"):
        await asyncio.wait_for(ended(), 30)  # a guard against hanging
    assert {0, 1, 2} <= {*cancelled}


@pytest.mark.asyncio
async def test_who_leaves_early_leaves_nothing_behind() -> None:
    source, work = Source(100), Work()
    before = asyncio.all_tasks()
    async with aclosing(flow(work, source.numbers(), 8)) as stream:
        async for _ in stream:
            break
    assert work.under_way == 0
    assert source.closed
    assert asyncio.all_tasks() == before


@pytest.mark.asyncio
async def test_of_nothing() -> None:
    assert [each async for each in flow(Work(), Source(0).numbers(), 8)] == []
