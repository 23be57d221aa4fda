"""Words of abuse, known by their hashes: which stand in a text, where, and of what kind.

The words are in no file here. ``models/heads/toxic_words.npz`` has the first eight bytes of a
keyed BLAKE2b of each, with its category and severity; ``python -m training toxic_words``
makes it
from lists that others publish (its card says which). Whoever knows a word can ask for it; who
does not, does not read it here. It hides nothing from somebody who tries words.

A word counts in its plain form, with digits and signs for letters (``1d10t``), with letters
drawn out (``idiooot``) and letter by letter (``i d i o t``). All of it is linear in the length.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from math import log1p, sqrt
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CATEGORIES = ("sexual", "group", "gender", "crude", "insult")
"""What a word is about: the body and sex; a people, religion or disability; gender and
orientation; excrement and curses; a person's worth."""
SEVERITIES = ("mild", "strong", "severe")
WORDS_OF_A_PHRASE = 3
FEATURES = 2 * len(CATEGORIES) + 4

_KEY = b"llm_shield/toxic_words/1"
_TOKEN = re.compile(r"[\w@$!*+#'-]+")
_EDGES = "!*+#'-_"
_SPELT = re.compile(r"(?<![^\W_])(?:[^\W_@$!][ ._*-]{1,2}){2,24}[^\W_](?![^\W_])")
_DRAWN_OUT = re.compile(r"(.)\1{2,}")
_SIGNS = str.maketrans("@$!013457+", "asioieastt", "*#'_-")
_YOU = frozenset(("you", "your", "youre", "yourself", "yourselves", "u", "ur", "ya", "yall"))
_NEAR = 4  # words between "you" and a word


def digest(phrase: str) -> int:
    """The number that stands for a word or phrase (lower case, single blanks)."""
    hashed = blake2b(phrase.encode("utf-8", "surrogatepass"), digest_size=8, key=_KEY)
    return int.from_bytes(hashed.digest(), "big")


@dataclass(frozen=True, slots=True)
class Hit:
    """A word that is known.

    Attributes:
        start, end: its place in the text that was looked at.
        category, severity: positions in ``CATEGORIES``, ``SEVERITIES``.
        veiled: it was written so as not to be seen.
        addressed: "you" stands near it.
    """

    start: int
    end: int
    category: int
    severity: int
    veiled: bool
    addressed: bool


class ToxicWords:
    """The table. Holds nothing of a text; may be used by several threads at once."""

    def __init__(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Of ``words`` (uint64), ``first`` (uint64, the first words of phrases), ``category``
        and ``severity`` (uint8, one a word)."""
        self._words = dict(
            zip(
                arrays["words"].tolist(),
                zip(arrays["category"].tolist(), arrays["severity"].tolist(), strict=True),
                strict=True,
            )
        )
        self._first = frozenset(arrays["first"].tolist())

    def __len__(self) -> int:
        return len(self._words)

    def hits(self, text: str) -> list[Hit]:
        """What is known, in the order of the text; longer phrases go before their words."""
        tokens = list(_tokens(text))
        seen: dict[str, tuple[str, bool, tuple[int, int] | None, bool]] = {}
        plain: list[str] = []
        found: list[tuple[int, int, tuple[int, int], bool]] = []  # tokens from, to
        at = 0
        yous = []
        for _, _, word, veiled in tokens:
            known = seen.get(word)
            if known is None:
                known = seen[word] = self._look(word, veiled)
            plain.append(known[0])
            yous.append(known[0] in _YOU)
        while at < len(tokens):
            word, hidden, entry, begins = seen[tokens[at][2]]
            size = 1
            if begins:
                for length in range(WORDS_OF_A_PHRASE, 1, -1):
                    phrase = self._words.get(digest(" ".join(plain[at : at + length])))
                    if phrase is not None and at + length <= len(tokens):
                        entry, size = phrase, length
                        break
            if entry is not None:
                found.append((at, at + size, entry, hidden or tokens[at][3]))
            at += size
        return [
            Hit(
                tokens[begin][0],
                tokens[end - 1][1],
                entry[0],
                entry[1],
                hidden,
                any(yous[max(0, begin - _NEAR) : end + _NEAR]),
            )
            for begin, end, entry, hidden in found
        ]

    def _look(self, token: str, veiled: bool) -> tuple[str, bool, tuple[int, int] | None, bool]:
        """The token's plain form, whether that differs, what it is, whether phrases begin
        so."""
        word = token.lower()
        forms = [word.replace("'", ""), word]
        folded = _DRAWN_OUT.sub(r"\1", word).translate(_SIGNS)
        forms += [folded, _DRAWN_OUT.sub(r"\1\1", word).translate(_SIGNS)]
        for at, form in enumerate(forms):
            # Digits alone are numbers, whatever they might spell.
            entry = None if word.isdigit() or len(form) < 2 else self._words.get(digest(form))
            if entry is not None:
                return form, veiled or at > 1, entry, digest(form) in self._first
        return forms[0], veiled, None, digest(forms[0]) in self._first

    def features(self, text: str, hits: list[Hit] | None = None) -> NDArray[np.float32]:
        """What a head sees of the words: ``FEATURES`` numbers, all 0 where none is known.

        For each category how many (logarithm) and how severe; how many are addressed to
        somebody; whether one is veiled; their share of the words; the share of capitals.
        """
        import numpy as np

        out = np.zeros(FEATURES, np.float32)
        found = self.hits(text) if hits is None else hits
        kinds = len(CATEGORIES)
        for at in range(kinds):
            of_kind = [each for each in found if each.category == at]
            if of_kind:
                out[2 * at] = log1p(len(of_kind))
                out[2 * at + 1] = (1 + max(each.severity for each in of_kind)) / len(SEVERITIES)
        if found:
            words = max(1, text.count(" ") + 1)
            out[2 * kinds] = log1p(sum(each.addressed for each in found))
            out[2 * kinds + 1] = float(any(each.veiled for each in found))
            out[2 * kinds + 2] = min(2.0, len(found) / sqrt(words))
            letters = sum(each.isalpha() for each in text)
            out[2 * kinds + 3] = sum(each.isupper() for each in text) / max(1, letters)
        return out


def _tokens(text: str) -> Iterator[tuple[int, int, str, bool]]:
    """Start, end, word, and whether it was spelt letter by letter."""
    at = 0
    for spelt in _SPELT.finditer(text):
        yield from _plain(text, at, spelt.start())
        word = "".join(each for each in spelt.group() if each.isalnum())
        yield spelt.start(), spelt.end(), word, True
        at = spelt.end()
    yield from _plain(text, at, len(text))


def _plain(text: str, start: int, end: int) -> Iterator[tuple[int, int, str, bool]]:
    for token in _TOKEN.finditer(text, start, end):
        word = token.group()
        kept = word.strip(_EDGES)
        if kept:
            before = word.find(kept[0])
            yield token.start() + before, token.start() + before + len(kept), kept, False
