"""A credential that ends: one search for all who wait, ahead of its end, in a thread."""

from __future__ import annotations

import asyncio
import threading

import pytest

from skykeep.errors import Unavailable
from skykeep.interfaces.renewed import Renewed

AHEAD = 225.0
LAST = 30.0


class Source:
    """Finds numbers; each is good for ``seconds``. It waits for ``go``."""

    def __init__(self, seconds: float = 3600) -> None:
        self.seconds = seconds
        self.now = 1000.0
        self.asked: list[bool] = []
        self.go = threading.Event()
        self.go.set()
        self.failure: Exception | None = None

    def __call__(self, anew: bool) -> tuple[int, float]:
        self.asked.append(anew)
        assert self.go.wait(30)
        if self.failure is not None:
            raise self.failure
        return len(self.asked), self.now + self.seconds

    def renewed(self) -> Renewed[tuple[int, float]]:
        return Renewed(
            self,
            lambda found: found[1],
            ahead=AHEAD,
            last=LAST,
            patience=30,
            clock=lambda: self.now,
        )


async def settled() -> None:
    """The search that is under way has ended."""
    for each in threading.enumerate():
        if each.name == "skykeep credentials":
            await asyncio.to_thread(each.join)


@pytest.mark.asyncio
async def test_one_search_for_all_who_wait() -> None:
    source = Source()
    source.go.clear()
    renewed = source.renewed()
    waiting = [asyncio.ensure_future(renewed.current()) for _ in range(50)]
    await asyncio.sleep(0)
    source.go.set()
    assert {number for number, _ in await asyncio.gather(*waiting)} == {1}
    assert source.asked == [False]


@pytest.mark.asyncio
async def test_renewed_beside_the_calls_and_then_by_them() -> None:
    source = Source()
    renewed = source.renewed()
    assert (await renewed.current())[0] == 1
    source.now += 3600 - AHEAD - 1
    assert (await renewed.current())[0] == 1
    assert len(source.asked) == 1
    source.now += 2
    source.go.clear()
    assert (await renewed.current())[0] == 1, "nobody waits for it"
    assert (await renewed.current())[0] == 1, "and nobody begins another one"
    source.go.set()
    await settled()
    assert (await renewed.current())[0] == 2
    source.now += 3600 - LAST + 1
    assert (await renewed.current())[0] == 3, "too late to begin with the old one"


@pytest.mark.asyncio
async def test_a_renewal_that_fails_is_tried_again_later() -> None:
    source = Source()
    renewed = source.renewed()
    await renewed.current()
    source.now += 3600 - AHEAD + 1
    source.failure = Unavailable("not now")
    for _ in range(2):
        assert (await renewed.current())[0] == 1
        await settled()
    assert len(source.asked) == 2, "once, while it is good for a while"
    source.now += 31
    await renewed.current()
    await settled()
    assert len(source.asked) == 3
    source.now += AHEAD
    with pytest.raises(Unavailable):
        await renewed.current()


@pytest.mark.asyncio
async def test_each_caller_has_an_error_of_its_own() -> None:
    source = Source()
    source.failure = Unavailable("down")
    source.go.clear()
    renewed = source.renewed()
    waiting = [asyncio.ensure_future(renewed.current()) for _ in range(2)]
    await asyncio.sleep(0)
    source.go.set()
    first, second = await asyncio.gather(*waiting, return_exceptions=True)
    assert isinstance(first, Unavailable)
    assert isinstance(second, Unavailable)
    assert first is not second
    assert first.__context__ is first.__cause__ is None


@pytest.mark.asyncio
async def test_a_search_outlives_the_call_that_began_it() -> None:
    source = Source()
    source.go.clear()
    renewed = source.renewed()
    first = asyncio.ensure_future(renewed.current())
    await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    second = asyncio.ensure_future(renewed.current())
    await asyncio.sleep(0)
    source.go.set()
    assert (await second)[0] == 1
    assert source.asked == [False]


def test_one_token_on_several_loops() -> None:
    source = Source()
    renewed = source.renewed()
    assert asyncio.run(renewed.current()) == asyncio.run(renewed.current())
    assert len(source.asked) == 1


def test_a_search_does_not_need_the_loop_that_waits() -> None:
    source = Source()
    source.go.clear()
    renewed = source.renewed()

    async def gives_up() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(renewed.current(), 0)
        waiting = asyncio.ensure_future(renewed.current())
        await asyncio.sleep(0)
        waiting.cancel()

    asyncio.run(gives_up())
    source.go.set()
    assert asyncio.run(renewed.current())[0] == 1
    assert source.asked == [False]


def test_a_forked_child_begins_its_own_search() -> None:
    """Of what its parent was doing, nothing is there."""
    source = Source()
    source.go.clear()
    renewed = source.renewed()

    async def begin() -> None:
        waiting = asyncio.ensure_future(renewed.current())
        await asyncio.sleep(0)
        waiting.cancel()

    asyncio.run(begin())
    renewed.after_fork()
    other = Source()
    renewed._find = other
    assert asyncio.run(renewed.current())[0] == 1
    source.go.set()
