"""``shield scan --jsonl``: millions of lines, on all cores, in their order.

Lines go to worker processes in batches; each process loads its scanners once. A few batches
are under way for each, so memory does not grow with the file, and a slow reader of the output
slows all of it down. Workers do not hear Ctrl-C: the process that reads ends them.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from itertools import chain, islice
from multiprocessing import get_context
from pathlib import Path
from typing import IO, Any, NamedTuple

import msgspec

from llm_shield.cli.console import Console, Progress, counted
from llm_shield.cli.endings import CODES, NOT_VALID, VALID
from llm_shield.settings import ShieldSettings
from skykeep.errors import Denied, Invalid, NotFound, Unavailable

MAX_LINE = 16 * 1024 * 1024
"""Bytes of a line at most; a longer one is told and passed over."""

BATCH_LINES, BATCH_BYTES = 64, 256 * 1024
"""A batch is full with so many lines or bytes."""

AHEAD = 3
"""Batches under way for each worker."""


class Line(NamedTuple):
    """A line of the file. ``data`` is None if it was too long."""

    number: int
    data: bytes | None


class Done(NamedTuple):
    """What came of a line: the JSON, whether it is valid (None: it could not be read), and
    the error."""

    number: int
    document: bytes
    valid: bool | None
    error: str


class Job(NamedTuple):
    """What a worker is told: the settings as JSON, and what of a line is wanted."""

    settings: bytes
    side: str
    field: str
    sanitized: bool
    threads: int | None


def scan_file(
    console: Console,
    name: str,
    settings: ShieldSettings,
    *,
    side: str,
    field: str,
    sanitized: bool,
    workers: int | None,
) -> int:
    """Scan each line; returns the exit code. Raises ``NotFound``, ``Denied``, ``MissingExtra``,
    ``Unavailable`` if a worker was killed."""
    count = workers or cores()
    job = Job(msgspec.json.encode(settings), side, field, sanitized, 1 if count > 1 else None)
    lines = bad = found = done_bytes = 0
    with opened(name) as stream:
        progress = Progress("scanned", console, _size(stream))
        try:
            for size, results in scanned(batches(stream), job, count):
                done_bytes += size
                console.bytes(b"".join(one.document for one in results))
                lines += len(results)
                for one in results:
                    if one.valid is None:
                        bad += 1
                        progress.end()
                        console.warn(f"{name}, line {one.number}: {one.error}")
                    elif not one.valid:
                        found += 1
                progress.at(lines, done_bytes)
        finally:
            progress.end()
    console.note(
        f"{counted(lines, 'line')}: {lines - bad - found:,} valid, {found:,} not valid"
        + (f", {bad:,} not read" if bad else "")
    )
    if bad:
        return CODES["Invalid"][0]
    return NOT_VALID if found else VALID


def cores() -> int:
    """Cores that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on this system
        return os.cpu_count() or 1


@contextmanager
def opened(name: str) -> Iterator[IO[bytes]]:
    """The file, or standard input. Raises ``NotFound``, ``Denied``."""
    if name == "-":
        yield sys.stdin.buffer
        return
    try:
        stream = Path(name).open("rb")  # noqa: SIM115  (closed below: opening alone is tried)
    except (FileNotFoundError, NotADirectoryError):
        raise NotFound(f"there is no file {name}", resource=name) from None
    except OSError as error:
        raise Denied(f"{name} cannot be read: {error.strerror}", resource=name) from None
    with stream:
        yield stream


def _size(stream: IO[bytes]) -> int:
    try:
        return os.fstat(stream.fileno()).st_size
    except (OSError, ValueError):
        return 0


def batches(stream: IO[bytes]) -> Iterator[tuple[int, list[Line]]]:
    """Lines in batches, with the bytes that were read for each; empty lines are left out."""
    batch: list[Line] = []
    size = number = 0
    while piece := stream.readline(MAX_LINE + 1):
        number += 1
        size += len(piece)
        data: bytes | None = piece
        while len(piece) > MAX_LINE and not piece.endswith(b"\n"):
            data = None
            piece = stream.readline(MAX_LINE + 1)
            size += len(piece)
        if data is None or data.strip():
            batch.append(Line(number, data))
        if len(batch) >= BATCH_LINES or size >= BATCH_BYTES:
            yield size, batch
            batch, size = [], 0
    if batch:
        yield size, batch


def scanned(
    found: Iterator[tuple[int, list[Line]]], job: Job, workers: int
) -> Iterator[tuple[int, list[Done]]]:
    """The batches' results, in their order. One batch alone needs no process of its own."""
    first = list(islice(found, 2))
    found = chain(first, found)
    if workers == 1 or len(first) < 2:
        worker = Worker(job)
        try:
            for size, batch in found:
                yield size, worker.scan(batch)
        finally:
            worker.close()
        return
    # Not forked: what the scanners stand on has threads of its own.
    pool = ProcessPoolExecutor(
        workers, mp_context=get_context("spawn"), initializer=_start, initargs=(job,)
    )
    under_way: deque[tuple[int, Future[list[Done]]]] = deque()
    try:
        for size, batch in found:
            with _unheard():
                under_way.append((size, pool.submit(_scan, batch)))
            if len(under_way) >= AHEAD * workers:
                yield _next(under_way)
        while under_way:
            yield _next(under_way)
    except BrokenProcessPool:
        raise Unavailable(
            "a worker process ended unexpectedly",
            hint="was it killed for its memory? try fewer: --workers 1",
        ) from None
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _next(under_way: deque[tuple[int, Future[list[Done]]]]) -> tuple[int, list[Done]]:
    size, future = under_way.popleft()
    return size, future.result()


@contextmanager
def _unheard() -> Iterator[None]:
    """Processes that are started here never hear Ctrl-C: they inherit what is blocked. We do
    hear it, a moment later."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


# -- in a worker

_worker: Worker | None = None


def _start(job: Job) -> None:
    global _worker  # noqa: PLW0603  (a process of a pool has nowhere else to keep it)
    _worker = Worker(job)


def _scan(batch: list[Line]) -> list[Done]:
    if _worker is None:
        raise RuntimeError("the worker was not started")
    return _worker.scan(batch)


class Worker:
    """A shield that is loaded once, and its event loop."""

    def __init__(self, job: Job) -> None:
        from llm_shield.scanner import Side
        from llm_shield.shield import Shield

        self._job = job
        self._side = Side(job.side)
        self._settings = msgspec.json.decode(job.settings, type=ShieldSettings)
        self._runner = asyncio.Runner()
        self._shield: Shield | None = None

    def scan(self, batch: list[Line]) -> list[Done]:
        """What comes of each line. Raises as ``Shield.of`` and ``Shield.load``."""
        return self._runner.run(self._scan(batch))

    def close(self) -> None:
        """Let go of the models."""
        if self._shield is not None:
            self._runner.run(self._shield.close())
        self._runner.close()

    async def _scan(self, batch: list[Line]) -> list[Done]:
        from llm_shield.shield import Shield

        if self._shield is None:
            self._shield = Shield.of(self._settings, threads=self._job.threads)
            await self._shield.load()
        # Side by side, so that their embeddings are computed together.
        at_once = asyncio.Semaphore(self._settings.concurrency)
        return list(await asyncio.gather(*(self._one(line, at_once) for line in batch)))

    async def _one(self, line: Line, at_once: asyncio.Semaphore) -> Done:
        from llm_shield.scanner import Side

        if self._shield is None:
            raise RuntimeError("the worker was not loaded")
        try:
            fields = _fields(line, self._job.field)
            async with at_once:
                if self._side is Side.INPUT:
                    result = await self._shield.scan_prompt(fields["text"])
                else:
                    result = await self._shield.scan_output(
                        fields["text"], prompt=fields["prompt"], context=fields["context"]
                    )
        except Invalid as error:
            said = {"class": "Invalid", "message": error.message}
            return Done(line.number, _json(line.number, {"error": said}), None, error.message)
        document = result.to_dict()
        if not self._job.sanitized:
            # It would double the output of a large file for texts that have nothing in them.
            del document["sanitizedText"]
        document["scannerResults"] = [
            {key: one[key] for key in _KEPT if key in one} for one in document["scannerResults"]
        ]
        return Done(line.number, _json(line.number, document), result.valid, "")


_KEPT = ("name", "status", "isValid", "riskScore", "error")


def _json(number: int, document: Mapping[str, Any]) -> bytes:
    return f"{json.dumps({'line': number, **document})}\n".encode("ascii")


def _fields(line: Line, field: str) -> dict[str, Any]:
    """Text, prompt and context of a line. Raises ``Invalid``."""
    if line.data is None:
        raise Invalid(f"it has more than {MAX_LINE:,} bytes")
    try:
        row = json.loads(line.data)
    except (ValueError, RecursionError):
        raise Invalid("this is not JSON in UTF-8") from None
    if not isinstance(row, dict):
        raise Invalid("a JSON object is expected")
    found = {
        "text": row.get(field),
        "prompt": row.get("prompt"),
        "context": row.get("context"),
    }
    for name, value in found.items():
        if not isinstance(value, str) and (name == "text" or value is not None):
            shown = field if name == "text" else name
            missing = "is missing" if value is None else "is no string"
            raise Invalid(f"field {shown!r} {missing}")
    return found
