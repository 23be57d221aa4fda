"""Values out of a text, placeholders in; and back.

A placeholder is ``[LABEL_N]``: ``[EMAIL_1]``. Numbers belong to a session: the same value has
the same one there. A text may hold what looks like one before anything was replaced; it is kept
apart: a number that a text has is never given out, and what looks like one that is given out
already becomes a value of its own, ``[LITERAL_1]``. So ``restore`` of an anonymised text is
the text, whatever stood in it.

``restore`` takes placeholders as they were made. With ``loose`` it also takes what models make
of them: ``[Email_1]``, ``[EMAIL 1]``, ``[ EMAIL-1 ]``, ``EMAIL_1``. Those of other sessions,
and numbers that were never given out, stay what they are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import NoReturn

from llm_shield.finding import Finding
from llm_shield.session_vault import Session
from skykeep.errors import Invalid

MAX_LABEL = 48
"""Characters of a label at most; longer kinds are cut."""

MAX_NUMBER = 9
"""Digits of a number at most."""

LITERAL = "LITERAL"
"""The label of what looked like a placeholder in a text."""

_LABEL = rf"[A-Z][A-Z0-9_]{{0,{MAX_LABEL - 1}}}"
_ANY_LABEL = rf"[A-Za-z][A-Za-z0-9_]{{0,{MAX_LABEL - 1}}}"
_NUMBER = rf"[1-9][0-9]{{0,{MAX_NUMBER - 1}}}"

_EXACT = re.compile(rf"\[({_LABEL})_({_NUMBER})\]")
_LOOSE = re.compile(
    rf"\[[ ]?(?P<label>{_ANY_LABEL})[ _-](?P<number>{_NUMBER})[ ]?\]"
    rf"|(?<![A-Za-z0-9_])(?P<bare>{_ANY_LABEL})_(?P<digits>{_NUMBER})(?![A-Za-z0-9_])"
)

# What may go on to become one: the longest end of a text that is the beginning of a match.
_EXACT_START = re.compile(rf"\[(?:[A-Z][A-Z0-9_]{{0,{MAX_LABEL + MAX_NUMBER}}})?\Z")
_LOOSE_START = re.compile(
    rf"\[[ ]?(?:[A-Za-z][A-Za-z0-9_]{{0,{MAX_LABEL + MAX_NUMBER}}}"
    rf"(?:[ -](?:{_NUMBER})?)?[ ]?)?\Z"
    rf"|(?<![A-Za-z0-9_])[A-Za-z][A-Za-z0-9_]{{0,{MAX_LABEL + MAX_NUMBER}}}\Z"
)
_LONGEST = MAX_LABEL + MAX_NUMBER + 8
"""Characters of a placeholder at most, however it is written."""


def label_of(kind: str) -> str:
    """The label of a finding's kind: ``pii.us-ssn`` is ``US_SSN``. It ends in no digit, so that
    label and number cannot be taken for each other."""
    name = re.sub(r"[^A-Z0-9]+", "_", kind.partition(".")[2].upper() or kind.upper()).strip("_")
    if not name or not name[0].isalpha():
        name = f"VALUE_{name}".rstrip("_")
    name = name[: MAX_LABEL - 2]
    return f"{name}_X" if name[-1].isdigit() else name


def anonymise(text: str, findings: Sequence[Finding], session: Session) -> str:
    """The text with a placeholder for each finding; overlapping ones become one place.

    Raises ``Quota`` when the session or the vault is full (nothing is stored then but numbers
    that the text has), ``NotFound`` when the session has ended, ``Invalid`` for a finding
    outside the text.
    """
    places = _places(text, findings)
    parts: list[tuple[int, int, str]] = []  # start, end, label
    seen: list[tuple[str, str]] = []
    # `step_1` looks like one only where there is a label STEP; brackets always do.
    labels = session.labels() | {label for _, _, label in places} | {LITERAL}
    at = 0
    for start, end, label in [*places, (len(text), len(text), "")]:
        for match in _LOOSE.finditer(text, at, start):
            known = _of(match)
            if session.value(*known) is None:
                if known[0] in labels or match[0][0] == "[":
                    seen.append(known)
            else:
                parts.append((*match.span(), LITERAL))
        if label:
            parts.append((start, end, label))
        at = end
    if seen:
        session.take(seen)
    marks = session.placeholders([(label, text[a:b]) for a, b, label in parts])
    out: list[str] = []
    at = 0
    for (start, end, _), mark in zip(parts, marks, strict=True):
        out += (text[at:start], mark)
        at = end
    out.append(text[at:])
    return "".join(out)


def restore(text: str, session: Session, *, loose: bool = False) -> str:
    """The text with the values that its placeholders stand for. What a value holds is not
    looked at again. Raises ``NotFound`` when the session has ended."""
    return (_LOOSE if loose else _EXACT).sub(_value_in(session), text)


def _value_in(session: Session) -> Callable[[re.Match[str]], str]:
    def value(match: re.Match[str]) -> str:
        found = session.value(*_of(match))
        return match[0] if found is None else found

    return value


def _of(match: re.Match[str]) -> tuple[str, str]:
    """Label and number of a match of either expression."""
    groups = [each for each in match.groups() if each is not None]
    return groups[0].upper(), groups[1]


def _places(text: str, findings: Sequence[Finding]) -> list[tuple[int, int, str]]:
    """Places that do not overlap; the finding with the highest score gives the label."""
    places: list[tuple[int, int, str, float]] = []
    for each in sorted(findings, key=lambda each: (each.start, -each.end)):
        if not 0 <= each.start <= each.end <= len(text):
            raise Invalid("a finding lies outside the text", hint="is it another text's?")
        if each.start == each.end:
            continue
        label = label_of(each.kind)
        if places and each.start < places[-1][1]:
            start, end, before, score = places.pop()
            best = label if each.score > score else before
            places.append((start, max(end, each.end), best, max(score, each.score)))
        else:
            places.append((each.start, each.end, label, each.score))
    return [each[:3] for each in places]


class RestoreStream:
    """Restores a text that comes in chunks: what comes out, joined, is what ``restore`` makes
    of the chunks joined.

    Only what may still become a placeholder is held back: at most ``_LONGEST`` characters.
    """

    __slots__ = ("_held", "_loose", "_replace", "_start", "_whole")

    def __init__(self, session: Session, *, loose: bool = False) -> None:
        """A stream for one answer; for one task at a time."""
        self._replace = _value_in(session)
        self._loose = loose
        self._whole = _LOOSE if loose else _EXACT
        self._start = _LOOSE_START if loose else _EXACT_START
        self._held = ""
        """What is held back, behind one character that was given out already (or a space)."""

    def feed(self, chunk: str) -> str:
        """Take a chunk, give what is sure. Raises ``NotFound`` when the session has ended."""
        if not chunk:
            return ""
        text = (self._held or " ") + chunk
        begin = max(1, len(text) - _LONGEST)
        held = self._start.search(text, begin)
        until = len(text) if held is None else held.start()
        shown = self._restored(text, until)
        self._held = text[until - 1 :]
        return shown

    def finish(self) -> str:
        """What was held back; the stream may be used for another answer then."""
        text, self._held = self._held or " ", ""
        return self._restored(text, len(text))

    def _restored(self, text: str, until: int) -> str:
        """``text[1:until]``, restored; what stands before and behind it is seen, too."""
        out: list[str] = []
        at = 1
        for match in self._whole.finditer(text, 1):
            if match.start() >= until:
                break
            out += (text[at : match.start()], self._replace(match))
            at = match.end()
        out.append(text[at:until])
        return "".join(out)

    def __repr__(self) -> str:
        return f"<RestoreStream: {max(0, len(self._held) - 1)} characters held back>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a RestoreStream is not pickled: values stay in this process")


class AnonymiseStream:
    """Anonymises a text that comes in chunks, as its findings become known.

    Who scans gives, with each chunk, the findings that are new, with their places in the whole
    text, and up to where it is settled: no finding that is not yet known begins before that.
    """

    __slots__ = ("_base", "_findings", "_session", "_text")

    def __init__(self, session: Session) -> None:
        """A stream for one text; for one task at a time."""
        self._session = session
        self._text = ""
        self._base = 0
        self._findings: list[Finding] = []

    def feed(self, chunk: str, findings: Sequence[Finding] = (), *, settled: int) -> str:
        """Take a chunk and findings; give the text up to ``settled``, or up to the finding or
        the word that lies across it. Raises as ``anonymise``."""
        self._text += chunk
        self._findings += findings
        until = min(settled - self._base, len(self._text))
        return self._shown(self._word_before(until))

    def finish(self, findings: Sequence[Finding] = ()) -> str:
        """The rest, with the findings that came last."""
        self._findings += findings
        return self._shown(len(self._text))

    def _word_before(self, until: int) -> int:
        """Not inside what looks like a placeholder."""
        if until < len(self._text):
            begin = max(0, until - _LONGEST)
            for match in _LOOSE.finditer(self._text, begin):
                if match.start() < until < match.end():
                    return match.start()
        held = _LOOSE_START.search(self._text, max(0, until - _LONGEST), max(0, until))
        return until if held is None else held.start()

    def _shown(self, until: int) -> str:
        for each in sorted(self._findings, key=lambda each: each.start, reverse=True):
            if each.start - self._base < until < each.end - self._base:
                until = each.start - self._base
        if until <= 0:
            return ""
        now = [each for each in self._findings if each.start - self._base < until]
        moved = [
            Finding(each.kind, each.start - self._base, each.end - self._base, each.score, "")
            for each in now
        ]
        shown = anonymise(self._text[:until], moved, self._session)
        self._findings = [each for each in self._findings if each.start - self._base >= until]
        self._text = self._text[until:]
        self._base += until
        return shown

    def __repr__(self) -> str:
        return f"<AnonymiseStream: {len(self._text)} characters held back>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("an AnonymiseStream is not pickled: values stay in this process")
