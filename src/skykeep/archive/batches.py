"""Results that are not written yet: in bounded memory, in batches, written by tasks.

What fails to be written stays and is tried again; while there is no room, results are turned
away and not pushed out. What is here when the process ends is lost.
"""

from __future__ import annotations

import asyncio
import copy
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from skykeep.archive import ids
from skykeep.archive.records import placed
from skykeep.interfaces.tasks import Tasks

BATCH_BYTES: Final = 8 * 1024 * 1024
"""A batch is full with so many, however few its results are."""
AROUND: Final = 256
"""More than a line of a batch has besides its result."""
AT_ONCE: Final = 8
"""Objects that are written at once."""
AGAIN_SECONDS: Final = 5.0
"""After a failure nothing is written for so long, unless a flush asks for it."""


@dataclass(slots=True, eq=False)
class Parcel:
    """What will be one object.

    Attributes:
        object: its ULID.
        at: when it began, UTC.
        batch: whether it has lines, or is one result.
        packed: whether it is to be compressed.
        results: by their id, in order: the lines, or the one result. Not in ``repr``.
        size: bytes of them.
        body: what is sent, once it was made.
        tried: whether an earlier attempt may have written it.
    """

    object: str
    at: datetime
    batch: bool
    packed: bool
    results: dict[str, bytes] = field(default_factory=dict, repr=False)
    size: int = 0
    body: bytes | None = field(default=None, repr=False)
    tried: bool = False

    def add(self, id_: str, data: bytes) -> None:
        """One more."""
        self.results[id_] = data
        self.size += len(data)


Write = Callable[[Parcel], Awaitable[None]]
Sleep = Callable[[float], Awaitable[None]]


class Batches:
    """Takes results, and has them written."""

    def __init__(
        self,
        write: Write,
        *,
        batch: int,
        seconds: float,
        packed: bool,
        most: int,
        clock: Callable[[], datetime],
        sleep: Sleep,
    ) -> None:
        """
        Args:
            write: writes one object; raises our errors.
            batch: results of an object.
            seconds: after so long a batch is written, full or not.
            packed: whether objects are compressed.
            most: bytes that may be held.
            clock: UTC.
            sleep: waits.
        """
        self._write = write
        self._batch = batch
        self._seconds = seconds
        self._packed = packed
        self._most = most
        self._clock = clock
        self._sleep = sleep
        self._tasks = Tasks()
        self._open: Parcel | None = None
        self._waiting: deque[Parcel] = deque()
        self._unwritten: set[Parcel] = set()
        self._held = 0
        self._writers = 0
        self._timer: asyncio.Task[None] | None = None
        self._pause: asyncio.Task[None] | None = None
        self._failure: Exception | None = None
        self._news = asyncio.Event()

    @property
    def count(self) -> int:
        """Results that are not known to be written."""
        return sum(len(parcel.results) for parcel in self._unwritten)

    def held(self, id_: str) -> bytes | None:
        """The line or result with that id, if it is not written yet."""
        for parcel in self._unwritten:
            if (found := parcel.results.get(id_)) is not None:
                return found
        return None

    def add(self, data: bytes) -> str | None:
        """Take a result and give its id; None if there is no room for it."""
        if self._unwritten and self._held + len(data) + AROUND > self._most:
            self._close_batch()  # what is in the way is written
            return None
        at = self._clock().astimezone(UTC)
        if self._batch == 1:
            parcel = Parcel(ids.new_object(at), at, batch=False, packed=self._packed)
            id_ = str(ids.ResultId(parcel.object, self._packed))
            self._take(parcel, id_, data)
            self._hand_over(parcel)
            return id_
        batch = self._batch_for(at, len(data) + AROUND)
        id_, line = placed(data, at, batch.object, batch.size, packed=self._packed)
        self._take(batch, id_, line)
        if len(batch.results) >= self._batch or batch.size >= BATCH_BYTES:
            self._close_batch()
        return id_

    async def add_when_there_is_room(self, data: bytes) -> str:
        """Take a result and give its id. Raises what keeps others from being written."""
        while (id_ := self.add(data)) is None:
            if self._failure is not None:
                raise _again(self._failure)
            self._news.clear()
            await self._news.wait()
        return id_

    async def flush(self) -> None:
        """Wait until all that was taken before is written. Raises what it fails with."""
        self._close_batch()
        mine = set(self._unwritten)
        if self._pause is not None:
            self._pause.cancel()
        self._resume()
        while mine & self._unwritten:
            if self._failure is not None:
                raise _again(self._failure)
            self._news.clear()
            await self._news.wait()

    async def close(self) -> None:
        """Flush, and end all tasks whatever comes of it. Raises as ``flush``."""
        try:
            await self.flush()
        finally:
            await self._tasks.close()
            self._pause = None

    # -- batches

    def _batch_for(self, at: datetime, size: int) -> Parcel:
        batch = self._open
        if batch is not None and (
            batch.at.date() != at.date() or batch.size + size > BATCH_BYTES
        ):
            self._close_batch()
            batch = None
        if batch is None:
            batch = Parcel(ids.new_object(at), at, batch=True, packed=self._packed)
            self._open = batch
            self._timer = self._tasks.start(self._close_later(), name="skykeep archive batch")
        return batch

    async def _close_later(self) -> None:
        await self._sleep(self._seconds)
        self._timer = None
        self._close_batch()

    def _close_batch(self) -> None:
        batch, self._open = self._open, None
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()
        if batch is not None:
            self._hand_over(batch)

    def _take(self, parcel: Parcel, id_: str, data: bytes) -> None:
        parcel.add(id_, data)
        self._held += len(data)
        self._unwritten.add(parcel)

    # -- writing

    def _hand_over(self, parcel: Parcel) -> None:
        self._waiting.append(parcel)
        self._start()

    def _start(self) -> None:
        if self._pause is None and self._waiting and self._writers < AT_ONCE:
            self._writers += 1
            writer = self._tasks.start(self._write_all(), name="skykeep archive")
            writer.add_done_callback(self._ended)  # a task that never began has no 'finally'

    def _ended(self, writer: asyncio.Task[None]) -> None:
        self._writers -= 1
        if not writer.cancelled():
            self._start()  # what came between its last look and its end

    async def _write_all(self) -> None:
        while self._waiting and self._pause is None:
            parcel = self._waiting.popleft()
            try:
                await self._write(parcel)
            except Exception as error:  # noqa: BLE001  (a task has no caller: flush raises it)
                self._waiting.appendleft(parcel)
                self._rest(error)
            except BaseException:
                self._waiting.appendleft(parcel)
                raise
            else:
                self._unwritten.discard(parcel)
                self._held -= parcel.size
            self._news.set()

    def _rest(self, error: Exception) -> None:
        self._failure = error
        if self._pause is None:
            self._pause = self._tasks.start(self._resume_later(), name="skykeep archive rest")

    async def _resume_later(self) -> None:
        await self._sleep(AGAIN_SECONDS)
        self._resume()

    def _resume(self) -> None:
        self._pause = None
        self._failure = None
        for _ in range(min(AT_ONCE, len(self._waiting))):
            self._start()


def _again(error: Exception) -> Exception:
    """The same error for one more caller, whose traceback is its own."""
    same = copy.copy(error)
    same.__traceback__ = None
    return same
