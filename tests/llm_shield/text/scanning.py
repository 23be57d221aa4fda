"""How these tests make a scanner and have it look at a text."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec

from llm_shield.finding import Verdict, replaced
from llm_shield.models.embedder import Embedder
from llm_shield.models.files import ModelFiles
from llm_shield.scanner import Request, Resources, Scanner
from llm_shield.scanners import scanner_class
from llm_shield.text import Text


class NoFiles(ModelFiles):
    """These scanners stand on no model."""

    def __init__(self) -> None:
        pass


def no_embedder() -> Embedder:
    raise AssertionError("these scanners need no embeddings")


async def in_thread(function: Callable[..., Any], *arguments: Any) -> Any:
    return await asyncio.to_thread(function, *arguments)


RESOURCES = Resources(NoFiles(), no_embedder, in_thread)


def made(name: str, /, **settings: object) -> Scanner[Any]:
    kind = scanner_class(name)
    return kind(msgspec.convert(settings, kind.Settings), RESOURCES)


def told(scanner: Scanner[Any], sent: str) -> Verdict:
    """What it says, held against what every verdict has to keep to."""
    verdict = asyncio.run(scanner.scan(Text(sent), Request(RESOURCES)))
    assert 0.0 <= verdict.risk <= 1.0
    for each in verdict.findings:
        assert 0 <= each.start < each.end <= len(sent)
        assert 0.0 <= each.score <= 1.0
        assert each.score <= verdict.risk
    msgspec.json.encode(verdict.facts)
    return verdict


def scanned(name: str, sent: str, /, **settings: object) -> Verdict:
    return told(made(name, **settings), sent)


def kinds(verdict: Verdict) -> list[str]:
    return [each.kind for each in verdict.findings]


def cleaned(sent: str, verdict: Verdict) -> str:
    return replaced(sent, verdict.findings)
