"""Where the sentences of a text are, in any language.

A sentence ends at a full stop, an exclamation or question mark of any script that is followed
by a blank (none is needed in Chinese and Japanese), at an empty line, and before an item of a
list or a heading. A full stop does not end one behind a single letter or a common abbreviation,
or before a small letter.
"""

# ruff: noqa: RUF001  (look-alikes of ASCII are what this is about)

from __future__ import annotations

import re

MAX_SENTENCE = 1_000
"""Code points of a piece at most: what is longer is cut at a blank, or where there is none."""

_END = re.compile(
    r"[.!?…‽؟۔।॥։።፧]+[\"'”’»)\]]*"
    r"|[。！？｡．]+[」』”’）》】]*"
    r"|\n[ \t\r]*\n\s*"
    r"|\n(?=[ \t]{0,16}(?:[-*•#>]|\d{1,3}[.)])[ \t#])"
)
_WORD_BEFORE = re.compile(r"[^\W\d_]+\Z")
_ABBREVIATIONS = (
    "mr mrs ms dr prof sr jr st vs no nr bzw ca etc usw cf fig eq al approx dept inc ltd co "
    "corp mme mlle sra dra tel vol pp ed eds gen sen rep gov hr fr str"
)
_ABBREVIATED = frozenset(_ABBREVIATIONS.split())


def sentences(text: str) -> list[tuple[int, int]]:
    """The places, rising, none empty, none longer than ``MAX_SENTENCE``; between them are
    blanks only. Time is linear in the length of the text."""
    places: list[tuple[int, int]] = []
    start = 0
    for found in _END.finditer(text):
        if found.start() < start or not _ends(text, found):
            continue
        _add(places, text, start, found.end())
        start = found.end()
    _add(places, text, start, len(text))
    return places


def _ends(text: str, found: re.Match[str]) -> bool:
    mark = found[0]
    if mark[0] in "\n。！？｡．":
        return True
    after = text[found.end() : found.end() + 2]
    if not after:
        return True
    if not after[0].isspace():
        return False
    if mark != ".":
        return True
    if after[1:].islower():
        return False
    word = _WORD_BEFORE.search(text, max(0, found.start() - 12), found.start())
    return word is None or not (len(word[0]) == 1 or word[0].lower() in _ABBREVIATED)


def _add(places: list[tuple[int, int]], text: str, start: int, end: int) -> None:
    while start < end:
        while start < end and text[start].isspace():
            start += 1
        while end > start and text[end - 1].isspace():
            end -= 1
        if start >= end:
            return
        stop = end
        if end - start > MAX_SENTENCE:
            stop = start + MAX_SENTENCE
            blank = max(text.rfind(each, start + MAX_SENTENCE // 2, stop) for each in " \n\t")
            stop = blank if blank > start else stop
        places.append((start, stop if stop == end else _trimmed(text, start, stop)))
        start = stop


def _trimmed(text: str, start: int, end: int) -> int:
    while end > start + 1 and text[end - 1].isspace():
        end -= 1
    return end
