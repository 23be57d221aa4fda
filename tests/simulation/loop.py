"""An event loop in virtual time: deterministic, and as quick as what runs on it.

Where nothing is ready the clock jumps to the next timer. Timers of the same microsecond
become ready together, in an order that is drawn from the seed: on a real host they would be a
tie. There are no file descriptors and no threads: work for an executor is done at once.

A crash is a matter of the loop, too: what a dead process still had to run is not run.
"""

from __future__ import annotations

import asyncio
import heapq
import math
from collections import deque
from collections.abc import Callable
from contextvars import Context, ContextVar
from random import Random
from typing import Any, Protocol, TypeVarTuple

Given = TypeVarTuple("Given")

MOST_STEPS = 400_000
"""A history takes some thousand; beyond this something goes round and round."""


class Mortal(Protocol):
    """Whose steps are counted, and not taken after its death."""

    alive: bool
    steps_left: int | None
    """So many steps until it dies; None is for ever."""

    def die(self) -> None:
        """Now."""


process_of: ContextVar[Mortal | None] = ContextVar("process_of", default=None)
"""Whose work this is; None is the world's: stores, the network, the history itself."""

WORLD = Context()
"""What the world does is done in here, whoever gave the occasion."""


class Livelock(Exception):
    """So many steps, and still no end."""


class Stuck(Exception):
    """Somebody waits for what nobody will do."""


class VirtualLoop(asyncio.BaseEventLoop):
    """Runs what is ready, and else jumps. ``ties`` draws the order of timers of one instant.

    Attributes:
        complaints: what nobody else wanted to hear: errors that nobody looked at.
        running: whose step this is.
    """

    # Of asyncio's own loops, whose type information leaves them out.
    _ready: deque[asyncio.Handle]
    _scheduled: list[asyncio.TimerHandle]

    def __init__(self, ties: Random) -> None:
        super().__init__()
        self._ties = ties
        self._microseconds = 0
        self._steps = 0
        self.complaints: list[str] = []
        self.running: Mortal | None = None
        self.set_exception_handler(self._complain)

    def time(self) -> float:
        return self._microseconds / 1_000_000

    def call_at(
        self,
        when: float,
        callback: Callable[[*Given], object],
        *args: *Given,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        # To whole microseconds, upwards, and at least one: who waits for a moment gets there.
        at = math.ceil(when * 1_000_000 - 1e-3)
        if when > self.time():
            at = max(at, self._microseconds + 1)
        timer = asyncio.TimerHandle(at / 1_000_000, callback, args, self, context)
        heapq.heappush(self._scheduled, timer)
        timer._scheduled = True  # type: ignore[attr-defined]  # what its cancel() looks at
        return timer

    def call_later(
        self,
        delay: float,
        callback: Callable[[*Given], object],
        *args: *Given,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        return self.call_at(self.time() + delay, callback, *args, context=context)

    def run_in_executor(  # type: ignore[override]  # the future is ready, which is one, too
        self, executor: object, func: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        done = self.create_future()
        try:
            done.set_result(func(*args))
        except Exception as error:  # noqa: BLE001  (it goes to whoever awaits)
            done.set_exception(error)
        return done

    def _run_once(self) -> None:
        ready = self._ready
        if not ready:
            self._jump()
        for _ in range(len(ready)):
            handle = ready.popleft()
            if handle._cancelled:
                continue
            context: Context = handle._context  # type: ignore[attr-defined]  # asyncio's own
            process = context.get(process_of)
            if process is not None:
                if process.steps_left is not None:
                    if process.steps_left == 0:
                        process.die()
                    else:
                        process.steps_left -= 1
                if not process.alive:
                    continue
            self._steps += 1
            self.running = process
            handle._run()
            self.running = None
        if self._steps > MOST_STEPS:
            raise Livelock(f"{self._steps:,} steps and no end at {self.time():g} s")

    def _jump(self) -> None:
        scheduled = self._scheduled
        while scheduled and scheduled[0]._cancelled:
            heapq.heappop(scheduled)
        if not scheduled:
            raise Stuck(f"nothing is left to happen at {self.time():g} s")
        when = scheduled[0].when()
        due = []
        while scheduled and scheduled[0].when() == when:
            timer = heapq.heappop(scheduled)
            if not timer._cancelled:
                due.append(timer)
        if len(due) > 1:
            self._ties.shuffle(due)
        self._microseconds = max(self._microseconds, round(when * 1_000_000))
        self._ready.extend(due)

    def _complain(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        self.complaints.append(f"{context.get('message')}: {type(error).__name__}: {error}")

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """It is dropped when its time comes."""

    def _write_to_self(self) -> None:
        """There is no other thread that could wake us."""

    def _process_events(self, event_list: object) -> None:
        """There are no file descriptors."""
