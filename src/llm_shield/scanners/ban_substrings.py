"""Words and phrases that somebody does not want in a text."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Literal

from llm_shield.finding import NOTHING, Finding, Verdict
from llm_shield.normalising import normalised
from llm_shield.scanner import Request, Resources, Scanner, ScannerSettings, Side
from llm_shield.text import Text
from llm_shield.words import Words
from skykeep.errors import ConfigError


class BanSubstringsSettings(ScannerSettings, kw_only=True, frozen=True):
    """Settings of ``BanSubstrings``.

    Attributes:
        substrings: what to look for.
        file: a UTF-8 file with more of them, one a line; empty lines are passed over.
        match: ``word``: only where no letter or digit stands before and behind; ``string``:
            anywhere.
        case_sensitive: whether case tells them apart.
        contains_all: a finding only where all of them are in the text.
        redact: what stands in their place in a sanitised text; None leaves them there.
        normal: look at the normalised text, and at what encodings hide; False looks at the
            text as sent alone.
    """

    substrings: tuple[str, ...] = ()
    file: str | None = None
    match: Literal["word", "string"] = "word"
    case_sensitive: bool = False
    contains_all: bool = False
    redact: str | None = None
    normal: bool = True


class BanSubstrings(Scanner[BanSubstringsSettings]):
    """Words and phrases of a list, however many, in one pass; also those written with
    look-alike letters, with invisible characters between, or encoded."""

    name: ClassVar[str] = "BanSubstrings"
    summary: ClassVar[str] = "words and phrases of a list"
    sides: ClassVar[frozenset[Side]] = frozenset({Side.INPUT, Side.OUTPUT})
    Settings: ClassVar[type[ScannerSettings]] = BanSubstringsSettings
    reach: ClassVar[int] = 256

    def __init__(self, settings: BanSubstringsSettings, resources: Resources) -> None:
        """Raises ``ConfigError`` for an empty entry, a file that cannot be read, and
        ``contains_all`` without a list; ``MissingExtra`` without pyahocorasick."""
        super().__init__(settings, resources)
        entries = [*settings.substrings, *_read(settings.file)]
        if "" in entries:
            raise ConfigError(
                "BanSubstrings: an empty substring is in every text", hint="take it out"
            )
        if settings.normal and any(not normalised(each).text for each in entries):
            raise ConfigError(
                "BanSubstrings: a substring of only invisible characters is in every text",
                hint="InvisibleText finds those",
            )
        if settings.contains_all and not entries:
            raise ConfigError(
                "BanSubstrings: contains_all without substrings", hint="list some of them"
            )
        # One that is written twice counts once.
        distinct = dict.fromkeys(
            entries if settings.case_sensitive else (each.casefold() for each in entries)
        )
        self._count = len(distinct)
        self._words = Words(
            [[each] for each in distinct],
            whole=settings.match == "word",
            case_sensitive=settings.case_sensitive,
            normal=settings.normal,
        )

    def stream_reach(self) -> int:
        """Whether all of them are there is known at the end of a text."""
        return 0 if self.settings.contains_all else self.reach

    async def scan(self, text: Text, request: Request) -> Verdict:
        """One finding a place, risk 1. Reasons tell an entry by its number in the list, so that
        what is banned does not get into logs. Facts: how many entries were found."""
        hits = self._words.find(text)
        if not hits:
            return NOTHING
        distinct = len({hit.entry for hit in hits})
        facts = {"entries": distinct, "places": len(hits)}
        if self.settings.contains_all and distinct < self._count:
            return Verdict(facts=facts)
        redact = self.settings.redact
        return Verdict.of(
            [
                Finding(
                    "substring",
                    hit.start,
                    hit.end,
                    1.0,
                    f"entry {hit.entry + 1} of the list of banned substrings"
                    + (f", encoded as {hit.encoding}" if hit.encoding else ""),
                    redact,
                )
                for hit in hits
            ],
            facts=facts,
        )


def _read(file: str | None) -> list[str]:
    if file is None:
        return []
    try:
        lines = Path(file).read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise ConfigError(
            f"BanSubstrings: {file} cannot be read: {why}",
            hint="file names a UTF-8 file with one substring a line",
        ) from None
    return [line.strip() for line in lines if line.strip()]
