"""A body as it is read: ranges of one object, a few ahead of the reader.

Each range is one call, under the etag of the first, so that a body never changes in the
middle and a range that breaks is asked for again by the layers below.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Final

from skykeep.errors import Unavailable
from skykeep.interfaces.object_driver import Fragment, ObjectInfo
from skykeep.interfaces.tasks import Tasks

RANGE: Final = 8 * 1024 * 1024
"""Bytes of one range, unless the reader asks for another size."""
AHEAD: Final = 3
"""Ranges under way besides the one that the reader has: 32 MiB in all."""

ReadRange = Callable[[int, int, str | None], Awaitable[Fragment]]
"""Start, length, etag -> the range."""


class Download:
    """An async iterator of an object's bytes, and an async context manager that ends it.

    ::

        async with cloud.objects.stream("models/a.onnx") as body:
            print(body.info.size)
            async for chunk in body:
                ...

    Attributes:
        position: where the next chunk begins, bytes from the object's start.
    """

    def __init__(
        self,
        read: ReadRange,
        tasks: Tasks,
        *,
        start: int,
        length: int | None,
        if_match: str | None,
        range_bytes: int = RANGE,
        ahead: int = AHEAD,
    ) -> None:
        self.position = start
        self._read = read
        self._tasks = tasks
        self._end = None if length is None else start + length
        self._etag = if_match
        self._range = range_bytes
        self._ahead = ahead
        self._info: ObjectInfo | None = None
        self._first: bytes | None = None
        self._asked = start
        self._under_way: deque[asyncio.Task[Fragment]] = deque()

    @property
    def info(self) -> ObjectInfo:
        """What is known of the object; there from ``async with`` or the first chunk on."""
        if self._info is None:
            raise RuntimeError("use 'async with', or read a chunk: nothing was asked yet")
        return self._info

    async def __aenter__(self) -> Download:
        await self._open()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    def __aiter__(self) -> Download:
        return self

    async def __anext__(self) -> bytes:
        """The next chunk, never empty. Raises what a read raises; ``Conflict`` if the object
        was replaced meanwhile."""
        await self._open()
        data, self._first = self._first, None
        if data is None:
            self._ask()
            if not self._under_way:
                raise StopAsyncIteration
            task = self._under_way.popleft()
            try:
                data = (await task).data
            except BaseException:
                self._under_way.appendleft(task)
                await self.aclose()
                raise
            self._ask()
        if not data:
            raise StopAsyncIteration
        self.position += len(data)
        return data

    async def aclose(self) -> None:
        """Ask for nothing more, and end what is under way."""
        under_way, self._under_way = list(self._under_way), deque()
        self._end = self._asked
        if not under_way:
            return  # to wait for nothing would take a turn of the loop
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)

    async def _open(self) -> None:
        if self._info is not None:
            return
        fragment = await self._read(self._asked, self._wanted(), self._etag)
        self._info, self._etag = fragment.info, fragment.info.etag
        self._first = fragment.data
        self._asked += len(fragment.data)
        size = fragment.info.size
        self._end = size if self._end is None else min(size, self._end)
        if not fragment.data and self._asked < self._end:
            raise _ended_early(self._asked)
        self._ask()

    def _wanted(self) -> int:
        return self._range if self._end is None else min(self._range, self._end - self._asked)

    def _ask(self) -> None:
        while len(self._under_way) < self._ahead and self._asked < (self._end or 0):
            start, length = self._asked, self._wanted()
            self._asked += length
            self._under_way.append(
                self._tasks.start(self._whole(start, length), name="skykeep read ahead")
            )

    async def _whole(self, start: int, length: int) -> Fragment:
        """The range, asked for again where the last answer ended early."""
        fragment = await self._read(start, length, self._etag)
        while len(fragment.data) < length:
            at = start + len(fragment.data)
            rest = await self._read(at, length - len(fragment.data), self._etag)
            if not rest.data:
                raise _ended_early(at)
            fragment = Fragment(fragment.info, start, fragment.data + rest.data)
        return fragment


def _ended_early(at: int) -> Unavailable:
    return Unavailable(f"the store gives no bytes at {at:,}, and the object has more")
