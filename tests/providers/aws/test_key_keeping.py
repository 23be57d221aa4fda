"""How long keys are kept, and who waits for their renewal."""

from __future__ import annotations

import asyncio
import threading
from datetime import UTC, datetime, timedelta

import pytest

from skykeep.errors import (
    Unavailable,
)
from skykeep.providers.aws.credentials import AHEAD, LAST, Credentials, Keys


class Found:
    """A finder that counts; ``hold`` keeps it waiting."""

    def __init__(self, clock: list[float]) -> None:
        self.clock = clock
        self.asked = 0
        self.fail: Exception | None = None
        self.hold = threading.Event()
        self.hold.set()

    def __call__(self, *, anew: bool) -> Keys:
        self.hold.wait(30)
        self.asked += 1
        if self.fail is not None:
            raise self.fail
        ends = datetime.fromtimestamp(self.clock[0], UTC) + timedelta(hours=1)
        return Keys(f"K{self.asked}", "s", None, ends)


@pytest.fixture
def clock() -> list[float]:
    return [1_800_000_000.0]


@pytest.fixture
def found(clock: list[float]) -> Found:
    return Found(clock)


@pytest.fixture
def credentials(found: Found, clock: list[float]) -> Credentials:
    return Credentials(found, clock=lambda: clock[0])


async def _idle(credentials: Credentials) -> None:
    """Wait for the renewal that is under way."""
    under_way = credentials._renewed._under_way
    if under_way is not None:
        await asyncio.wait([asyncio.wrap_future(under_way)])


@pytest.mark.asyncio
async def test_keys_are_found_once(found: Found, credentials: Credentials) -> None:
    keys = await asyncio.gather(*(credentials.keys() for _ in range(50)))
    assert {each.access for each in keys} == {"K1"}
    assert found.asked == 1


@pytest.mark.asyncio
async def test_keys_are_renewed_beside_the_calls(
    found: Found, credentials: Credentials, clock: list[float]
) -> None:
    await credentials.keys()
    clock[0] += 3600 - AHEAD - 1
    assert (await credentials.keys()).access == "K1"
    assert found.asked == 1
    clock[0] += 2 + 30
    found.hold.clear()
    assert [(await credentials.keys()).access for _ in range(5)] == ["K1"] * 5
    found.hold.set()
    await _idle(credentials)
    assert (await credentials.keys()).access == "K2"
    assert found.asked == 2


@pytest.mark.asyncio
async def test_ended_keys_are_waited_for(
    found: Found, credentials: Credentials, clock: list[float]
) -> None:
    await credentials.keys()
    clock[0] += 3600 - LAST + 1
    assert (await credentials.keys()).access == "K2"


@pytest.mark.asyncio
async def test_a_renewal_that_fails_beside_calls_is_tried_later(
    found: Found, credentials: Credentials, clock: list[float]
) -> None:
    await credentials.keys()
    clock[0] += 3600 - AHEAD + 1
    found.fail = Unavailable("the token service is away")
    for _ in range(3):
        assert (await credentials.keys()).access == "K1"
        under_way = credentials._renewed._under_way
        if under_way is not None:
            await asyncio.wait([asyncio.wrap_future(under_way)])
            assert asyncio.wrap_future(under_way).exception is not None
    assert found.asked == 2, "not at every call"
    found.fail = None
    clock[0] += 31
    await credentials.keys()
    await _idle(credentials)
    assert (await credentials.keys()).access == "K3"


@pytest.mark.asyncio
async def test_a_failure_is_not_kept(found: Found, credentials: Credentials) -> None:
    found.fail = Unavailable("away")
    found.hold.clear()
    callers = [asyncio.ensure_future(credentials.keys()) for _ in range(3)]
    await asyncio.sleep(0)
    found.hold.set()
    outcomes = await asyncio.gather(*callers, return_exceptions=True)
    assert {type(each) for each in outcomes} == {Unavailable}
    assert len({id(each) for each in outcomes}) == 3, "an error of its own for each caller"
    found.fail = None
    assert (await credentials.keys()).access == "K2"


@pytest.mark.asyncio
async def test_a_cancelled_caller_leaves_the_search_to_others(
    found: Found, credentials: Credentials
) -> None:
    found.hold.clear()
    callers = [asyncio.ensure_future(credentials.keys()) for _ in range(3)]
    await asyncio.sleep(0)
    callers[0].cancel()
    await asyncio.sleep(0)
    found.hold.set()
    outcomes = await asyncio.gather(*callers, return_exceptions=True)
    assert isinstance(outcomes[0], asyncio.CancelledError)
    assert {each.access for each in outcomes[1:] if isinstance(each, Keys)} == {"K1"}
    assert found.asked == 1
