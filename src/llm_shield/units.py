"""A text in units for heads that look at sentences: a sentence, or a few short ones.

Places are in ``Text.normal``. Linear in the length: one pass of one expression.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

SHORT = 25
"""A sentence with fewer code points is one unit with the next."""
LONGEST = 600
"""A unit has no more code points; a longer sentence is cut."""
_SENTENCE = re.compile(r"[^.!?\n]*(?:[.!?]+[\"')\]]?(?=\s|$)|\n|[.!?]|$)", re.DOTALL)


def units_of(normal: str, short: int = SHORT) -> list[tuple[int, int]]:
    """The places of its units, in order, without blank ones and without blanks around them."""
    return list(_merged(normal, list(_sentences(normal)), short))


def _sentences(text: str) -> Iterator[tuple[int, int]]:
    start = at = 0
    while at < len(text):
        found = _SENTENCE.match(text, at)
        end = found.end() if found is not None else len(text)
        at = max(end, at + 1)
        # "3.5" and "e.g" go on: a full stop ends a sentence where a blank follows.
        inside = at < len(text) and text[at - 1] != "\n" and not text[at].isspace()
        if inside and at - start < LONGEST:
            continue
        for cut in range(start, at, LONGEST):
            yield from _stripped(text, cut, min(at, cut + LONGEST))
        start = at
    if start < at:
        for cut in range(start, len(text), LONGEST):
            yield from _stripped(text, cut, min(len(text), cut + LONGEST))


def _stripped(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    part = text[start:end]
    kept = part.strip()
    if kept:
        begin = start + len(part) - len(part.lstrip())
        yield begin, begin + len(kept)


def _merged(
    text: str, sentences: Sequence[tuple[int, int]], short: int
) -> Iterator[tuple[int, int]]:
    held: tuple[int, int] | None = None
    for start, end in sentences:
        begin = start
        if held is not None:
            # Over an empty line nothing is joined: a heading is no part of what follows.
            if end - held[0] <= LONGEST and "\n\n" not in text[held[1] : start]:
                begin = held[0]
            else:
                yield held
        held = None
        if end - begin < short:
            held = (begin, end)
        else:
            yield begin, end
    if held is not None:
        yield held
