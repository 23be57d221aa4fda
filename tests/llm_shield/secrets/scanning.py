"""How these tests make scanners, and the secrets that they look for."""

from __future__ import annotations

import asyncio
import random
import string
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from hypothesis import strategies as st

from llm_shield.finding import Verdict
from llm_shield.models.embedder import Embedder
from llm_shield.models.files import ModelFiles
from llm_shield.scanner import Request, Resources, Scanner
from llm_shield.scanners import scanner_class
from llm_shield.text import Text

LETTERS = string.ascii_letters + string.digits

ANY_TEXT = st.text(
    st.characters(exclude_categories=[]) | st.sampled_from("\x00\ud800\udfff=:\"'@/ \n"),
    max_size=200,
)
"""Any text: lone surrogates and NUL, too."""


def no_embedder() -> Embedder:
    raise AssertionError("no pattern needs embeddings")


class NoFiles(ModelFiles):
    """No pattern needs a model's file."""

    def __init__(self) -> None:
        pass


async def in_thread(function: Callable[..., Any], *arguments: Any) -> Any:
    return await asyncio.to_thread(function, *arguments)


RESOURCES = Resources(NoFiles(), no_embedder, in_thread)


def made(name: str, /, **settings: object) -> Scanner[Any]:
    kind = scanner_class(name)
    return kind(msgspec.convert(settings, kind.Settings), RESOURCES)


def told(scanner: Scanner[Any], text: str) -> Verdict:
    side = next(iter(scanner.sides))
    call: Awaitable[Verdict] = scanner.scan(Text(text), Request(RESOURCES, side))

    async def scan() -> Verdict:
        return await call

    return asyncio.run(scan())


def kinds(verdict: Verdict) -> list[str]:
    return [each.kind for each in verdict.findings]


def found(verdict: Verdict, text: str) -> list[str]:
    return [text[each.start : each.end] for each in verdict.findings]


def sound(verdict: Verdict, text: str) -> None:
    """What holds of every verdict."""
    assert 0 <= verdict.risk <= 1
    for each in verdict.findings:
        assert 0 <= each.start <= each.end <= len(text)
        assert 0 <= each.score <= 1


def drawn(count: int, seed: int = 1, letters: str = LETTERS) -> str:
    """Characters at random, the same for the same seed."""
    source = random.Random(seed)
    return "".join(source.choices(letters, k=count))


GITHUB = "ghp_" + drawn(36, 7)
"""Made up; the two parts keep a scan of this repository from taking it for a token."""
