"""Bulk work keeps to what stores document, and leaves others their part."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skykeep.interfaces.provider import Kind, Quota
from skykeep.layers.pace import SHARE, Pace, Paces
from tests.layers.clock import Clock


async def taken(pace: Pace, clock: Clock, times: int) -> list[float]:
    """When each token was had."""
    at = []
    for _ in range(times):
        await pace.take()
        at.append(clock.now)
    return at


@pytest.mark.asyncio
async def test_a_burst_goes_at_once_and_the_rest_at_the_rate() -> None:
    clock = Clock(0.0)
    at = await taken(Pace(10, 4, clock, clock.sleep), clock, 8)
    assert at == pytest.approx([0, 0, 0, 0, 0.1, 0.2, 0.3, 0.4])


@pytest.mark.asyncio
async def test_a_pause_fills_the_bucket_and_no_more() -> None:
    clock = Clock(0.0)
    pace = Pace(10, 3, clock, clock.sleep)
    await taken(pace, clock, 5)
    clock.now = 100.0
    at = await taken(pace, clock, 4)
    assert at == pytest.approx([100, 100, 100, 100.1])


@pytest.mark.asyncio
async def test_those_who_come_together_are_served_in_their_order() -> None:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)  # the clock stands still: they all wait at once

    pace = Pace(2, 1, Clock(), sleep)
    for _ in range(4):
        await pace.take()
    assert waits == pytest.approx([0.5, 1.0, 1.5])


@pytest.mark.asyncio
async def test_a_slow_store_takes_one_at_a_time() -> None:
    clock = Clock(0.0)
    at = await taken(Pace(0.5, None, clock, clock.sleep), clock, 3)
    assert at == pytest.approx([0, 2, 4])


@given(
    rate=st.floats(0.1, 1000),
    burst=st.integers(1, 50),
    pauses=st.lists(st.floats(0, 20), min_size=1, max_size=60),
)
@pytest.mark.asyncio
async def test_no_stretch_of_time_has_more_than_a_burst_and_the_rate(
    rate: float, burst: int, pauses: list[float]
) -> None:
    clock = Clock(0.0)
    pace = Pace(rate, burst, clock, clock.sleep)
    at = []
    for pause in pauses:
        clock.now += pause
        at += await taken(pace, clock, 3)
    for first, begun in enumerate(at):
        for last in range(first, len(at)):
            assert last - first + 1 <= burst + rate * (at[last] - begun) + 1e-6


@pytest.mark.asyncio
async def test_kinds_of_calls_that_share_a_quota_share_a_bucket() -> None:
    clock = Clock(0.0)
    quotas = (Quota(10, ("describe", "list")), Quota(1500, ("read",)))
    paces = Paces(quotas, SHARE, clock, clock.sleep)
    kinds: list[Kind] = ["describe", "list"]
    for _ in range(5):
        for kind in kinds:
            await paces.take(kind)
    assert clock.now == pytest.approx(1.0)  # 5 at once, and 5 more at half of 10 a second
    for _ in range(750):
        await paces.take("read")
    assert clock.now == pytest.approx(1.0)


@pytest.mark.asyncio
async def test_where_nothing_is_documented_nobody_waits() -> None:
    clock = Clock()
    paces = Paces((Quota(40, ("read",)),), SHARE, clock, clock.sleep)
    for _ in range(1000):
        await paces.take("write")
    assert clock.slept == []
