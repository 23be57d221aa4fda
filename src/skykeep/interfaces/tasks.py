"""Work that outlives the call that started it; owned and ended by the ``Cloud``."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class Tasks:
    """A group of background tasks. Nothing in it survives :meth:`close`.

    Unlike ``asyncio.TaskGroup`` one failure does not end the others, and tasks may be
    started from anywhere. A failure that nobody awaited is dropped: whoever starts a task
    here is the one to look at its outcome.
    """

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def start(self, work: Coroutine[Any, Any, T], *, name: str) -> asyncio.Task[T]:
        """Start the work; it is cancelled when the group closes."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # marks it as looked at: no "never retrieved" at shutdown

    def __len__(self) -> int:
        return len(self._tasks)

    def forget(self) -> None:
        """Drop all tasks without ending them: after a fork they belong to the parent's loop."""
        self._tasks = set()

    async def close(self) -> None:
        """Cancel what still runs and wait until it has ended."""
        while self._tasks:
            tasks = tuple(self._tasks)
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
