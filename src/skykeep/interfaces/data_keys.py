"""Data keys that are used again, within bounds, so that a batch asks the key store once.

What bounds a data key: messages (random nonces and the store's wish for little under one
key), bytes, and time (a key that was disabled goes on encrypting for so long, no longer). An
unwrapped one is kept for reading for the same time.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import time
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from typing import Any

from skykeep.errors import Invalid
from skykeep.interfaces.key_driver import DataKey
from skykeep.interfaces.secret_value import SecretValue
from skykeep.interfaces.tasks import Tasks

KEPT = 1000
"""Unwrapped data keys that are kept for reading."""


class DataKeys:
    """Data keys under one key and context.

    A new one is asked for once, however many callers wait for it; a caller that is cancelled
    spares the others. A forked child begins anew: the bounds would else hold for each process
    and not for the key.
    """

    def __init__(
        self,
        generate: Callable[[], Coroutine[Any, Any, DataKey]],
        unwrap: Callable[[bytes], Coroutine[Any, Any, SecretValue]],
        tasks: Tasks,
        *,
        max_messages: int,
        max_bytes: int,
        max_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Raises ``Invalid`` for bounds that leave nothing."""
        if max_messages < 1 or max_bytes < 1 or max_seconds < 0:
            raise Invalid("a data key is used for at least one message and one byte")
        self._generate = generate
        self._unwrap = unwrap
        self._tasks = tasks
        self._max_messages = max_messages
        self._max_bytes = max_bytes
        self._max_seconds = max_seconds
        self._clock = clock
        self._process = os.getpid()
        self._age = 0  # how often everything was forgotten
        self._current: DataKey | None = None
        self._since = 0.0
        self._messages = 0
        self._bytes = 0
        self._making: asyncio.Task[DataKey] | None = None
        self._opened: OrderedDict[bytes, tuple[float, SecretValue]] = OrderedDict()
        self._opening: dict[bytes, asyncio.Task[SecretValue]] = {}

    async def to_seal(self, size: int) -> DataKey:
        """A data key for one message of that many bytes. Raises what the key store raises.

        A message that is larger than the bound has a data key of its own.
        """
        while True:
            self._notice_fork()
            current = self._current
            if current is not None and self._lasts(size):
                self._messages += 1
                self._bytes += size
                return current
            if self._making is None or self._making.done():
                self._making = self._tasks.start(self._make(self._age), name="skykeep data key")
            made = await asyncio.shield(self._making)
            if self._current is made and self._messages == 0:
                # The first of those who waited takes it, whatever its size and however long
                # it took to come; the others look whether it lasts for them, too.
                self._messages, self._bytes = 1, size
                return made

    def count(self, wrapped: bytes, size: int) -> None:
        """Bytes of a message whose size was not known when its data key was asked for."""
        if self._current is not None and self._current.wrapped == wrapped:
            self._bytes += size

    async def to_open(self, wrapped: bytes) -> SecretValue:
        """The data key that was wrapped. Raises what the key store raises."""
        self._notice_fork()
        mark = hashlib.sha256(wrapped).digest()
        kept = self._opened.get(mark)
        if kept is not None and self._clock() - kept[0] < self._max_seconds:
            self._opened.move_to_end(mark)
            return kept[1]
        opening = self._opening.get(mark)
        if opening is None:
            opening = self._tasks.start(
                self._open(mark, wrapped, self._age), name="skykeep unwrap"
            )
            self._opening[mark] = opening
            opening.add_done_callback(lambda task: self._ended(mark, task))
        return await asyncio.shield(opening)

    def forget(self) -> None:
        """Drop all data keys: the next message asks the key store.

        What is being asked for just now is not kept.
        """
        self._age += 1
        self._current = None
        self._making = None
        self._opened.clear()
        self._opening.clear()

    def _notice_fork(self) -> None:
        if (process := os.getpid()) != self._process:
            self._process = process
            self.forget()

    def _lasts(self, size: int) -> bool:
        return (
            self._messages < self._max_messages
            and self._bytes + size <= self._max_bytes
            and self._clock() - self._since < self._max_seconds
        )

    async def _make(self, age: int) -> DataKey:
        # From before it was asked for: it is never used for longer than the bound.
        since = self._clock()
        made = await self._generate()
        if self._age == age:  # else everything was forgotten meanwhile
            self._current, self._since = made, since
            self._messages = self._bytes = 0
            self._keep(hashlib.sha256(made.wrapped).digest(), since, made.plain)
        return made

    async def _open(self, mark: bytes, wrapped: bytes, age: int) -> SecretValue:
        since = self._clock()
        plain = await self._unwrap(wrapped)
        if self._age == age:
            self._keep(mark, since, plain)
        return plain

    def _ended(self, mark: bytes, task: asyncio.Task[SecretValue]) -> None:
        if self._opening.get(mark) is task:
            del self._opening[mark]

    def _keep(self, mark: bytes, since: float, plain: SecretValue) -> None:
        if self._max_seconds == 0:
            return
        self._opened[mark] = (since, plain)
        while len(self._opened) > KEPT:
            self._opened.popitem(last=False)
