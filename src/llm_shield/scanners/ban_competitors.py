"""Names of competitors."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from llm_shield.finding import NOTHING, Finding, Verdict
from llm_shield.scanner import Request, Resources, Scanner, ScannerSettings, Side
from llm_shield.text import Text
from llm_shield.words import Words
from skykeep.errors import ConfigError


class BanCompetitorsSettings(ScannerSettings, kw_only=True, frozen=True):
    """Settings of ``BanCompetitors``.

    Attributes:
        competitors: each name with its other spellings: ``{Acme Corporation: [Acme, ACME
            Corp.]}``; an empty list for none.
        case_sensitive: whether case tells names apart: for names that are words, too.
        redact: what stands in their place in a sanitised text; None leaves them there.
    """

    competitors: dict[str, tuple[str, ...]] = msgspec.field(default_factory=dict)
    case_sensitive: bool = False
    redact: str | None = None


class BanCompetitors(Scanner[BanCompetitorsSettings]):
    """Names of a list and their other spellings, as whole words, with a possessive ``'s``; also
    those written with look-alike letters, with invisible characters between, or encoded."""

    name: ClassVar[str] = "BanCompetitors"
    summary: ClassVar[str] = "names of competitors"
    sides: ClassVar[frozenset[Side]] = frozenset({Side.INPUT, Side.OUTPUT})
    Settings: ClassVar[type[ScannerSettings]] = BanCompetitorsSettings
    reach: ClassVar[int] = 256

    def __init__(self, settings: BanCompetitorsSettings, resources: Resources) -> None:
        """Raises ``ConfigError`` for an empty name, and for a spelling of two competitors;
        ``MissingExtra`` without pyahocorasick."""
        super().__init__(settings, resources)
        owners: dict[str, str] = {}
        entries: list[list[str]] = []
        for name, aliases in settings.competitors.items():
            entries.append([name, *aliases])
            for spelling in (name, *aliases):
                if not spelling.strip():
                    raise ConfigError(
                        f"BanCompetitors: an empty name for {name!r}", hint="take it out"
                    )
                key = spelling if settings.case_sensitive else spelling.casefold()
                if owners.setdefault(key, name) != name:
                    raise ConfigError(
                        f"BanCompetitors: {spelling!r} is a name of {owners[key]!r} and "
                        f"of {name!r}",
                        hint="leave it with one of them",
                    )
        self._names = tuple(settings.competitors)
        self._words = Words(
            entries,
            whole=True,
            case_sensitive=settings.case_sensitive,
            normal=True,
            possessives=True,
        )

    async def scan(self, text: Text, request: Request) -> Verdict:
        """One finding a place, risk 1. Facts: which competitors.

        Both by the names in the settings, so nothing of the text is quoted."""
        hits = self._words.find(text)
        if not hits:
            return NOTHING
        redact = self.settings.redact
        return Verdict.of(
            [
                Finding(
                    "competitor",
                    hit.start,
                    hit.end,
                    1.0,
                    f"the competitor {self._names[hit.entry]}"
                    + (f", encoded as {hit.encoding}" if hit.encoding else ""),
                    redact,
                )
                for hit in hits
            ],
            facts={"competitors": sorted({self._names[hit.entry] for hit in hits})},
        )
