"""The thread that runs the model, and the order in which windows have their turn."""

from __future__ import annotations

import heapq
import itertools
import os
import threading
from array import array
from collections.abc import Iterator
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from llm_shield.models.encoder import DIMENSIONS, Encoder
from llm_shield.models.windows import Window
from skykeep.errors import Throttled, Unavailable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Answer = tuple[list[tuple[int, int]], NDArray[np.float32]]

RUN_TOKENS = 256
"""Tokens of one run at most (one window is always in): who comes now waits for its end."""
MAX_WAITING = 1024
"""Requests that wait at once."""
AHEAD = 16
"""Windows of one request that are cut and wait; the others are cut later."""


class _Job:
    """One request: its windows, and what is known of them.

    Windows with the same tokens are run once: a text that repeats itself costs little.
    """

    def __init__(self, encoder: Encoder, windows: Iterator[Window]) -> None:
        self.encoder = encoder
        self.windows = windows
        self.future: Future[Any] = Future()
        self.spans: list[tuple[int, int]] = []
        self.of_window: list[int] = []  # the row of each window
        self.rows: dict[bytes, int] = {}  # the row of these tokens
        self.vectors: list[Any] = []  # of each row; None until it was run
        self.waiting = 0  # rows that were not run yet
        self.turn = 0.0  # of its next row
        self.cut_all = False
        self.ended = False

    def cut(self) -> Iterator[tuple[int, list[int]]]:
        """New rows, while fewer than ``AHEAD`` wait."""
        while self.waiting < AHEAD and not self.cut_all:
            window = next(self.windows, None)
            if window is None:
                self.cut_all = True
                return
            self.spans.append((window.start, window.end))
            tokens = array("I", window.ids).tobytes()
            row = self.rows.get(tokens)
            if row is None:
                row = self.rows[tokens] = len(self.vectors)
                self.vectors.append(None)
                self.waiting += 1
                self.of_window.append(row)
                yield row, list(window.ids)
            else:
                self.of_window.append(row)

    def answer(self) -> Answer:
        import numpy as np

        vectors = np.empty((len(self.of_window), DIMENSIONS), np.float32)
        for at, row in enumerate(self.of_window):
            vectors[at] = self.vectors[row]
        return self.spans, vectors


_Row = tuple[float, int, _Job, int, list[int]]
"""A turn, a number that no other row has, whose it is, which row of it, its tokens."""


class Worker:
    """Runs windows in one thread, which starts with the first request."""

    def __init__(self, max_waiting: int = MAX_WAITING) -> None:
        self.max_waiting = max_waiting
        self._changed = threading.Condition()
        self._new: list[_Job] = []
        self._open = 0  # jobs that have no answer yet
        self._closed = False
        self._thread: threading.Thread | None = None
        self._process = os.getpid()
        # Of the thread alone:
        self._jobs: dict[int, _Job] = {}  # by identity: those that have no answer yet
        self._rows: dict[tuple[int, int], list[_Row]] = {}
        self._count = itertools.count()
        self._now = 0.0  # whose turn it is: those who come now start here

    def check(self) -> None:
        """Raises ``Unavailable`` if it is closed, or was made before a fork."""
        if self._closed:
            raise _closed()
        if os.getpid() != self._process:
            raise Unavailable(
                "the embedder was made in another process, and its thread stayed there",
                hint="make it after the fork",
                sent=False,
            )

    def submit(self, encoder: Encoder, windows: Iterator[Window]) -> Future[Any]:
        """Windows to be run; they are cut in the thread. The answer is spans and vectors.

        Raises ``Throttled`` if too many wait, ``Unavailable`` if it is closed.
        """
        job = _Job(encoder, windows)
        with self._changed:
            self.check()
            if self._open >= self.max_waiting:
                raise Throttled(
                    f"{self._open:,} requests wait to be embedded",
                    hint="send fewer at once, or allow more by max_waiting",
                )
            self._open += 1
            self._new.append(job)
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._work, name="llm_shield-embedder", daemon=True
                )
                self._thread.start()
            self._changed.notify()
        return job.future

    def close(self) -> None:
        """End the thread after the run that is under way. May be called again."""
        with self._changed:
            self._closed = True
            self._changed.notify()
            thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    # -- in the thread

    def _work(self) -> None:
        error: BaseException = _closed()
        try:
            while self._turn():
                pass
        except BaseException as failure:  # noqa: BLE001  (else those that wait wait for ever)
            error = failure
        with self._changed:
            self._closed = True
            self._jobs |= {id(job): job for job in self._new}
            self._new = []
        self._rows.clear()
        for job in list(self._jobs.values()):
            self._end(job, error=error)

    def _turn(self) -> bool:
        """Take in who has come, and run once. False when it is closed."""
        with self._changed:
            while not (self._new or self._rows or self._closed):
                self._changed.wait()
            new, self._new = self._new, []
            self._jobs |= {id(job): job for job in new}
            if self._closed:
                return False
        for job in new:
            job.turn = self._now
            self._advance(job)
        self._run()
        return True

    def _advance(self, job: _Job) -> None:
        """Cut what it may have waiting; answer it if nothing waits any more."""
        if job.ended or job.future.cancelled():
            self._end(job)
            return
        try:
            for row, ids in job.cut():
                entry = (job.turn, next(self._count), job, row, ids)
                key = (id(job.encoder), len(ids))
                heapq.heappush(self._rows.setdefault(key, []), entry)
                job.turn += 1
            if not job.waiting and job.cut_all:
                self._end(job, job.answer())
        except BaseException as error:  # noqa: BLE001  (it reaches who asked, whatever it is)
            self._end(job, error=error)

    def _run(self) -> None:
        """Run those whose turn it is, and others of equal length with them."""
        taken = self._take()
        if not taken:
            return
        # Turns pass as fast as each request that waits is served, so that neither a long one
        # holds up those who come, nor a stream of short ones the long one.
        self._now = max(self._now, taken[0][0]) + len(taken) / max(1, self._open)
        encoder = taken[0][2].encoder
        try:
            vectors = encoder.encode_ids([ids for *_, ids in taken])
        except BaseException as error:  # noqa: BLE001  (it reaches all that were in the run)
            for _, _, job, _, _ in taken:
                self._end(job, error=error)
            return
        jobs = {}
        for (_, _, job, row, _), vector in zip(taken, vectors, strict=True):
            job.vectors[row] = vector
            job.waiting -= 1
            jobs[id(job)] = job
        for job in jobs.values():
            job.turn = max(job.turn, self._now)
            self._advance(job)

    def _take(self) -> list[_Row]:
        """The rows of the next run; those of requests that gave up are dropped."""
        taken: list[_Row] = []
        while self._rows and not taken:
            key = min(self._rows, key=lambda each: self._rows[each][0][:2])
            rows = self._rows[key]
            most = max(1, RUN_TOKENS // (key[1] + 2))
            while rows and len(taken) < most:
                row = heapq.heappop(rows)
                if row[2].ended or row[2].future.cancelled():
                    self._end(row[2])
                else:
                    taken.append(row)
            if not rows:
                del self._rows[key]
        return taken

    def _end(
        self, job: _Job, answer: Any = None, *, error: BaseException | None = None
    ) -> None:
        """Tell who asked, once; who gave up is told nothing."""
        if job.ended:
            return
        job.ended = True
        self._jobs.pop(id(job), None)
        with self._changed:
            self._open -= 1
        if not job.future.set_running_or_notify_cancel():
            return
        if error is not None:
            job.future.set_exception(error)
        else:
            job.future.set_result(answer)


def _closed() -> Unavailable:
    return Unavailable("the embedder is closed", sent=False)
