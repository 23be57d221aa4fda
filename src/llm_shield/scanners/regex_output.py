"""RegexOutput: patterns of one's own, which an answer must not match, or must."""

from __future__ import annotations

from typing import ClassVar

from llm_shield.scanner import Side
from llm_shield.scanners.regex import Regex


class RegexOutput(Regex):
    """Patterns of one's own on answers; its settings are those of ``Regex``."""

    name: ClassVar[str] = "RegexOutput"
    summary: ClassVar[str] = "patterns of your own, which an answer must not match, or must"
    sides: ClassVar[frozenset[Side]] = frozenset({Side.OUTPUT})
