"""The thread that commits: one job at a time, in the order in which they came.

A commit on a quick disk takes about as long as a job's way through a thread pool and back
to the event loop. This way there is one queue, one wake-up, and no futures in between.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")
_Job = tuple[asyncio.AbstractEventLoop, "asyncio.Future[Any]", Callable[[], Any]]


class Worker:
    """Runs jobs in a thread of its own, which starts with the first."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._thread: threading.Thread | None = None

    async def run(self, job: Callable[[], T]) -> T:
        """The job's outcome. A caller who is cancelled leaves it to end in the thread."""
        if self._thread is None:
            # A daemon: a process that forgets to close may end. What it did not wait for is
            # kept as a whole or not at all.
            self._thread = threading.Thread(target=self._serve, name=self._name, daemon=True)
            self._thread.start()
        loop = asyncio.get_running_loop()
        outcome: asyncio.Future[T] = loop.create_future()
        self._jobs.put((loop, outcome, job))
        return await outcome

    def _serve(self) -> None:
        while (waiting := self._jobs.get()) is not None:
            loop, outcome, job = waiting
            result: Any = None
            failure: BaseException | None = None
            try:
                result = job()
            except BaseException as error:  # noqa: BLE001  (it goes to whoever waits)
                failure = error
            try:
                loop.call_soon_threadsafe(_settle, outcome, result, failure)
            except RuntimeError:
                pass  # the loop is closed: nobody waits any more
            del waiting, loop, outcome, job, result, failure  # held no longer than needed

    async def stop(self) -> None:
        """End the thread, after the jobs that were given to it."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._jobs.put(None)
            await asyncio.to_thread(thread.join)

    def after_fork(self) -> None:
        """In a forked child the thread is gone, its jobs are the parent's."""
        self._jobs = SimpleQueue()
        self._thread = None


def _settle(
    outcome: asyncio.Future[Any], result: object, failure: BaseException | None
) -> None:
    if outcome.done():  # its caller was cancelled
        return
    if failure is None:
        outcome.set_result(result)
    else:
        outcome.set_exception(failure)
