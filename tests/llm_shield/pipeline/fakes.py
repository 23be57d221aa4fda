"""Scanners whose behaviour is known, for tests of what carries scanners."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any

from llm_shield.finding import Finding, Verdict
from llm_shield.models.files import ModelFiles
from llm_shield.pipeline import Pipeline
from llm_shield.scanner import Cost, Request, Resources, Scanner, ScannerSettings, Side
from llm_shield.scanners import HOMES
from llm_shield.shield import Shield
from llm_shield.streaming import Stream
from llm_shield.text import Text

Behaviour = Callable[[Text, Request], Coroutine[Any, Any, Verdict]]


async def in_thread(function: Callable[..., Any], *arguments: Any) -> Any:
    return await asyncio.to_thread(function, *arguments)


def no_embedder() -> Any:
    raise AssertionError("no test of the pipeline embeds")


RESOURCES = Resources(ModelFiles(), no_embedder, in_thread)


class Fake(Scanner[ScannerSettings]):
    """Does what it is told, and remembers how often it was begun and ended."""

    name = "Fake"
    summary = "a fake"
    sides = frozenset(Side)

    def __init__(
        self,
        name: str,
        behaviour: Behaviour,
        *,
        cost: Cost = Cost.PATTERN,
        reach: int = 0,
        **settings: Any,
    ) -> None:
        super().__init__(ScannerSettings(**settings), RESOURCES)
        self.name = name  # type: ignore[misc]  # one class, many names
        self.cost = cost  # type: ignore[misc]  # the same
        self.reach = reach  # type: ignore[misc]  # the same
        self._behaviour = behaviour
        self.begun = self.ended = self.characters = 0
        self.has_begun = asyncio.Event()

    async def scan(self, text: Text, request: Request) -> Verdict:
        self.begun += 1
        self.has_begun.set()
        self.characters += len(text)
        try:
            return await self._behaviour(text, request)
        finally:
            self.ended += 1


def says(
    risk: float = 0.0, *findings: Finding, facts: Mapping[str, object] | None = None
) -> Behaviour:
    async def behaviour(text: Text, request: Request) -> Verdict:
        return Verdict.of(findings, risk, facts)

    return behaviour


def raises(error: BaseException) -> Behaviour:
    async def behaviour(text: Text, request: Request) -> Verdict:
        raise error

    return behaviour


def waits_for(event: asyncio.Event, risk: float = 0.0) -> Behaviour:
    async def behaviour(text: Text, request: Request) -> Verdict:
        await event.wait()
        return Verdict.of((), risk)

    return behaviour


def matching(pattern: str, replacement: str | None = "***", score: float = 0.6) -> Behaviour:
    compiled = re.compile(pattern)

    async def behaviour(text: Text, request: Request) -> Verdict:
        return Verdict.of(
            [
                Finding(f"fake.{pattern}", *one.span(), score, "it fits", replacement)
                for one in compiled.finditer(text.sent)
                if one.group()
            ]
        )

    return behaviour


def pipeline(
    *scanners: Scanner[Any],
    bound: float | None = None,
    max_characters: int = 100_000,
    missing: Mapping[str, str] | None = None,
) -> Pipeline:
    return Pipeline(scanners, bound=bound, max_characters=max_characters, missing=missing)


def request() -> Request:
    return Request(RESOURCES)


def stream(scanners: Pipeline) -> Stream:
    async def given() -> Pipeline:
        return scanners

    return Stream(given, request)


def shield_of(*scanners: Scanner[Any], preset: str = "standard", **settings: Any) -> Shield:
    """A shield that has these scanners on both sides, whatever its preset says."""
    off = dict.fromkeys(HOMES, False)
    made = Shield.of({"preset": preset, "input": off, "output": off, **settings})
    made._chosen = {side: [(each, True) for each in scanners] for side in Side}
    return made


def statuses(results: Sequence[Any]) -> dict[str, str]:
    return {one.name: one.status.value for one in results}
