"""What can be compared of two texts without understanding them: numbers, names, negation.

English. All of it is linear in the length of both texts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from llm_shield.scanners.hedging import HEDGES

LONGEST_SENTENCE = 2_000
"""Code points: what has no full stop for so long is cut there."""
OVERLAP = 0.7
"""The share of the words of the longer of two sentences that the other has, too, for their
negation to be compared: of sentences that say more or less, another part may be negated."""
_COMMON = 64
"""A word that more sentences of the context have than this says little about any of them."""

_END = re.compile(r"[.!?][\"')\]]*(?=\s)|\n\s*\n|\n(?=\s*[-*•\d])")
_NUMBER = re.compile(r"(?<![\w.,])[-+]?\d[\d,]*(?:\.\d+)?(?:st|nd|rd|th)?(?![\w])")
_WORD = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)?")
_NEGATIONS = """
not no never none nobody nothing neither nor nowhere cannot without isn't aren't wasn't weren't
don't doesn't didn't won't wouldn't can't couldn't shouldn't hasn't haven't hadn't ain't mustn't
needn't
"""
_NUMERALS = """
zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen
sixteen seventeen eighteen nineteen twenty
"""
# What begins with a capital and is no name: grammar, and how answers begin.
_GRAMMAR = """
a an the this that these those i it he she we you they his her its our your their my me him them
us there here who what when where why how which whose and but or so if then than as at by for
from in into of on onto out over to under up with about after before between during until while
because since although though however therefore also thus hence is are was were be been has have
had do
does did can could will would shall should may might must yes all any some many most few several
each every both either first second third last next other another more less please sorry note
sure certainly according based overall finally furthermore moreover additionally mr mrs ms dr
"""
_NOT = frozenset(_NEGATIONS.split())
_SPELT = {word: str(value) for value, word in enumerate(_NUMERALS.split())}
_NO_NAMES = frozenset(_GRAMMAR.split()) | _NOT | _SPELT.keys()


@dataclass(frozen=True, slots=True)
class Claims:
    """What an answer says that its context does not, as places in the answer.

    Attributes:
        numbers: numbers, also as parts of dates.
        names: words with a capital that do not begin a sentence.
        negated: sentences whose nearest one in the context is negated the other way.
    """

    numbers: list[tuple[int, int]]
    names: list[tuple[int, int]]
    negated: list[tuple[int, int]]


def claims_of(answer: str, context: str) -> Claims:
    """Compare an answer with its context."""
    words = {_plain(each[0]) for each in _WORD.finditer(context)}
    numbers = {_number(each[0]) for each in _NUMBER.finditer(context)}
    numbers |= {_SPELT[each] for each in words & _SPELT.keys()}
    beginnings = {start for start, _ in sentences(answer)}
    return Claims(
        [each.span() for each in _NUMBER.finditer(answer) if _number(each[0]) not in numbers],
        [
            each.span()
            for each in _WORD.finditer(answer)
            if each[0][0].isupper()
            and len(each[0]) > 1
            and each.start() not in beginnings
            and _plain(each[0]) not in _NO_NAMES
            and not _known(_plain(each[0]), words)
        ],
        list(_negated(answer, context)),
    )


def sentences(text: str) -> Iterator[tuple[int, int]]:
    """The places of sentences, without the white space around them; none is longer than
    ``LONGEST_SENTENCE``."""
    start = 0
    for stop in (*(each.end() for each in _END.finditer(text)), len(text)):
        for piece in range(start, stop, LONGEST_SENTENCE):
            end = min(piece + LONGEST_SENTENCE, stop)
            said = text[piece:end]
            begin = piece + len(said) - len(said.lstrip())
            end = piece + len(said.rstrip())
            if begin < end:
                yield begin, end
        start = stop


def sentence_places(text: str, min_words: int) -> list[tuple[int, int]]:
    """The places of sentences of so many words at least."""
    return [
        (start, end)
        for start, end in sentences(text)
        if sum(1 for _ in _WORD.finditer(text, start, end)) >= min_words
    ]


def hedges(text: str) -> int:
    """How many words and phrases of doubt the text has: "I think", "probably"."""
    return sum(1 for _ in HEDGES.finditer(text.lower()))


def _negated(answer: str, context: str) -> Iterator[tuple[int, int]]:
    """Sentences of the answer whose nearest one in the context is negated the other way."""
    known: list[tuple[frozenset[str], bool]] = []
    having: dict[str, list[int]] = {}
    for place in sentences(context):
        words, negative = _content(context, place)
        for word in words:
            having.setdefault(word, []).append(len(known))
        known.append((words, negative))
    for place in sentences(answer):
        words, negative = _content(answer, place)
        shared: dict[int, int] = {}
        for word in words:
            at = having.get(word, ())
            if len(at) <= _COMMON:
                for each in at:
                    shared[each] = shared.get(each, 0) + 1
        if len(words) < 3 or not shared:
            continue
        nearest = max(shared, key=lambda each: (shared[each], -len(known[each][0]), -each))
        alike = shared[nearest] >= OVERLAP * max(len(words), len(known[nearest][0]))
        if alike and known[nearest][1] != negative:
            yield place


def _content(text: str, place: tuple[int, int]) -> tuple[frozenset[str], bool]:
    """The words that say something, in a stem of a sort, and whether it is negated."""
    said = [_plain(each[0]) for each in _WORD.finditer(text, *place)]
    words = {_stem(each) for each in said if len(each) > 2 and each not in _NO_NAMES}
    # Two negations are an assertion, as a rule.
    odd = sum(each in _NOT for each in said) % 2 == 1
    return frozenset(words - _NOT), odd


def _plain(word: str) -> str:
    return word.lower().replace("\u2019", "'").removesuffix("'s")


def _stem(word: str) -> str:
    """The word without the endings that a verb or a plural has; rough on purpose."""
    for ending in ("ing", "ed", "es", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word


def _known(word: str, words: set[str]) -> bool:
    return word in words or word.removesuffix("s") in words or f"{word}s" in words


def _number(said: str) -> str:
    """A number in one form: ``1,000.0`` is ``1000``, ``3rd`` is ``3``, ``+5`` is ``5``."""
    plain = said.rstrip("stndrh").replace(",", "").lstrip("+")
    if "." in plain:
        plain = plain.rstrip("0").rstrip(".")
    sign = "-" if plain.startswith("-") else ""
    return sign + (plain.lstrip("-").lstrip("0") or "0")
