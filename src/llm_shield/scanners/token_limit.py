"""More tokens than a model should be sent."""

from __future__ import annotations

import re
from functools import cache
from importlib.machinery import EXTENSION_SUFFIXES
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Protocol

import msgspec

from llm_shield.extras import needs
from llm_shield.finding import Finding, Verdict
from llm_shield.scanner import Request, Resources, Scanner, ScannerSettings, Side
from llm_shield.text import Text
from skykeep.errors import Corrupt


class Tokenizer(Protocol):
    """What the package's part in Rust has (``bpe_openai/_bindings.pyi``)."""

    def encode(self, text: str) -> list[int]:
        """The tokens. Raises ``UnicodeEncodeError`` for lone surrogates."""

    def decode(self, tokens: list[int]) -> str:
        """Their text. Raises ``ValueError`` where they end inside a character."""

    def count(self, text: str) -> int:
        """How many tokens there are."""


INLINE = 16_384
"""Characters that are counted at once; a longer text is counted in a thread."""

ESTIMATED = 4
"""Characters a token, where tokens are estimated: what OpenAI says of English text
(https://help.openai.com/en/articles/4936856). Other languages and code have more tokens."""

_LONE = re.compile("[\ud800-\udfff]")


class TokenLimitSettings(ScannerSettings, kw_only=True, frozen=True):
    """Settings of ``TokenLimit``.

    Attributes:
        limit: tokens at most.
        encoding: how they are counted: ``o200k`` (GPT-4o and newer), ``cl100k`` (GPT-4,
            GPT-3.5, embeddings), or ``estimate``: a quarter of the characters, rounded up,
            which needs no package and is no count.
    """

    limit: Annotated[int, msgspec.Meta(ge=1)] = 4096
    encoding: Literal["o200k", "cl100k", "estimate"] = "o200k"


class TokenLimit(Scanner[TokenLimitSettings]):
    """The part of a text beyond so many tokens.

    Tokens are counted for every text, also where its length alone says that it is short
    enough (a text of n bytes has at most n tokens): a kilobyte takes some 30 µs, and the
    fact ``tokens`` is then always a count. Special tokens (``<|endoftext|>``) are counted as
    the plain text that they are; a lone surrogate as U+FFFD.
    """

    name: ClassVar[str] = "TokenLimit"
    summary: ClassVar[str] = "more tokens than a limit"
    sides: ClassVar[frozenset[Side]] = frozenset(Side)
    Settings: ClassVar[type[ScannerSettings]] = TokenLimitSettings

    def __init__(self, settings: TokenLimitSettings, resources: Resources) -> None:
        super().__init__(settings, resources)
        if settings.encoding != "estimate":
            needs("bpe_openai", "bpe-openai, which counts tokens,", "shield-tokens")

    async def load(self) -> None:
        """Read the vocabulary."""
        if self.settings.encoding != "estimate":
            await self.resources.in_thread(_tokenizer, self.settings.encoding)

    async def scan(self, text: Text, request: Request) -> Verdict:
        """One finding, the part beyond the limit; a sanitised text is what is before it."""
        sent, limit, encoding = text.sent, self.settings.limit, self.settings.encoding
        if encoding == "estimate":
            tokens = -(-len(sent) // ESTIMATED)
            kept = min(len(sent), limit * ESTIMATED)
        elif len(sent) <= INLINE:
            tokens, kept = measure(sent, limit, encoding)
        else:
            tokens, kept = await request.in_thread(measure, sent, limit, encoding)
        facts = {"tokens": tokens, "encoding": encoding}
        if tokens <= limit:
            return Verdict(facts=facts)
        about = "about " if encoding == "estimate" else ""
        finding = Finding(
            "token-limit",
            kept,
            len(sent),
            1.0,
            f"{about}{tokens:,} tokens ({encoding}), {limit:,} are allowed",
            "",
        )
        return Verdict.of([finding], facts=facts)


def measure(text: str, limit: int, encoding: str) -> tuple[int, int]:
    """How many tokens a text has, and how many of its characters the first ``limit`` of them
    make: what is kept has at most ``limit`` tokens when it is counted by itself."""
    tokenizer = _tokenizer(encoding)
    plain = text if text.isascii() else _LONE.sub("\ufffd", text)
    count = tokenizer.count(plain)
    if count <= limit:
        return count, len(text)
    tokens = tokenizer.encode(plain)
    at = limit
    while at > 0:
        try:
            kept = tokenizer.decode(tokens[:at])
        except ValueError:
            # In the middle of a character, of which there are at most four bytes, so tokens.
            at -= 1
            continue
        # Where words end may differ when what follows is gone, by a token or two.
        if plain.startswith(kept) and tokenizer.count(kept) <= limit:
            return count, len(kept)
        at -= 1
    return count, 0


@cache
def _tokenizer(encoding: str) -> Tokenizer:
    tokenizer: Tokenizer = _bindings().tokenizer_for_encoding(f"{encoding}_base")
    return tokenizer


@cache
def _bindings() -> Any:
    """The package's part in Rust alone: importing the package reads the tables of three
    encodings into Python, 60 MB and a second that counting does not need."""
    package = find_spec("bpe_openai")
    for folder in (package.submodule_search_locations or ()) if package else ():
        for ending in EXTENSION_SUFFIXES:
            path = Path(folder, f"_bindings{ending}")
            if path.is_file():
                spec = spec_from_file_location("bpe_openai._bindings", path)
                if spec and spec.loader:
                    module = module_from_spec(spec)
                    spec.loader.exec_module(module)
                    return module
    raise Corrupt(
        "the package bpe-openai is not complete: it has no module '_bindings'",
        hint="install it anew: pip install --force-reinstall --no-deps bpe-openai",
    )
