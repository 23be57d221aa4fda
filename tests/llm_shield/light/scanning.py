"""How these tests make a scanner and have it look at a text."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import msgspec
from hypothesis import strategies as st

from llm_shield.finding import Finding, Verdict, replaced
from llm_shield.models.embedder import Embedder
from llm_shield.models.files import ModelFiles
from llm_shield.models.pins import installed, pin_of, read_pinned
from llm_shield.scanner import Request, Resources, Scanner
from llm_shield.scanners import scanner_class
from llm_shield.text import Text


class InstalledFiles(ModelFiles):
    """Model files of the packages that are installed here."""

    def __init__(self) -> None:
        pass

    async def path(self, model: str, file: str) -> Path:
        pin = pin_of(model, file)
        path = installed(pin)
        read_pinned(path, pin)
        return path


def no_embedder() -> Embedder:
    raise AssertionError("none of these scanners needs embeddings")


async def in_thread(function: Callable[..., Any], *arguments: Any) -> Any:
    return await asyncio.to_thread(function, *arguments)


RESOURCES = Resources(InstalledFiles(), no_embedder, in_thread)


def made(name: str, /, **settings: object) -> Scanner[Any]:
    kind = scanner_class(name)
    return kind(msgspec.convert(settings, kind.Settings), RESOURCES)


def told(scanner: Scanner[Any], text: str) -> Verdict:
    side = next(iter(scanner.sides))
    verdict = asyncio.run(scanner.scan(Text(text), Request(RESOURCES, side)))
    return held(verdict, text)


def scanned(name: str, text: str, /, **settings: object) -> Verdict:
    return told(made(name, **settings), text)


def held(verdict: Verdict, text: str) -> Verdict:
    """The verdict, if it keeps what every verdict promises."""
    assert 0.0 <= verdict.risk <= 1.0
    places = [(each.start, each.end) for each in verdict.findings]
    assert places == sorted(places)
    for each in verdict.findings:
        assert 0 <= each.start <= each.end <= len(text)
        assert 0.0 <= each.score <= 1.0
        assert each.reason
    msgspec.json.encode(dict(verdict.facts))
    return verdict


def found(verdict: Verdict, text: str) -> list[str]:
    return [text[each.start : each.end] for each in verdict.findings]


def sanitised(verdict: Verdict, text: str) -> str:
    return replaced(text, cast("list[Finding]", verdict.findings))


ANY_TEXT = st.text(st.characters(), max_size=400) | st.text(
    st.sampled_from("ab .,\n\x00\ud800\udfff漢字éß@:/[](){}<>`~#=-+0123\u200b\u3002"),
    max_size=400,
)
"""Any text at all, lone surrogates and NUL with it."""

MONSTERS = [
    "a",
    "(",
    "a@",
    "QUJDREVG",
    "\n",
    " ",
    "漢",
    "`",
    "```\n",
    "~~~ x\n",
    "<",
    "[",
    "](",
    "http://",
    "www.",
    "hxxp[:]//",
    ".",
    "a.",
    "!",
    "not bad ",
    "\ud800",
    "\x00",
    "x=1;\n",
    "{",
    "1",
    "%41",
    "://",
    "@",
]
"""What a text of a megabyte may repeat."""
