r"""A text as scanners compare it, and the way back to the text as sent.

In this order:

1. What is invisible goes: zero-width characters, bidirectional controls, tags, variation
   selectors, fillers: ``Default_Ignorable_Code_Point`` of the Unicode Character Database, and
   the interlinear annotation marks.
2. Compatibility forms become plain ones (NFKC): full-width and mathematical letters, ligatures,
   circled digits, exotic spaces. Line and paragraph separators become ``\n``. Strokes through
   letters and digits go; so do three and more marks that do not compose with an ASCII letter.
3. Quotes, dashes, look-alikes of punctuation and decimal digits of any script become ASCII.
4. Letters that look like ASCII ones (UTS #39) become those in words that mix scripts, and in
   words that consist of nothing else, unless the same line goes on in that script: Cyrillic,
   Greek, Chinese texts stay what they are.

Case is kept. The result is stable: normalising it again changes nothing. All of it takes time
linear in the length of the text; at most 30 marks on one character are kept, as in the
Stream-Safe Text Format of UAX #15, because putting marks in order is quadratic.
"""

# ruff: noqa: RUF001  (look-alikes of ASCII are what this is about)

from __future__ import annotations

import json
import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import islice, takewhile
from pathlib import Path

MAX_MARKS = 30
"""Marks that are kept on one character: UAX #15, section 13."""

MAX_LETTER_MARKS = 2
"""Marks that are kept on an ASCII letter they do not compose with."""

_STROKES = re.compile("[\u0305\u0332-\u0338\u033f\u035f\u20d0-\u20e0\u20e5-\u20eb]+")
"""What generators of stylised text strike and underline letters with."""

_LONGEST = "\ufdfa"
"""Becomes 18 characters, a whole sentence: it stays what it is. Others become 8 at most."""

_FLAG = re.compile(
    "(?<![\U0001f1e6-\U0001f1ff])[\U0001f1e6-\U0001f1ff](?![\U0001f1e6-\U0001f1ff])"
)
"""A letter of a flag that stands alone: two in a row are a flag."""

_SCRIPTLESS = frozenset(
    ("CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "HANGUL", "BOPOMOFO")
)
"""Written without spaces between words: a letter beside them is no word that mixes scripts."""


_ASTRAL = "\U00010000-\U0010ffff"
"""Beyond the first plane. ``re`` looks a character of that plane up in a table, and others in
one range after the other, so expressions take these as one range and the code looks again."""


@dataclass(frozen=True, slots=True)
class _Tables:
    """What ``unicode_tables.json`` says, ready for use.

    Attributes:
        spots: finds runs of what the first two steps may change.
        joining: marks, other seconds of compositions, and what is invisible.
        unseen: what is invisible.
        single: what becomes one other character.
        several: what becomes several.
        always, confusable, mixed: for the third step, for words of one script, for others.
        word: words, and line ends.
    """

    spots: re.Pattern[str]
    joining: frozenset[str]
    unseen: frozenset[str]
    single: dict[int, str]
    several: frozenset[str]
    always: _Fold
    confusable: _Fold
    mixed: _Fold
    word: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class _Fold:
    """Characters and what they become, one for one."""

    pattern: re.Pattern[str]
    to: dict[int, str]
    joining: frozenset[str]

    def __call__(self, text: str) -> str:
        """The same object if nothing changes. A character that a mark follows stays: with
        another letter the mark could compose."""
        return self.pattern.sub(self._put, text) if self.pattern.search(text) else text

    def _put(self, found: re.Match[str]) -> str:
        run = found.group()
        after = found.string[found.end() : found.end() + 1]
        if after not in self.joining and self.joining.isdisjoint(run):
            return run.translate(self.to)
        return "".join(
            one if following in self.joining else self.to.get(ord(one), one)
            for one, following in zip(run, run[1:] + (after or " "), strict=True)
        )


@cache
def tables() -> _Tables:
    """Read on the first text that is not ASCII, which takes some milliseconds."""
    read = json.loads((Path(__file__).parent / "unicode_tables.json").read_text("ascii"))
    extending, unseen, several, symbols = (
        _members(read[name]) for name in ("extending", "invisible", "several", "symbols")
    )
    joining = extending | unseen
    single = _pairs(read["single"])

    def fold(*names: str) -> _Fold:
        to = {code: become for name in names for code, become in _pairs(read[name]).items()}
        return _Fold(re.compile(f"[{_first_plane(map(chr, to))}{_ASTRAL}]+"), to, joining)

    suspects = _first_plane({*joining, *several, *map(chr, single)})
    letters = rf"\w{_first_plane(symbols | joining)}{_ASTRAL}"
    return _Tables(
        spots=re.compile(f"[{suspects}{_ASTRAL}]+"),
        joining=joining,
        unseen=unseen,
        single=single,
        several=several,
        always=fold("always"),
        confusable=fold("confusable"),
        mixed=fold("confusable", "loose"),
        word=re.compile(rf"[{letters}]+|\n"),
    )


def _members(ranges: str) -> frozenset[str]:
    """All characters of the inside of a class."""
    found: set[str] = set()
    for a, b in re.findall("(.)(?:-(.))?", ranges):
        found.update(map(chr, range(ord(a), ord(b or a) + 1)))
    return frozenset(found)


def _pairs(table: dict[str, str]) -> dict[int, str]:
    return {ord(a): b for a, b in zip(table["from"], table["to"], strict=True)}


def _first_plane(characters: Iterable[str]) -> str:
    """Those of the first plane, for a class. None of them is special in one."""
    return "".join(sorted(each for each in characters if each < "\U00010000"))


@dataclass(frozen=True, slots=True)
class Normal:
    """A normalised text.

    Attributes:
        text: the normalised text.
        changed: where a stretch whose length changed stands in ``text``, rising.
        sent: where the same stretches stand in the text as sent.
        lengths: how long they are in ``text``.
        sent_lengths: how long they are as sent.
    """

    text: str
    changed: tuple[int, ...] = ()
    sent: tuple[int, ...] = ()
    lengths: tuple[int, ...] = ()
    sent_lengths: tuple[int, ...] = ()

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The place as sent of ``text[start:end]``: all that became any of it.

        An empty place stays empty. Takes time logarithmic in the number of changes.
        """
        first = self._start(start)
        return first, (max(first, self._end(end)) if end > start else first)

    def _start(self, at: int) -> int:
        number = bisect_right(self.changed, at) - 1
        if number < 0:
            return at
        inside = at - self.changed[number]
        if inside < self.lengths[number]:
            return self.sent[number]
        return self.sent[number] + self.sent_lengths[number] + inside - self.lengths[number]

    def _end(self, at: int) -> int:
        """Where what ends at ``at`` (above 0) ends as sent."""
        number = bisect_right(self.changed, at - 1) - 1
        if number < 0:
            return at
        past = max(0, at - self.changed[number] - self.lengths[number])
        return self.sent[number] + self.sent_lengths[number] + past


def normalised(sent: str) -> Normal:
    """The text, normalised. Anything in it is taken, lone surrogates and NUL too."""
    if sent.isascii():
        return Normal(sent)
    plain = _plain(sent)
    text = plain.text
    if text.isascii():
        return plain
    folded = _folded(text)
    if folded is text:
        return plain
    return Normal(folded, plain.changed, plain.sent, plain.lengths, plain.sent_lengths)


def lowered(text: str) -> str:
    """In lower case and of the same length: the two that would differ from place to place, the
    dotted capital I and the final sigma, become what the others are."""
    if text.isascii():
        return text.lower()
    return text.replace("\u0130", "i").lower().replace("ς", "σ")


def _plain(sent: str) -> Normal:
    """Steps 1 and 2."""
    single, several, joining = tables().single, tables().several, tables().joining
    known: dict[str, str] = {}
    parts: list[str] = []
    changed: list[int] = []
    places: list[int] = []
    lengths: list[int] = []
    sent_lengths: list[int] = []
    done = 0
    length = 0
    for spot in tables().spots.finditer(sent):
        first, end = spot.span()
        run = spot.group()
        if joining.isdisjoint(run) and several.isdisjoint(run):
            parts += (sent[done:first], run.translate(single))
            length += end - done
            done = end
            continue
        # Marks join the character before, which nothing has taken yet.
        if first > done and run[0] in joining:
            first -= 1
            run = sent[first] + run
        for start, cluster in _clusters(run, first):
            become = known.get(cluster)
            if become is None:
                become = _cluster(cluster)
                if len(cluster) < 8 and len(known) < 4096:
                    known[cluster] = become
            if become == cluster:
                continue
            parts += (sent[done:start], become)
            length += start - done
            done = start + len(cluster)
            if len(cluster) > 1 or len(become) != 1:
                # Marks may have changed places even where the length is the same.
                changed.append(length)
                places.append(start)
                lengths.append(len(become))
                sent_lengths.append(len(cluster))
            length += len(become)
    if not parts:
        return Normal(sent)
    parts.append(sent[done:])
    return Normal(
        "".join(parts), tuple(changed), tuple(places), tuple(lengths), tuple(sent_lengths)
    )


def _clusters(run: str, start: int) -> Iterator[tuple[int, str]]:
    """Each character of the run with what joins it, and its place."""
    joining = tables().joining
    first = 0
    for at in range(1, len(run)):
        if run[at] not in joining:
            yield start + first, run[first:at]
            first = at
    yield start + first, run[first:]


def _cluster(found: str) -> str:
    """A character and all that joins it, in compatibility form."""
    unseen, single, joining = tables().unseen, tables().single, tables().joining
    # Of a long run, only so much is looked at: more than what is kept of it.
    seen = "".join(islice((each for each in found if each not in unseen), 2 * MAX_MARKS))
    if not seen or seen[0] == _LONGEST:
        return seen
    first = unicodedata.normalize("NFKC", single.get(ord(seen[0]), seen[0]))
    if len(seen) == 1:
        return first
    marks = seen[1:]
    if next((each for each in reversed(first) if each not in joining), "").isalnum():
        marks = _STROKES.sub("", marks)
    form = unicodedata.normalize("NFKC", first + marks)
    if len(form) > MAX_MARKS:
        kept = len(form) - sum(1 for _ in takewhile(joining.__contains__, reversed(form)))
        form = form[: max(kept, 0) + MAX_MARKS]
    if form[0].isalpha() and unicodedata.normalize("NFD", form[0])[0].isascii():
        over = [each for each in form[1:] if unicodedata.combining(each)]
        if len(over) > MAX_LETTER_MARKS:
            form = form[0] + "".join(each for each in form[1:] if each not in over)
    return form


def _folded(text: str) -> str:
    """Steps 3 and 4, character by character: the length stays. The same object if nothing
    changes."""
    text = tables().always(text)
    if _FLAG.search(text):
        joining = tables().joining
        text = _FLAG.sub(lambda found: _flag_letter(found, joining), text)
    if not tables().mixed.pattern.search(text):
        return text
    known: dict[str, tuple[str | None, str]] = {}
    parts: list[str] = []
    done = 0
    waiting: list[tuple[int, int, str]] = []  # words that could be genuine
    script = ""  # of these, and of the genuine words they stand beside
    genuine = False

    def settle() -> None:
        nonlocal done
        if not genuine:
            for start, end, become in waiting:
                parts.extend((text[done:start], become))
                done = end
        waiting.clear()

    for found in tables().word.finditer(text):
        word = found.group()
        answer = known.get(word)
        if answer is None:
            answer = known[word] = _word(word)
        become, of = answer
        if of != script:
            settle()
            script, genuine = of, False
        if become is None:
            genuine = genuine or bool(of)
        elif of:
            waiting.append((*found.span(), become))
        else:
            parts += (text[done : found.start()], become)
            done = found.end()
    settle()
    if not parts:
        return text
    parts.append(text[done:])
    return "".join(parts)


def _word(word: str) -> tuple[str | None, str]:
    """What a word becomes, or None; and its script, or "" for one that is of several."""
    if word.isascii():
        return None, ""
    letters = [each for each in word if each.isalpha()]
    if not letters:
        return None, ""
    scripts = {_script(each) for each in letters} - _SCRIPTLESS
    if len(scripts) == 1 and "LATIN" not in scripts:
        (script,) = scripts
        become = tables().confusable(word)
        return (become if become.isascii() else None), script
    become = tables().mixed(word)
    return (None if become == word else become), ""


def _flag_letter(found: re.Match[str], joining: frozenset[str]) -> str:
    if found.string[found.end() : found.end() + 1] in joining:
        return found.group()
    return chr(ord(found.group()) - 0x1F1E6 + ord("A"))


@lru_cache(maxsize=4096)
def _script(letter: str) -> str:
    """A script by the name of its letters, which is what names begin with."""
    if letter.isascii():
        return "LATIN"
    name = unicodedata.name(letter, "").partition(" ")[0]
    return "LATIN" if name in ("SCRIPT", "MODIFIER", "DOUBLE-STRUCK", "BLACK-LETTER") else name
