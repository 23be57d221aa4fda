"""The thread that commits: jobs in the order in which they came, together where they queue.

A commit on a quick disk takes about as long as a job's way through a thread pool and back
to the event loop. This way there is one queue, one wake-up, and no futures in between. Jobs
that came while the disk was busy are handed on together: they can share one commit.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any, Generic, TypeVar

J = TypeVar("J")

TOGETHER = 256
"""At most so many jobs are handed on together."""


@dataclass(slots=True)
class Outcome:
    """What became of a job: its result, or the error that it raised."""

    result: Any = None
    error: BaseException | None = None


@dataclass(slots=True)
class _Waiting(Generic[J]):
    loop: asyncio.AbstractEventLoop
    outcome: asyncio.Future[Any]
    job: J


class Worker(Generic[J]):
    """Does jobs in a thread of its own, which starts with the first.

    Args:
        name: the thread's.
        work: does some jobs, one after the other; gives an outcome for each and does not
            raise.
    """

    def __init__(self, name: str, work: Callable[[Sequence[J]], Sequence[Outcome]]) -> None:
        self._name = name
        self._work = work
        self._queue: SimpleQueue[_Waiting[J] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None

    async def run(self, job: J) -> Any:
        """The job's outcome. A caller who is cancelled leaves it to end in the thread."""
        if self._thread is None:
            # A daemon: a process that forgets to close may end. What it did not wait for is
            # kept as a whole or not at all.
            self._thread = threading.Thread(target=self._serve, name=self._name, daemon=True)
            self._thread.start()
        loop = asyncio.get_running_loop()
        outcome: asyncio.Future[Any] = loop.create_future()
        self._queue.put(_Waiting(loop, outcome, job))
        return await outcome

    def _serve(self) -> None:
        last = False
        while not last:
            waiting, last = self._next()
            if waiting:
                outcomes = self._work([one.job for one in waiting])
                for one, outcome in zip(waiting, outcomes, strict=True):
                    try:
                        one.loop.call_soon_threadsafe(_settle, one.outcome, outcome)
                    except RuntimeError:
                        pass  # the loop is closed: nobody waits any more
                    del one, outcome
                del outcomes
            del waiting  # held no longer than needed

    def _next(self) -> tuple[list[_Waiting[J]], bool]:
        """What waits, and whether the end was asked for behind it."""
        first = self._queue.get()
        if first is None:
            return [], True
        waiting = [first]
        try:
            while len(waiting) < TOGETHER:
                following = self._queue.get_nowait()
                if following is None:
                    return waiting, True
                waiting.append(following)
        except Empty:
            pass
        return waiting, False

    async def stop(self) -> None:
        """End the thread, after the jobs that were given to it."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._queue.put(None)
            await asyncio.to_thread(thread.join)

    def after_fork(self) -> None:
        """In a forked child the thread is gone, its jobs are the parent's."""
        self._queue = SimpleQueue()
        self._thread = None


def _settle(waiting: asyncio.Future[Any], outcome: Outcome) -> None:
    if waiting.done():  # its caller was cancelled
        return
    if outcome.error is None:
        waiting.set_result(outcome.result)
    else:
        waiting.set_exception(outcome.error)
