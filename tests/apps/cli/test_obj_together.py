"""Many transfers side by side, what a person sees of them, and streams that wait."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable

import pytest

from skykeep.apps.cli.console import Console
from skykeep.apps.cli.transfers import streams
from skykeep.apps.cli.transfers.bar import Bar, sized
from skykeep.apps.cli.transfers.streams import in_thread
from skykeep.apps.cli.transfers.together import LARGE_AT_ONCE, Failed, raise_failed, together
from skykeep.apps.cli.transfers.uploading import SMALL
from skykeep.errors import Conflict, Denied, Invalid, Unavailable
from tests.apps.cli.harness import Stream


class Work:
    """Counts what is under way; number -> what to raise."""

    def __init__(self, fails: dict[int, Exception] | None = None) -> None:
        self.fails = fails or {}
        self.under_way = self.most = 0
        self.begun: list[int] = []
        self.told: list[int] = []
        self.hold: Callable[[int], Awaitable[None]] | None = None

    async def __call__(self, number: int) -> str:
        self.begun.append(number)
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            if self.hold is not None:
                await self.hold(number)
            for _ in range(-number % 7):  # they end in another order
                await asyncio.sleep(0)
            if number in self.fails:
                raise self.fails[number]
            return str(number)
        finally:
            self.under_way -= 1

    def ended(self, number: int, outcome: str) -> None:
        assert outcome == str(number)
        self.told.append(number)

    async def run(self, count: int, jobs: int, size: int = 1) -> list[Failed[int]]:
        return await together(
            self, range(count), jobs=jobs, size_of=lambda _: size, ended=self.ended
        )


@pytest.mark.asyncio
async def test_all_are_made_so_many_at_once_and_told_in_order() -> None:
    work = Work()
    assert await work.run(100, 8) == []
    assert work.told == list(range(100))
    assert work.most == 8


@pytest.mark.asyncio
async def test_of_large_ones_two() -> None:
    work = Work()
    await work.run(20, 8, SMALL)
    assert work.most == 8
    work = Work()
    await work.run(20, 8, SMALL + 1)
    assert work.most == LARGE_AT_ONCE == 2
    work = Work()
    await work.run(20, 1, SMALL + 1)
    assert work.most == 1


@pytest.mark.asyncio
async def test_one_that_fails_keeps_no_other_from_being_made() -> None:
    work = Work({3: Conflict("there"), 7: Denied("not you")})
    failed = await work.run(20, 4)
    assert [one.given for one in failed] == [3, 7]
    assert work.told == [n for n in range(20) if n not in (3, 7)]
    with pytest.raises(Conflict, match="2 of 20 were not copied; '3': there"):
        raise_failed(failed, 20, lambda number: f"'{number}'")
    with pytest.raises(Denied) as raised:
        raise_failed(failed[1:], 1, str)
    assert raised.value.message == "not you"


@pytest.mark.asyncio
async def test_what_all_would_fail_of_ends_it() -> None:
    work = Work({3: Unavailable("down")})
    failed = await work.run(1000, 4)
    assert [one.given for one in failed] == [3]
    assert len(work.begun) < 20
    assert set(work.told) == set(work.begun) - {3}


@pytest.mark.asyncio
async def test_a_fault_of_ours_is_raised_and_no_task_stays() -> None:
    work = Work({3: LookupError("a bug")})
    with pytest.raises(LookupError, match="a bug"):
        await work.run(100, 4)
    assert work.under_way == 0
    assert len(asyncio.all_tasks()) == 1


@pytest.mark.asyncio
async def test_who_is_cancelled_ends_all() -> None:
    work, full, never = Work(), asyncio.Event(), asyncio.Event()

    async def hold(number: int) -> None:
        if number == 5:  # all four workers are held
            full.set()
        if number >= 2:
            await never.wait()

    work.hold = hold
    task = asyncio.ensure_future(work.run(100, 4))
    await full.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert work.under_way == 0
    assert work.told == [0, 1]


@pytest.mark.asyncio
async def test_nothing_to_do() -> None:
    assert await Work().run(0, 8) == []
    raise_failed([], 0, str)


# -- the bar


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(time, "monotonic", clock)
    return clock


def on_screen(patch: pytest.MonkeyPatch) -> Stream:
    """A terminal as standard error. In the test itself: pytest sets its own before it."""
    screen = Stream(terminal=True)
    patch.setattr(sys, "stderr", screen)
    return screen


def shown(screen: Stream) -> str:
    return screen.kept.getvalue().decode()


def test_a_bar_of_many(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    screen = on_screen(monkeypatch)
    bar = Bar(Console(), count=3, total=4 * 1024 * 1024)
    bar.add(1024 * 1024)
    assert shown(screen) == ""  # what is quick shows nothing
    bar.one_ended()
    clock.now += 2
    bar.add(1024 * 1024)
    text = "[##########          ]  50 %  1 of 3, 2.0 MiB of 4.0 MiB, 1.0 MiB/s"
    assert shown(screen) == f"\r{text}"
    bar.add(1)  # too early for another
    assert shown(screen) == f"\r{text}"
    bar.clear()
    assert shown(screen) == f"\r{text}\r{' ' * len(text)}\r"
    clock.now += 1
    bar.add(5 * 1024 * 1024)
    assert "100 %" in shown(screen)


def test_a_bar_of_one_that_nobody_knows_the_size_of(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    screen = on_screen(monkeypatch)
    bar = Bar(Console())
    clock.now += 1
    bar.add(2048)
    assert shown(screen) == "\r2.0 KiB, 2.0 KiB/s"


@pytest.mark.parametrize("json", [True, False])
def test_nobody_there_sees_nothing(
    clock: Clock, monkeypatch: pytest.MonkeyPatch, json: bool
) -> None:
    screen = Stream(terminal=json)
    monkeypatch.setattr(sys, "stderr", screen)
    console = Console()
    console.json = json
    bar = Bar(console, total=10)
    clock.now += 5
    bar.add(5)
    bar.clear()
    assert shown(screen) == ""


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 bytes"),
        (1023, "1023 bytes"),
        (1024, "1.0 KiB"),
        (1536, "1.5 KiB"),
        (5 * 1024**4, "5.0 TiB"),
        (5000 * 1024**5, "5000.0 PiB"),
    ],
)
def test_sizes_for_people(count: int, text: str) -> None:
    assert sized(count) == text


# -- streams


@pytest.mark.asyncio
async def test_a_thread_gives_back_what_it_found() -> None:
    assert await in_thread(lambda: 7) == 7
    with pytest.raises(LookupError, match="of the thread"):
        await in_thread(lambda: (_ for _ in ()).throw(LookupError("of the thread")))


def test_a_loop_ends_although_a_thread_still_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    import threading

    free, ended = threading.Event(), threading.Event()

    def wait() -> None:
        free.wait(60)
        ended.set()

    async def cancelled() -> None:
        task = asyncio.ensure_future(in_thread(wait))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())
    assert not ended.is_set()
    free.set()
    assert ended.wait(10)


@pytest.mark.asyncio
async def test_standard_input_that_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(Invalid, match="closed"):
        await anext(streams.standard_input())
