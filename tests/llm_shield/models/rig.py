"""An encoder that needs no model, and what scanners are given."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from typing import Any, cast

import numpy as np

from llm_shield.models.embedder import Embedder
from llm_shield.models.encoder import Encoder
from llm_shield.models.files import ModelFiles
from llm_shield.scanner import Request, Resources, Side
from llm_shield.text import Text


class Letters:
    """Stands in for the encoder: a token a letter, a vector that says which letters there were.

    Counts runs, and waits before each for ``gate`` to be open.
    """

    def __init__(self, window: int = 18) -> None:
        self.window = window
        self.runs: list[list[str]] = []
        self.gate = threading.Event()
        self.gate.set()
        self.began = threading.Semaphore(0)
        self.error: BaseException | None = None
        self.tokenised = 0

    def tokens(self, text: str) -> tuple[list[int], list[tuple[int, int]]]:
        self.tokenised += len(text)
        places = [at for at, letter in enumerate(text) if not letter.isspace()]
        return [ord(text[at]) for at in places], [(at, at + 1) for at in places]

    def first_ids(self, text: str) -> list[int]:
        return self.tokens(text)[0][: self.window - 2]

    def encode_ids(self, ids: Sequence[Sequence[int]]) -> Any:
        self.began.release()
        assert self.gate.wait(60)
        self.runs.append(["".join(map(chr, each)) for each in ids])
        if self.error is not None:
            raise self.error
        vectors = np.zeros((len(ids), 384), np.float32)
        for row, each in enumerate(ids):
            for token in each:
                vectors[row, token % 384] += 1
        return vectors

    @property
    def order(self) -> list[str]:
        """What was run, in its order."""
        return [text for run in self.runs for text in run]


def embedder_on(letters: Letters, **settings: Any) -> Embedder:
    """An embedder that has read this encoder."""
    made = Embedder(window=letters.window, overlap=2, **settings)
    made._encoder = cast(Encoder, letters)
    return made


async def _in_thread(function: Callable[..., Any], *arguments: Any) -> Any:
    return await asyncio.to_thread(function, *arguments)


def resources(embedder: Embedder) -> Resources:
    return Resources(ModelFiles(), lambda: embedder, _in_thread)


def answer_to(
    given: Resources, prompt: str | None = None, context: str | None = None
) -> Request:
    return Request(
        given,
        Side.OUTPUT,
        prompt=None if prompt is None else Text(prompt),
        context=None if context is None else Text(context),
    )
