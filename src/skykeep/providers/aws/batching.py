"""Reads that come together are asked together.

No task of its own: the first read of a batch sends it, in its own call, after the others had
one turn of the event loop to join. If that first one is cancelled, the others ask again.
"""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from skykeep.errors import SkykeepError

T = TypeVar("T")

Ask = Callable[[Sequence[str]], Awaitable[dict[str, T]]]
"""Several keys at once -> the answers that it got; what is missing is asked for singly."""


class Batch(Generic[T]):
    """Keys that wait for one question."""

    def __init__(self) -> None:
        self.waiting: dict[str, asyncio.Future[T | None]] = {}


class Batches(Generic[T]):
    """Collects keys into batches, on the running event loop.

    Args:
        most: keys in one batch.
        ask: the question.
    """

    def __init__(self, most: int, ask: Ask[T]) -> None:
        self._most = most
        self._ask = ask
        self._open: Batch[T] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def get(self, key: str) -> T | None:
        """The answer; None if it has to be asked for singly. Raises what the question does."""
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            self._loop, self._open = loop, None
        batch = self._open
        if batch is not None:
            waiting = batch.waiting.get(key)
            if waiting is None:
                waiting = batch.waiting[key] = loop.create_future()
                if len(batch.waiting) == self._most:
                    self._open = None
            # Shielded: whoever is cancelled leaves the answer to others of the same key.
            return await asyncio.shield(waiting)
        batch = self._open = Batch[T]()
        own: asyncio.Future[T | None] = loop.create_future()
        batch.waiting[key] = own
        try:
            await asyncio.sleep(0)
            if self._open is batch:
                self._open = None
            if len(batch.waiting) > 1:
                answers = await self._ask(tuple(batch.waiting))
                for each, waiting in batch.waiting.items():
                    if not waiting.done():
                        waiting.set_result(answers.get(each))
        except SkykeepError as error:
            # The others of the batch fail with it, each with an error of its own: to ask for
            # each singly would answer a store that asks for patience with a storm.
            for waiting in batch.waiting.values():
                if waiting is not own:
                    waiting.set_exception(copy.copy(error))
                    waiting.exception()  # nobody may be left to hear it
            raise
        finally:
            if self._open is batch:
                self._open = None
            for waiting in batch.waiting.values():
                if not waiting.done():
                    waiting.set_result(None)
        return own.result()

    def after_fork(self) -> None:
        """In a forked child: nothing of the parent's batches is here."""
        self._open = self._loop = None
