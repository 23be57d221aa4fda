"""The scanners with heads on the packaged encoder, read once for all of these tests."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import cache
from typing import Any

import msgspec

from llm_shield.finding import Verdict
from llm_shield.models.embedder import Embedder
from llm_shield.models.files import ModelFiles
from llm_shield.scanner import Request, Resources, Scanner, Side
from llm_shield.scanners import scanner_class
from llm_shield.text import Text


async def _in_thread(function: Callable[..., Any], *arguments: Any) -> Any:
    return await asyncio.to_thread(function, *arguments)


@cache
def resources() -> Resources:
    embedder = Embedder()
    return Resources(ModelFiles(), lambda: embedder, _in_thread)


@cache
def made(name: str, settings: str = "{}") -> Scanner[Any]:
    """A scanner with these settings, as JSON."""
    kind = scanner_class(name)
    return kind(msgspec.json.decode(settings, type=kind.Settings), resources())


def run(what: Coroutine[Any, Any, Verdict]) -> Verdict:
    return asyncio.run(what)


def scanned(name: str, text: str, settings: str = "{}") -> Verdict:
    """What it says of an answer; places and numbers are within their bounds."""
    verdict = run(made(name, settings).scan(Text(text), Request(resources(), Side.OUTPUT)))
    assert 0.0 <= verdict.risk <= 1.0
    for each in verdict.findings:
        assert 0 <= each.start <= each.end <= len(text)
        assert 0.0 <= each.score <= 1.0
    return verdict


class Counting(Embedder):
    """Counts the texts that are embedded besides windows."""

    def __init__(self) -> None:
        super().__init__()
        self.sentences = 0

    async def embed(self, texts: Any) -> Any:
        self.sentences += len(texts)
        return await super().embed(texts)
