"""Code where prose is expected."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Annotated, ClassVar

import msgspec

from llm_shield.code_blocks import Piece, pieces
from llm_shield.code_names import NOT_CODE, named
from llm_shield.extras import needs
from llm_shield.finding import Finding, Verdict
from llm_shield.models.pins import installed, pin_of, read_pinned
from llm_shield.scanner import Cost, Request, Resources, Scanner, ScannerSettings, Side
from llm_shield.text import Text
from skykeep.errors import ConfigError

if TYPE_CHECKING:
    from magika import Magika

ASKED = 8
"""Pieces of a text that the model is asked about, at most; others are told by their signs."""

LOOKED_AT = 4096
"""Characters of a piece that the model is given (it looks at 1,024 bytes of either end)."""

CERTAIN = 0.5
"""What the model has to be sure of a language to be believed."""


class BanCodeSettings(ScannerSettings, kw_only=True, frozen=True):
    """Settings of ``BanCode``.

    Attributes:
        banned: languages, such as ``python``, ``sql``, ``shell``; empty: all of them, but not
            data and markup (JSON, YAML, HTML, …), which are found if they are named here.
        allowed: languages that are not found; with ``banned`` empty only.
        min_characters: of a piece, without its fences; shorter ones are left alone.
        inline: whether code in a line of prose is looked for: shell pipes, SQL, calls.
        replacement: what stands in the place of code in a sanitised text; null leaves it.
    """

    banned: tuple[str, ...] = ()
    allowed: tuple[str, ...] = ()
    min_characters: Annotated[int, msgspec.Meta(ge=1)] = 10
    inline: bool = True
    replacement: str | None = "[code removed]"


class BanCode(Scanner[BanCodeSettings]):
    """Code: in fences, in lines that look like it and are judged by ``magika``, inline."""

    name: ClassVar[str] = "BanCode"
    summary: ClassVar[str] = "code, in all or in some languages"
    sides: ClassVar[frozenset[Side]] = frozenset(Side)
    cost: ClassVar[Cost] = Cost.MODEL
    Settings: ClassVar[type[ScannerSettings]] = BanCodeSettings

    def __init__(self, settings: BanCodeSettings, resources: Resources) -> None:
        super().__init__(settings, resources)
        if settings.banned and settings.allowed:
            raise ConfigError("BanCode: 'banned' and 'allowed' are given; one of them will do")
        needs("magika", "magika, which tells languages,")
        self._banned = frozenset(named(each) for each in settings.banned)
        self._allowed = frozenset(named(each) for each in settings.allowed)

    async def load(self) -> None:
        """Read the model."""
        await self.resources.in_thread(_model)

    async def scan(self, text: Text, request: Request) -> Verdict:
        """A finding for each piece, with its fences; facts: the languages."""
        return await request.in_thread(self._look, text)

    def _look(self, text: Text) -> Verdict:
        findings = []
        languages = set()
        asked = 0
        for piece in pieces(text.sent, inline=self.settings.inline):
            inner = text.sent[slice(*piece.inner)]
            if len(inner.strip()) < self.settings.min_characters:
                continue
            language, score = piece.language, 0.98
            if not language:
                asked += 1
                language, score = judged(piece, inner, ask=asked <= ASKED)
            elif piece.how == "inline":
                score = 0.75
            if score == 0.0 or not self._is_banned(language):
                continue
            languages.add(language)
            findings.append(
                Finding(
                    f"code.{language}",
                    piece.start,
                    piece.end,
                    score,
                    "code" if language == "unknown" else f"code, in {language} it seems",
                    self.settings.replacement,
                )
            )
        for hidden in text.decoded:
            for piece in pieces(hidden.text, inline=self.settings.inline):
                language = piece.language or "unknown"
                if piece.end - piece.start >= self.settings.min_characters and self._is_banned(
                    language
                ):
                    reason = f"code in {hidden.encoding}"
                    place = (hidden.start, hidden.end)
                    kind = f"code.{language}"
                    findings.append(
                        Finding(kind, *place, 0.75, reason, self.settings.replacement)
                    )
                    languages.add(language)
                    break
        return Verdict.of(findings, facts={"languages": sorted(languages)})

    def _is_banned(self, language: str) -> bool:
        if self._banned:
            return language in self._banned
        # Of a language that nobody can tell nobody knows that it is allowed.
        return language == "unknown" or language not in NOT_CODE | self._allowed


def judged(piece: Piece, inner: str, *, ask: bool) -> tuple[str, float]:
    """The language of a piece that has no name, and how sure it is that it is code."""
    by_signs = 0.9 if piece.how == "fence" else 0.6 if piece.share >= 0.6 else 0.0
    if not ask:
        return "unknown", by_signs
    told = _model().identify_bytes(inner[:LOOKED_AT].encode("utf-8", "replace"))
    language = named(str(told.dl.label))
    if language not in NOT_CODE and told.score >= CERTAIN:
        return language, max(float(told.score), by_signs)
    if language in NOT_CODE and told.score >= 0.9 and language != "unknown":
        # It is sure that this is no code: of a fence it is believed, prose is fenced, too.
        return language, 0.9 if piece.how == "fence" else 0.0
    return "unknown", by_signs


@cache
def _model() -> Magika:
    pin = pin_of("magika-standard-v3.3", "model.onnx")
    # The configuration beside it is part of the package's code, so it is read from there.
    path = installed(pin)
    content = read_pinned(path, pin)
    from magika import Magika
    from onnxruntime import InferenceSession, SessionOptions

    model = Magika(model_dir=path.parent)
    # Magika makes its session with a thread for each processor, which wait by spinning: for
    # inputs of two kilobytes one thread is as fast, and leaves the others alone.
    options = SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    model._onnx_session = InferenceSession(content, options, providers=["CPUExecutionProvider"])
    return model
