"""How these tests make the scanner and have it look at texts."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec

from llm_shield.finding import Verdict
from llm_shield.models.embedder import Embedder
from llm_shield.scanner import Request, Side
from llm_shield.scanners.prompt_injection import PromptInjection, PromptInjectionSettings
from llm_shield.text import Text
from tests.llm_shield.models.rig import resources


class Scanning:
    """Scanners on one embedder."""

    def __init__(self, embedder: Embedder) -> None:
        self.embedder = embedder
        self.resources = resources(embedder)

    def scanner(self, **settings: object) -> PromptInjection:
        return PromptInjection(
            msgspec.convert(settings, PromptInjectionSettings), self.resources
        )

    def all(
        self, texts: Sequence[str], side: Side = Side.INPUT, **settings: object
    ) -> list[Verdict]:
        """The verdicts, in bounds."""
        scanner = self.scanner(**settings)

        async def scanned() -> list[Verdict]:
            requests = [Request(self.resources, side) for _ in texts]
            found = [
                scanner.scan(Text(text), request)
                for text, request in zip(texts, requests, strict=True)
            ]
            return list(await asyncio.gather(*found))

        verdicts = asyncio.run(scanned())
        for text, verdict in zip(texts, verdicts, strict=True):
            held(verdict, text)
        return verdicts

    def one(self, text: str, side: Side = Side.INPUT, **settings: object) -> Verdict:
        return self.all([text], side, **settings)[0]


def held(verdict: Verdict, text: str) -> None:
    """What every verdict promises."""
    assert 0.0 <= verdict.risk <= 1.0
    for each in verdict.findings:
        assert 0 <= each.start <= each.end <= len(text)
        assert 0.0 <= each.score <= verdict.risk
        assert each.kind.split(".")[0] == "injection"
        assert each.reason
    msgspec.json.encode(dict(verdict.facts))
