"""Characters that a person does not see and a model reads."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import ClassVar, Literal

from llm_shield.finding import NOTHING, Finding, Verdict
from llm_shield.scanner import Request, Scanner, ScannerSettings, Side
from llm_shield.text import Text

Kind = Literal[
    "bidi",
    "tag",
    "variation-selector",
    "zero-width",
    "operator",
    "filler",
    "format",
    "soft-hyphen",
    "private-use",
]

_RUNS: dict[Kind, str] = {
    # U+202A to 202E, U+2066 to 2069: CVE-2021-42574; and the three marks.
    "bidi": "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069",
    "tag": "\U000e0000-\U000e007f",
    "variation-selector": "\u180b-\u180d\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef",
    "zero-width": "\u180e\u200b-\u200d\u2060\ufeff",
    "operator": "\u2061-\u2064",
    "filler": "\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0",
    "format": "\u2065\u206a-\u206f\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0080-\U000e00ff\U000e01f0-\U000e0fff",
    "soft-hyphen": "\xad",
    "private-use": "\ue000-\uf8ff\U000f0000-\U000ffffd\U00100000-\U0010fffd",
}
"""All of ``Default_Ignorable_Code_Point`` (Unicode 17), interlinear annotation, private use."""

_KINDS: tuple[Kind, ...] = tuple(_RUNS)
_UNSEEN = re.compile("|".join(f"([{each}]+)" for each in _RUNS.values()))
_FIRST_PLANE = "".join(
    one for one in re.findall("[^-](?:-[^-])?", "".join(_RUNS.values())) if one < "\U00010000"
)
_ANY = re.compile(
    f"[{_FIRST_PLANE}\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U0010ffff]"
)
"""More than the above, in few ranges beyond the first plane: ``re`` tries those one by one."""
_RIGHT_TO_LEFT = re.compile(
    "[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]"
)

_SCORES: dict[Kind, float] = {
    "bidi": 0.9,
    "tag": 0.95,
    "variation-selector": 0.6,
    "zero-width": 0.5,
    "operator": 0.6,
    "filler": 0.6,
    "format": 0.6,
    "soft-hyphen": 0.3,
    "private-use": 0.4,
}

_WORDS: dict[Kind, str] = {
    "bidi": "bidirectional control, text appears in another order than it is in",
    "tag": "from the block of tags, hidden ASCII",
    "variation-selector": "variation selector, with no form to select: can carry bytes",
    "zero-width": "without width",
    "operator": "invisible operator",
    "filler": "filler without a shape",
    "format": "format control that is out of use",
    "soft-hyphen": "soft hyphen",
    "private-use": "for private use, its meaning is up to a font",
}

INLINE = 16_384
"""Code points that are looked at at once; longer texts in a thread."""

_MARKS = frozenset("\u061c\u200e\u200f")

LONG = 4
"""So many in a row carry something, whatever they are."""

_JOINED_NAMES = (
    "ARABIC SYRIAC NKO MONGOLIAN MANDAIC HANIFI DEVANAGARI BENGALI GURMUKHI GUJARATI ORIYA "
    "TAMIL TELUGU KANNADA MALAYALAM SINHALA KHMER MYANMAR TIBETAN BALINESE JAVANESE MEETEI"
)
_JOINED = frozenset(_JOINED_NAMES.split())
"""Scripts in which ZWJ and ZWNJ choose a letter's form (RFC 5892, appendix A)."""

_UNSPACED_NAMES = "THAI LAO KHMER MYANMAR TIBETAN BALINESE JAVANESE"
_UNSPACED = frozenset(_UNSPACED_NAMES.split())
"""Scripts in which a zero-width space may stand between words."""

_SUBDIVISIONS = frozenset(("gbeng", "gbsct", "gbwls"))
"""The flags made of tags that Unicode recommends: England, Scotland, Wales."""


class InvisibleTextSettings(ScannerSettings, kw_only=True, frozen=True):
    """Settings of ``InvisibleText``.

    Attributes:
        ignore: kinds that are no finding: ``private-use`` where a font with icons is in use,
            ``soft-hyphen`` for typeset text.
    """

    ignore: frozenset[Kind] = frozenset()


class InvisibleText(Scanner[InvisibleTextSettings]):
    """Zero-width characters, bidirectional controls, tags, variation selectors, private use.

    What writing needs is no finding: joiners within emoji and in Arabic and Indic words, flags
    made of tags, selectors behind what has forms, direction marks in lines with right-to-left
    letters, a byte order mark at the start.
    """

    name: ClassVar[str] = "InvisibleText"
    summary: ClassVar[str] = "characters that nobody sees: zero-width, bidi, tags, private use"
    sides: ClassVar[frozenset[Side]] = frozenset({Side.INPUT, Side.OUTPUT})
    Settings: ClassVar[type[ScannerSettings]] = InvisibleTextSettings
    reach: ClassVar[int] = 64

    async def scan(self, text: Text, request: Request) -> Verdict:
        """Facts: how many characters of each kind, and ``hidden_characters``: how many
        characters tags spell, ``hidden_bytes``: how many bytes selectors in a row can carry."""
        if text.ascii or not _ANY.search(text.sent):
            return NOTHING
        if len(text.sent) > INLINE:
            verdict: Verdict = await request.in_thread(look, text.sent, self.settings.ignore)
            return verdict
        return look(text.sent, self.settings.ignore)


def look(sent: str, ignore: frozenset[Kind] = frozenset()) -> Verdict:
    """What is in a text that is not ASCII."""
    findings: list[Finding] = []
    facts: dict[str, int] = {}
    lines = _Lines(sent)
    for found in _UNSEEN.finditer(sent):
        kind = _KINDS[(found.lastindex or 1) - 1]
        start, end = found.span()
        if kind in ignore or _genuine(kind, sent, start, end, lines):
            continue
        count = end - start
        facts[kind] = facts.get(kind, 0) + count
        if kind == "tag":
            spelt = sum("\U000e0020" <= each <= "\U000e007e" for each in found.group())
            facts["hidden_characters"] = facts.get("hidden_characters", 0) + spelt
        if kind == "variation-selector" and count > 1:
            facts["hidden_bytes"] = facts.get("hidden_bytes", 0) + count
        characters = "1 character" if count == 1 else f"{count:,} characters"
        findings.append(
            Finding(
                f"invisible.{kind}",
                start,
                end,
                _score(kind, sent, start, end, lines),
                f"{characters}: {_WORDS[kind]}",
                "",
            )
        )
    return Verdict.of(findings, facts=facts) if findings else NOTHING


def _score(kind: Kind, sent: str, start: int, end: int, lines: _Lines) -> float:
    if kind == "bidi":
        return 0.6 if lines.right_to_left(start) else 0.9
    if end - start >= LONG or (kind == "variation-selector" and end - start > 1):
        return max(_SCORES[kind], 0.9)
    within = start and end < len(sent) and sent[start - 1].isalpha() and sent[end].isalpha()
    if within and kind != "soft-hyphen":
        return max(_SCORES[kind], 0.8)  # it takes a word apart
    return _SCORES[kind]


class _Lines:
    """Whether lines have right-to-left letters; each line is looked at once, in order."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._end = -1
        self._answer = False

    def right_to_left(self, at: int) -> bool:
        if at >= self._end:
            start = self._text.rfind("\n", 0, at) + 1
            end = self._text.find("\n", at)
            self._end = len(self._text) if end < 0 else end + 1
            self._answer = _RIGHT_TO_LEFT.search(self._text, start, self._end) is not None
        return self._answer


def _genuine(kind: Kind, sent: str, start: int, end: int, lines: _Lines) -> bool:
    """Whether writing needs it there."""
    if kind == "bidi":
        if end - start > 2 or not _MARKS.issuperset(sent[start:end]):
            return False
        return lines.right_to_left(start)
    if kind == "tag":
        if sent[start - 1 : start] != "\U0001f3f4" or sent[end - 1] != "\U000e007f":
            return False
        spelt = "".join(
            chr(ord(each) - 0xE0000) for each in sent[start : min(end, start + 8) - 1]
        )
        return spelt in _SUBDIVISIONS
    if kind == "variation-selector":
        return end - start == 1 and start > 0 and _selects(sent[start - 1], sent[start])
    if kind != "zero-width" or end - start > 1:
        return False
    here, before, after = sent[start], sent[start - 1 : start], sent[end : end + 1]
    if here == "\ufeff":
        return start == 0
    if not before:
        return False
    if here in "\u200c\u200d" and _script(before) in _JOINED:
        return True
    if not after:
        return False
    if here == "\u200b":
        return _script(before) in _UNSPACED and _script(after) in _UNSPACED
    return here == "\u200d" and _pictured(before) and _pictured(after)


def _selects(before: str, selector: str) -> bool:
    """Whether there are forms of this character that such a selector chooses between: the
    blocks of StandardizedVariants.txt, emoji-variation-sequences.txt and IVD_Sequences.txt."""
    ideograph = _script(before) == "CJK"
    if selector in "\ufe0e\ufe0f":
        return before in "#*0123456789\xa9\xae" or (not before.isascii() and _pictured(before))
    if selector >= "\U000e0100":
        return ideograph
    if selector < "\ufe00":
        return "\u1800" <= before <= "\u18af"
    return ideograph or _script(before) in ("MYANMAR", "PHAGS-PA") or _is_sum(before)


def _is_sum(character: str) -> bool:
    return not character.isascii() and unicodedata.category(character) == "Sm"


def _pictured(character: str) -> bool:
    """An emoji, a sign, or what belongs to one."""
    return (
        unicodedata.category(character) in ("So", "Sk", "Sm", "Po", "Pd", "Me", "No", "Cn")
        or character in "\ufe0f\u20e3"
        or character == "\U000e007f"
    )


@lru_cache(maxsize=2048)
def _script(character: str) -> str:
    return unicodedata.name(character, "").partition(" ")[0]
