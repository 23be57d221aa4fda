"""Regex: patterns of one's own, which a prompt must not match, or must.

On RE2, which is linear in the text whatever the pattern; what it cannot do (backreferences,
look-around) is refused when the scanner is made. With many patterns one pass (``re2.Set``) says
which of them match at all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Literal

import msgspec

from llm_shield.finding import NOTHING, Finding, Verdict
from llm_shield.patterns.places import Places, encoded
from llm_shield.patterns.users import compiled_patterns, options
from llm_shield.scanner import Request, Resources, Scanner, ScannerSettings, Share, Side
from llm_shield.text import Text
from skykeep.errors import ConfigError, Problem

MAX_FINDINGS = 1_000
"""Findings of one pattern at most: what follows the last but one is in the last, to the text's
end. It bounds the work, too: RE2 may read on to the end of a text for each match."""

MANY = 3
"""Patterns from which on they are asked together first."""

IN_THREAD = 65_536
"""Code points from which on a text is scanned off the event loop."""


class RegexSettings(ScannerSettings, kw_only=True, frozen=True):
    """What ``Regex`` and ``RegexOutput`` may be set to.

    Attributes:
        patterns: RE2 patterns by name; a finding's kind is ``regex.`` and the name. Prefix
            ``(?i)`` for any case, ``(?s)`` for a dot that matches newlines.
        mode: ``forbid``: what matches is found; ``require-any``, ``require-all``: a text that
            no pattern, or not each pattern, matches is found as a whole.
        redact: whether what matches is replaced in the sanitised text, by ``[REDACTED]``.
        normal: look at the normalised text: without what is invisible, confusables as what
            they look like; else at the text as sent.
        score: of each finding, in [0, 1].
    """

    patterns: dict[str, str] = msgspec.field(default_factory=dict)
    mode: Literal["forbid", "require-any", "require-all"] = "forbid"
    redact: bool = True
    normal: bool = False
    score: Share = 1.0


class Regex(Scanner[RegexSettings]):
    """Patterns of one's own on prompts."""

    name: ClassVar[str] = "Regex"
    summary: ClassVar[str] = "patterns of your own, which a prompt must not match, or must"
    sides: ClassVar[frozenset[Side]] = frozenset({Side.INPUT})
    Settings: ClassVar[type[ScannerSettings]] = RegexSettings
    reach: ClassVar[int] = 1_024

    def __init__(self, settings: RegexSettings, resources: Resources) -> None:
        """Raises ``ConfigError`` that names each pattern that RE2 refuses and says how to mend
        it, ``MissingExtra``."""
        super().__init__(settings, resources)
        if not settings.patterns:
            raise ConfigError(
                Problem("", 0, "patterns", "there is no pattern"),
                hint="name at least one: patterns: {ticket: 'ABC-[0-9]{4}'}",
            )
        self._patterns: Mapping[str, Any] = compiled_patterns(settings.patterns)
        self._names = tuple(self._patterns)
        self._set = _together(settings.patterns) if len(self._names) >= MANY else None

    def stream_reach(self) -> int:
        """What a text must match is known at its end."""
        return self.reach if self.settings.mode == "forbid" else 0

    async def scan(self, text: Text, request: Request) -> Verdict:
        """Findings of kind ``regex.NAME``; where a pattern is required, of the whole text."""
        if len(text.sent) > IN_THREAD:
            verdict: Verdict = await request.in_thread(self.verdict, text)
            return verdict
        return self.verdict(text)

    def verdict(self, text: Text) -> Verdict:
        """The same, at once."""
        settings = self.settings
        looked_at = text.normal if settings.normal else text.sent
        data = encoded(looked_at)
        matching = self._matching(data)
        if settings.mode != "forbid":
            return self._required(text, matching)
        if not matching:
            return NOTHING
        changed = looked_at is not text.sent
        is_ascii = len(data) == len(looked_at)
        found = []
        for name in matching:
            places = Places(data, is_ascii)
            for start, end in _matches(self._patterns[name], data):
                place = places.span(start, end)
                if changed:
                    place = text.span(*place)
                found.append(
                    Finding(
                        f"regex.{name}",
                        *place,
                        settings.score,
                        f"matches the pattern {name}",
                        "[REDACTED]" if settings.redact else None,
                    )
                )
        return Verdict.of(found)

    def _matching(self, data: bytes) -> list[str]:
        """The names of the patterns that match somewhere, in their order."""
        if self._set is not None:
            found = self._set.Match(data)
            if len(self._names) in found:
                return [self._names[at] for at in sorted(found) if at < len(self._names)]
        return [name for name, each in self._patterns.items() if each.search(data) is not None]

    def _required(self, text: Text, matching: list[str]) -> Verdict:
        if self.settings.mode == "require-any":
            missing = [] if matching else ["any"]
        else:
            missing = [each for each in self._names if each not in matching]
        return Verdict.of(
            [
                Finding(
                    f"regex.missing.{each}",
                    0,
                    len(text.sent),
                    self.settings.score,
                    "no pattern matches"
                    if each == "any"
                    else f"does not match the pattern {each}",
                )
                for each in missing
            ]
        )


def _together(patterns: Mapping[str, str]) -> Any:
    """All patterns in one automaton; None if it takes more memory than RE2 gives it."""
    import re2

    made = re2.Set.SearchSet(options())
    try:
        for each in patterns.values():
            made.Add(each.encode())
        # Always found: a set whose memory runs out finds nothing, and does not say so.
        made.Add(b"")
        made.Compile()
    except re2.error:
        return None
    return made


def _matches(pattern: Any, data: bytes) -> Iterator[tuple[int, int]]:
    """Where it matches something, ascending, at most ``MAX_FINDINGS`` places."""
    count = 0
    for match in pattern.finditer(data):
        start, end = match.span()
        if start == end:
            count += 1
            if count >= MAX_FINDINGS:
                return
            continue
        count += 1
        if count >= MAX_FINDINGS:
            yield start, len(data)
            return
        yield start, end
