"""What a body may be given as, cut into parts: bytes, a file, an async iterator of bytes.

A source gives parts of a wanted size one after the other and knows its size if that can be
known. Files are read in a thread.
"""

from __future__ import annotations

import asyncio
import stat
from collections.abc import AsyncIterable, AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO, Final, Protocol

from skykeep.errors import Invalid

_LARGE: Final = 8 * 1024 * 1024
"""From here on a file is read in a thread of its own, not in the loop's."""

Body = bytes | bytearray | memoryview | Path | AsyncIterable[bytes]


class Source(Protocol):
    """A body, part after part.

    Attributes:
        size: bytes in all, or None if nobody knows.
    """

    size: int | None

    async def next_part(self, length: int) -> bytes:
        """The next ``length`` bytes; fewer at the end, none after it."""

    async def close(self) -> None:
        """Let go of what was opened."""


def source_of(body: Body) -> Source:
    """The source that fits. Raises ``Invalid`` for text and for a path that is no file."""
    if isinstance(body, bytes | bytearray | memoryview):
        return _Bytes(bytes(body))
    if isinstance(body, Path):
        return _File(body)
    if isinstance(body, AsyncIterable):
        return _Stream(body)
    raise Invalid(
        f"a body is bytes, a Path or an async iterator of bytes, not {type(body).__name__}",
        hint="encode text: text.encode()" if isinstance(body, str) else "",
    )


class _Bytes:
    def __init__(self, data: bytes) -> None:
        self.size: int | None = len(data)
        self._data = data
        self._at = 0

    async def next_part(self, length: int) -> bytes:
        part = self._data if length >= len(self._data) and not self._at else None
        if part is None:
            part = self._data[self._at : self._at + length]
        self._at += len(part)
        return part

    async def close(self) -> None:
        self._data = b""


class _File:
    def __init__(self, path: Path) -> None:
        large = False
        try:
            found = path.stat()
        except OSError as error:
            reason = error.strerror
        else:
            reason = "" if stat.S_ISREG(found.st_mode) else "it is no file"
            self.size: int | None = found.st_size
            large = found.st_size > _LARGE
        if reason:
            raise Invalid(f"'{path}' cannot be sent: {reason}")
        self._path = path
        self._file: BinaryIO | None = None
        # A thread of its own: what glibc gives to a thread stays with it, and several that
        # take turns would keep a part or two each after it is gone.
        self._own_thread = large
        self._thread: ThreadPoolExecutor | None = None

    async def next_part(self, length: int) -> bytes:
        here = asyncio.get_running_loop()
        if self._own_thread and self._thread is None:
            self._thread = ThreadPoolExecutor(1, "skykeep-read")
        return await here.run_in_executor(self._thread, self._read, length)

    def _read(self, length: int) -> bytes:
        failure = ""
        try:
            if self._file is None:
                self._file = self._path.open("rb")
            return self._file.read(length)
        except OSError as error:
            failure = error.strerror or "it cannot be read"
        raise Invalid(f"'{self._path}' cannot be sent: {failure}")

    async def close(self) -> None:
        try:
            if self._file is not None:
                here = asyncio.get_running_loop()
                await here.run_in_executor(self._thread, self._file.close)
        finally:
            if self._thread is not None:
                self._thread.shutdown(wait=False)
                self._thread = None


class _Stream:
    """Chunks of any size, put together to parts of the wanted one."""

    def __init__(self, chunks: AsyncIterable[bytes]) -> None:
        self.size: int | None = None
        self._chunks: AsyncIterator[bytes] = aiter(chunks)
        self._left = bytearray()
        self._ended = False

    async def next_part(self, length: int) -> bytes:
        while len(self._left) < length and not self._ended:
            try:
                chunk = await anext(self._chunks)
            except StopAsyncIteration:
                self._ended = True
                break
            if not isinstance(chunk, bytes | bytearray | memoryview):
                raise Invalid(f"a body's chunks are bytes, not {type(chunk).__name__}")
            self._left += chunk
        part = bytes(self._left[:length])
        del self._left[:length]
        return part

    async def close(self) -> None:
        self._left.clear()
        closing = getattr(self._chunks, "aclose", None)
        if closing is not None:
            await closing()
