"""Sentence embeddings, off the event loop and batched across requests.

One thread runs the model. Requests wait in its queue, each window of a text by itself, and
whenever a run ends the next is made of the windows whose turn it is and of others of equal
length: up to ``RUN_TOKENS`` tokens of whatever requests. Nothing waits for a batch to fill, so
a request that comes alone is run at once.

The bound on waiting: turns are given by fair queueing. A text that comes while others are
embedded has its first window run after the run that is under way (256 tokens at most: 60 ms on
one core that we measured, see ``bench/shield_models.py``), and after at most one window of each
request that was there before it, however long their texts are. ``max_waiting`` requests wait at
most; the next is refused with ``Throttled``.
"""

from __future__ import annotations

import asyncio
import os
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from llm_shield.models.encoder import DIMENSIONS, LONGEST_WINDOW, MODEL, WINDOW, Encoder
from llm_shield.models.windows import OVERLAP, first_windows, windows_of
from llm_shield.models.worker import MAX_WAITING, Worker
from llm_shield.text import Text
from skykeep.errors import Invalid

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from llm_shield.models.files import ModelFiles

    Vectors = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Windows:
    """A text in overlapping windows.

    Attributes:
        spans: the place of each in the text as sent.
        vectors: their embeddings, float32, shape (windows, 384), each of length 1.
    """

    spans: Sequence[tuple[int, int]]
    vectors: Vectors


class Embedder:
    """Sentence embeddings, off the event loop.

    May be used by several event loops, at once or one after another. Not across a fork: make it
    in the process that uses it. Who is cancelled while it waits takes nothing from the others;
    an error of the model reaches all whose windows were in that run.
    """

    def __init__(
        self,
        files: ModelFiles | None = None,
        *,
        threads: int | None = None,
        window: int = WINDOW,
        overlap: int = OVERLAP,
        max_windows: int | None = None,
        max_waiting: int = MAX_WAITING,
    ) -> None:
        """Nothing is read and no thread is started before it is used.

        Args:
            files: where the model comes from; by default installed packages.
            threads: of one run; by default 2, or 1 where there is but one core.
            window: tokens of a window, with the two that mark its ends: 16 to 512.
            overlap: tokens that a window has in common with the one before it: less than half
                of a window.
            max_windows: of a text; more are ``Invalid``. None sets no bound: 100,000 code
                points are at most 910 windows, of English text about 200.
            max_waiting: requests that wait at once; 1 or more.
        """
        if not 16 <= window <= LONGEST_WINDOW:
            raise Invalid(f"a window has 16 to {LONGEST_WINDOW} tokens")
        if not 0 <= overlap < (window - 2) / 2:
            raise Invalid("windows overlap by less than half of one")
        if max_windows is not None and max_windows < 1:
            raise Invalid("max_windows is at least 1, or None")
        self.window = window
        self.overlap = overlap
        self.max_windows = max_windows
        self._threads = threads if threads is not None else min(2, os.cpu_count() or 1)
        if self._threads < 1:
            raise Invalid("an embedder has at least one thread")
        self._files = files
        self._worker = Worker(max_waiting)
        self._loading: tuple[asyncio.AbstractEventLoop, asyncio.Task[Encoder]] | None = None
        self._encoder: Encoder | None = None
        # Ends the thread when nobody has the embedder any more, and before the process ends.
        self._end = weakref.finalize(self, self._worker.close)

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """One vector a text, shape (texts, 384); of a long text, its first window's.

        Raises ``MissingExtra``, ``Corrupt``, ``NotFound`` for the model; ``Throttled`` if too
        many wait; ``Unavailable`` if it is closed.
        """
        encoder = await self._ready()
        _, vectors = await self._send(encoder, first_windows(encoder, list(texts)))
        return vectors

    async def windows(self, text: Text) -> Windows:
        """The normalised text in windows; an empty one has none.

        It is tokenised in pieces, as its windows are run, in linear time and with memory for
        the windows' vectors and spans only. Raises as :meth:`embed`; ``Invalid`` for more than
        ``max_windows``.
        """
        encoder = await self._ready()
        rows = windows_of(encoder, text.normal, self.overlap, self.max_windows)
        spans, vectors = await self._send(encoder, rows)
        return Windows([text.span(start, end) for start, end in spans], vectors)

    async def load(self) -> None:
        """Read the model now. Raises ``MissingExtra``, ``Corrupt``, ``NotFound``."""
        encoder = await self._ready()
        # The first run allocates what later ones use.
        await self._send(encoder, first_windows(encoder, ["load"]))

    def close(self) -> None:
        """End its thread. Those that wait, and later ones, get ``Unavailable``."""
        self._end()
        self._encoder = None

    async def _send(self, encoder: Encoder, rows: Any) -> tuple[Any, Vectors]:
        found: tuple[Any, Vectors] = await asyncio.wrap_future(
            self._worker.submit(encoder, rows)
        )
        return found

    async def _ready(self) -> Encoder:
        """The encoder, read by the first that asks; the others wait for that one."""
        self._worker.check()
        if self._encoder is not None:
            return self._encoder
        loop = asyncio.get_running_loop()
        loading = self._loading
        if loading is None or loading[0] is not loop or loading[1].done():
            loading = self._loading = (loop, loop.create_task(self._read()))
            # Looked at here too: all that waited for it may have been cancelled.
            loading[1].add_done_callback(lambda task: task.cancelled() or task.exception())
        return await asyncio.shield(loading[1])

    async def _read(self) -> Encoder:
        from llm_shield.models.files import ModelFiles

        files = self._files or ModelFiles()
        model = await files.read(MODEL, "model.onnx")
        tokenizer = await files.read(MODEL, "tokenizer.json")
        encoder = await asyncio.to_thread(
            Encoder, model, tokenizer, window=self.window, threads=self._threads
        )
        self._worker.check()
        self._encoder = self._encoder or encoder
        return self._encoder


def nothing() -> Windows:
    """The windows of a text that has none."""
    import numpy as np

    return Windows((), np.empty((0, DIMENSIONS), np.float32))
