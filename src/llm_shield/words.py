"""Lists of words, found all at once in one pass (Aho-Corasick)."""

# ruff: noqa: RUF001  (look-alikes of ASCII are what this is about)

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from llm_shield.extras import needs
from llm_shield.normalising import lowered, normalised
from llm_shield.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterator

_UNSPACED_NAMES = (
    "CJK HIRAGANA KATAKANA KATAKANA-HIRAGANA BOPOMOFO HANGUL THAI LAO KHMER MYANMAR TIBETAN"
)
_UNSPACED = frozenset(_UNSPACED_NAMES.split())
"""Scripts in which a word does not end at a space: particles join it, or there are none."""

_LATIN = re.compile("[A-Za-z]")


@dataclass(frozen=True, slots=True)
class Hit:
    """An entry that was found.

    Attributes:
        entry: its number in the list.
        start, end: its place in the text as sent.
        encoding: what it was hidden in; then the place is that of the encoded run.
    """

    entry: int
    start: int
    end: int
    encoding: str = ""


class Words:
    """A list to look for.

    Time is linear in the length of the text, for every list. Of entries that lie in another
    one at the same place, the longest is found.
    """

    def __init__(
        self,
        entries: Sequence[Sequence[str]],
        *,
        whole: bool,
        case_sensitive: bool,
        normal: bool,
        possessives: bool = False,
    ) -> None:
        """One item an entry: all its spellings.

        Args:
            whole: only where no letter or digit stands before and behind it.
            case_sensitive: whether case tells words apart.
            normal: look at the normalised text, and at what encodings hide.
            possessives: whether an ``'s`` behind it is its own.

        Raises ``MissingExtra`` where pyahocorasick is not installed.
        """
        needs("ahocorasick", "pyahocorasick, which finds words,", "shield")
        import ahocorasick

        self._whole = whole
        self._case_sensitive = case_sensitive
        self._normal = normal
        self._possessives = possessives
        self._automaton: Any = ahocorasick.Automaton(ahocorasick.STORE_ANY)
        for number, spellings in enumerate(entries):
            for spelling in spellings:
                self._add(number, spelling)
        if len(self._automaton):
            self._automaton.make_automaton()

    def _add(self, number: int, spelling: str) -> None:
        # A word that could be Cyrillic or Latin becomes Latin where it stands alone, and not in
        # a text of its own script: it is looked for both ways, the Latin way only where the
        # text as sent is not ASCII.
        forms = {spelling: False}
        if self._normal:
            plain = unicodedata.normalize("NFKC", spelling)
            folded = normalised(spelling).text
            forms = {plain: False}
            if folded != plain:
                forms[folded] = folded.isascii() and not _LATIN.search(plain)
        for form, foreign in forms.items():
            key = form if self._case_sensitive else lowered(form)
            if key and key not in self._automaton:
                self._automaton.add_word(key, (len(key), number, foreign))

    def find(self, text: Text) -> list[Hit]:
        """All places, in order; then what encodings hide."""
        if not len(self._automaton):
            return []
        if not self._normal:
            sent = text.sent if self._case_sensitive else lowered(text.sent)
            return [Hit(number, start, end) for start, end, number, _ in self._places(sent)]
        hits: list[Hit] = []
        seen = text.normal if self._case_sensitive else text.lowered
        for start, end, number, foreign in self._places(seen):
            first, last = text.span(start, end)
            if not (foreign and text.sent[first:last].isascii()):
                hits.append(Hit(number, first, last))
        for hidden in text.decoded:
            said = hidden.text if self._case_sensitive else lowered(hidden.text)
            numbers = {number: None for _, _, number, _ in self._places(said)}
            hits += (Hit(each, hidden.start, hidden.end, hidden.encoding) for each in numbers)
        return hits

    def _places(self, text: str) -> Iterator[tuple[int, int, int, bool]]:
        """Places in this very text, each with the longest entry there."""
        found: list[tuple[int, int, int, bool]] = []
        for last, (length, number, foreign) in self._automaton.iter(text):
            end = last + 1
            start = end - length
            if self._whole and not self._alone(text, start, end):
                continue
            if found and start >= found[-1][0] and end <= found[-1][1]:
                continue
            while found and found[-1][0] >= start:
                found.pop()
            found.append((start, end, number, foreign))
        for start, end, number, foreign in found:
            yield start, self._with_possessive(text, end), number, foreign

    def _alone(self, text: str, start: int, end: int) -> bool:
        return not (
            (start and _inside(text[start - 1]) and _bound(text[start]))
            or (end < len(text) and _inside(text[end]) and _bound(text[end - 1]))
        )

    def _with_possessive(self, text: str, end: int) -> int:
        if (
            self._possessives
            and text[end : end + 2].lower() in ("'s", "’s")
            and not _inside(text[end + 2 : end + 3])
        ):
            return end + 2
        return end


def _inside(character: str) -> bool:
    """Whether a word goes on with it: a letter, a digit, a mark."""
    if character.isascii():
        return character.isalnum() or character == "_"
    return character.isalnum() or unicodedata.category(character)[:1] == "M"


def _bound(character: str) -> bool:
    """Whether a word that begins or ends with it needs an end there: not with a sign, not in
    a script without spaces."""
    if character.isascii():
        return character.isalnum() or character == "_"
    return _inside(character) and _script(character) not in _UNSPACED


@lru_cache(maxsize=2048)
def _script(character: str) -> str:
    return unicodedata.name(character, "").partition(" ")[0]
