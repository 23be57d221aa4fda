"""Secrets: keys, tokens, passwords and private keys that should not be in a prompt or answer.

gitleaks' rules and ours, on RE2 in windows around keywords (``patterns``); then entropy,
allow-lists and what stands in place of secrets in handbooks decide. A finding's place is the
secret, not its line; nothing that is reported quotes it.
"""

from __future__ import annotations

import re
import zlib
from bisect import bisect_left
from collections.abc import Iterable
from typing import ClassVar, Literal

import msgspec

from llm_shield.ends import last_word
from llm_shield.finding import NOTHING, Finding, Verdict
from llm_shield.patterns.judging import Judge
from llm_shield.patterns.matching import Candidate, Engine
from llm_shield.patterns.places import Places, encoded
from llm_shield.patterns.rules import Rule, packaged
from llm_shield.patterns.users import compiled_patterns
from llm_shield.scanner import Request, Resources, Scanner, ScannerSettings, Side
from llm_shield.text import Text
from skykeep.errors import ConfigError, Problem

REACH = 4_096
"""Code points of a secret that is found wherever chunks end; of a longer private key, its
beginning is."""

CLOSE = 512
"""Code points between the beginning of a match and its end, unless it has no spaces or is a
private key."""

IN_THREAD = 65_536
"""Code points from which on a text is scanned off the event loop."""

SCORES = {"form": 0.95, "name": 0.8, "password": 0.75, "checked": 1.0}
"""How sure a rule is: its form says it, the name beside it says it, a person chose it, its
checksum is right."""

GENERIC = frozenset({"generic-api-key", "env-secret", "password-told", "sk-key", "key-header"})
"""Rules that know a secret by what stands beside it."""

WIDE = GENERIC | {
    "anthropic-key",
    "authorization-header",
    "huggingface-token",
    "jwt-anywhere",
    "openai-key",
    "private-key-cut",
}
"""Rules that give way to one that says more of the same place."""

_CHECKED = re.compile(r"(?:gh[pousr]|npm)_([0-9A-Za-z]{30})([0-9A-Za-z]{6})\Z")
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}\Z")


class ExtraRule(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A rule of one's own.

    Attributes:
        regex: RE2. Its first group that matches is the secret; without groups, the match is.
        description: for people.
        keywords: the rule is looked for near one of these only, ``REACH`` bytes away at most,
            in upper or lower case (of ASCII): it costs nothing where none is in the text.
            Without any, each text is searched.
        entropy: bits a character of the secret at least; 0 for any.
    """

    regex: str
    description: str = ""
    keywords: tuple[str, ...] = ()
    entropy: float = 0.0


class SecretsSettings(ScannerSettings, kw_only=True, frozen=True):
    """What ``Secrets`` may be set to.

    Attributes:
        redact: what stands in a secret's place in the sanitised text: ``label``:
            ``[REDACTED_SECRET]``; ``kind``: ``[SECRET:GITHUB-PAT]``; ``partial``: its first and
            last two characters where it has at least 16, else as ``label``; ``mask``: an
            asterisk for each character.
        skip: rules to leave out, by id, as in a finding's kind after ``secret.``.
        extra: rules of one's own, by id.
        allow: secrets that are none: exact values.
        allow_regexes: RE2; a secret that one of them matches as a whole is none.
        passwords: whether to look for passwords that people chose, which have no fixed form:
            in URLs, connection strings, variables and sentences.
    """

    redact: Literal["label", "kind", "partial", "mask"] = "label"
    skip: tuple[str, ...] = ()
    extra: dict[str, ExtraRule] = msgspec.field(default_factory=dict)
    allow: tuple[str, ...] = ()
    allow_regexes: tuple[str, ...] = ()
    passwords: bool = True

    def __repr__(self) -> str:
        # Allowed values may be secrets, if only of a test system.
        return f"SecretsSettings(redact={self.redact!r}, {len(self.allow)} allowed)"


class Secrets(Scanner[SecretsSettings]):
    """Keys, tokens, passwords and private keys."""

    name: ClassVar[str] = "Secrets"
    summary: ClassVar[str] = "keys, tokens, passwords and private keys"
    sides: ClassVar[frozenset[Side]] = frozenset({Side.INPUT, Side.OUTPUT})
    Settings: ClassVar[type[ScannerSettings]] = SecretsSettings
    reach: ClassVar[int] = REACH

    def __init__(self, settings: SecretsSettings, resources: Resources) -> None:
        """Raises ``ConfigError`` for a rule that does not exist and an expression that RE2
        refuses, ``MissingExtra``."""
        super().__init__(settings, resources)
        rules = packaged()
        known = {each.id for each in rules.rules}
        problems = [
            Problem("", 0, "skip", f"there is no rule {each!r}")
            for each in settings.skip
            if each not in known
        ] + [
            Problem(
                "",
                0,
                f"extra.{each}",
                "a rule's id is letters, digits, '-', '_' and '.', and no rule has it yet",
            )
            for each in settings.extra
            if each in known or not _NAME.match(each)
        ]
        if problems:
            raise ConfigError(
                problems, hint="docs/scanners/secrets.md has the ids of all rules"
            )
        compiled_patterns({name: each.regex for name, each in settings.extra.items()}, "extra")
        self._allowed_forms = tuple(
            compiled_patterns(
                {str(at): each for at, each in enumerate(settings.allow_regexes)},
                "allow_regexes",
            ).values()
        )
        self._allowed = frozenset(encoded(each) for each in settings.allow)
        chosen = [
            each
            for each in rules.rules
            if each.id not in settings.skip and (settings.passwords or each.kind != "password")
        ]
        self._engine = Engine([*chosen, *_extra(settings.extra)])
        self._judge = Judge(rules.allowlist)

    async def load(self) -> None:
        """Make the automaton of anchors; expressions are compiled when they are needed."""
        self._engine.load()

    def pending(self, text: str) -> int:
        """Tokens have no spaces, and stand close behind their keyword; only private keys are
        longer, and show where they begin."""
        if (
            self.settings.extra
        ):  # of rules of one's own no more is known than how far they reach
            return super().pending(text)
        at = min(last_word(text, self.reach), max(0, len(text) - CLOSE))
        least = max(0, len(text) - self.reach)
        for begins, ends in (
            ("-----BEGIN", "-----END"),
            ("PuTTY-User-Key-File-", "Private-MAC:"),
        ):
            key = text.rfind(begins, least)
            if key >= 0 and text.find(ends, key) < 0:
                at = min(at, key)
        return at

    async def scan(self, text: Text, request: Request) -> Verdict:
        """Findings of kind ``secret.ID``, one a secret."""
        if len(text.sent) > IN_THREAD:
            verdict: Verdict = await request.in_thread(self.verdict, text)
            return verdict
        return self.verdict(text)

    def verdict(self, text: Text) -> Verdict:
        """The same, at once."""
        sent = text.sent
        findings = self._in(sent)
        if text.normal != sent:
            findings = _with(findings, self._in_normal(text))
        for hidden in text.decoded:
            inner = self._in(hidden.text)
            if inner:
                best = max(inner, key=lambda each: each.score)
                findings = _with(
                    findings,
                    [
                        Finding(
                            best.kind,
                            hidden.start,
                            hidden.end,
                            best.score,
                            f"{best.reason}, encoded as {hidden.encoding}",
                            self._replacement(best.kind, sent[hidden.start : hidden.end]),
                        )
                    ],
                )
        return Verdict.of(findings) if findings else NOTHING

    def _in_normal(self, text: Text) -> list[Finding]:
        """What is found only once invisible characters and confusables are gone."""
        found = []
        for each in self._in(text.normal):
            start, end = text.span(each.start, each.end)
            replacement = self._replacement(each.kind, text.sent[start:end])
            found.append(Finding(each.kind, start, end, each.score, each.reason, replacement))
        return found

    def _in(self, text: str) -> list[Finding]:
        data = encoded(text)
        engine, judge = self._engine, self._judge

        def refused(candidate: Candidate) -> bool:
            secret = data[candidate.secret_start : candidate.secret_end]
            return (
                secret in self._allowed
                or judge.refused(data, candidate)
                or any(each.fullmatch(secret) is not None for each in self._allowed_forms)
            )

        found = list(engine.candidates(data, refused))
        if not found:
            return []
        places = Places(data, len(data) == len(text))
        findings = []
        for each in _apart(found):
            start, end = places.span(each.secret_start, each.secret_end)
            secret = text[start:end]
            kind = f"secret.{each.rule.id}"
            findings.append(
                Finding(
                    kind,
                    start,
                    end,
                    _score(each.rule, secret),
                    each.rule.description.rstrip(".") or f"matches the rule {each.rule.id}",
                    self._replacement(kind, secret),
                )
            )
        return findings

    def _replacement(self, kind: str, secret: str) -> str:
        redact = self.settings.redact
        if redact == "kind":
            return f"[{kind.upper().replace('SECRET.', 'SECRET:', 1)}]"
        if redact == "mask":
            return "*" * len(secret)
        if redact == "partial" and len(secret) >= 16 and "\n" not in secret:
            return f"{secret[:2]}…{secret[-2:]}"
        return "[REDACTED_SECRET]"


def _extra(given: dict[str, ExtraRule]) -> Iterable[Rule]:
    for name, each in given.items():
        yield Rule(
            name,
            "user",
            each.description,
            each.regex,
            each.keywords,
            REACH,
            REACH,
            entropy=each.entropy,
        )


def _score(rule: Rule, secret: str) -> float:
    token = _CHECKED.match(secret)
    if token and _base62(zlib.crc32(token[1].encode())) == token[2]:
        return SCORES["checked"]
    if rule.kind == "password":
        return SCORES["password"]
    return SCORES["name"] if rule.lead or rule.id in GENERIC else SCORES["form"]


def _base62(number: int) -> str:
    """Six digits, as GitHub and npm write the CRC-32 at the end of their tokens
    (github.blog, "Behind GitHub's new authentication token formats")."""
    digits = ""
    for _ in range(6):
        number, digit = divmod(number, 62)
        digits = _DIGITS[digit] + digits
    return digits


def _apart(found: list[Candidate]) -> list[Candidate]:
    """One candidate a place, in order: where they overlap, all of the place, by the rule that
    says most of it. So nothing of any of them is left when it is replaced."""
    found.sort(key=lambda each: (each.secret_start, -each.secret_end))
    kept: list[Candidate] = []
    for each in found:
        if kept and each.secret_start < kept[-1].secret_end:
            last = kept[-1]
            best = each if _says(each) > _says(last) else last
            kept[-1] = best._replace(
                secret_start=last.secret_start, secret_end=max(last.secret_end, each.secret_end)
            )
        else:
            kept.append(each)
    return kept


def _says(candidate: Candidate) -> tuple[bool, bool, bool, int]:
    rule = candidate.rule
    return (
        rule.origin == "user",
        rule.id not in WIDE,
        rule.kind == "key",
        candidate.secret_end - candidate.secret_start,
    )


def _with(findings: list[Finding], more: list[Finding]) -> list[Finding]:
    """These, and of the others what stands where none of these does."""
    taken = sorted((each.start, each.end) for each in findings)
    starts = [start for start, _ in taken]
    added = list(findings)
    for each in more:
        at = bisect_left(starts, each.end)
        if not any(
            start < each.end and each.start < end for start, end in taken[max(0, at - 1) : at]
        ):
            added.append(each)
    return added
