"""Work in threads: on files, and on streams, whose other side may wait for ever."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, BinaryIO, Final, TypeVar

from skykeep.apps.cli.transfers.files import failure_of
from skykeep.errors import Invalid

T = TypeVar("T")

READ: Final = 1024 * 1024
"""Bytes that a stream is asked for at once."""


async def in_thread(work: Callable[[], T]) -> T:
    """Do what may wait for somebody else, in a thread that nobody waits for at the end.

    A thread of the loop's own pool would: the loop ends when its threads have.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def tell(set_outcome: Callable[[Any], None], outcome: object) -> None:
        if not future.done():
            set_outcome(outcome)

    def run() -> None:
        try:
            outcome = work()
        except BaseException as error:  # noqa: BLE001  (raised where it is waited for)
            ended: tuple[Callable[[Any], None], object] = (future.set_exception, error)
        else:
            ended = (future.set_result, outcome)
        try:
            loop.call_soon_threadsafe(tell, *ended)
        except RuntimeError:
            pass  # the loop has ended meanwhile

    threading.Thread(target=run, name="skykeep stream", daemon=True).start()
    return await future


async def to_its_end(work: Callable[[], T]) -> T:
    """Do what takes a moment, in a thread; whoever is cancelled meanwhile waits for its end.

    So nobody lets go of a file that the thread still writes.
    """
    task = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise


async def standard_input() -> AsyncIterator[bytes]:
    """All of standard input. Raises ``Invalid`` if it is closed."""
    if sys.stdin is None:
        raise Invalid("standard input is closed")
    stream = sys.stdin.buffer
    while chunk := await in_thread(lambda: stream.read(READ)):
        yield chunk


async def opened_stream(path: Path) -> AsyncIterator[bytes]:
    """What a pipe or a device gives. Raises as ``failure_of``."""

    def open_it() -> BinaryIO:
        return path.open("rb", buffering=0)

    try:
        with await in_thread(open_it) as stream:
            while chunk := await in_thread(lambda: stream.read(READ)):
                yield chunk
    except OSError as error:
        raise failure_of(error, path) from None
