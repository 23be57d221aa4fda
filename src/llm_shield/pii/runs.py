"""Runs of digits with what separates them: one pass finds candidates of all number kinds."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass

# Possessive throughout, so that a run is read once however long it is.
_RUN = re.compile(r"(?<![0-9A-Za-z_])[0-9](?:[ .()/-]{0,3}+[0-9])*+")
_GROUP = re.compile(r"[0-9]++")

MOST_GROUPS = 9
"""Groups of a number at most, as in a French phone number behind ``+33 (0)``."""

MOST_DIGITS = 24
"""Digits of a number at most."""

FEWEST_DIGITS = 7


@dataclass(frozen=True, slots=True)
class Run:
    """Digits, separated or not.

    Attributes:
        groups: the places of its digit groups.
        gaps: what is between them; one fewer.
    """

    groups: list[tuple[int, int]]
    gaps: list[str]


@dataclass(frozen=True, slots=True)
class Window:
    """Some groups of a run that could be one number.

    Attributes:
        start, end: its place.
        digits: all of them, without separators.
        shape: how many digits each group has.
        gaps: what is between the groups.
        prefixed: a word is joined to its front, as in ``ORD-123``.
    """

    start: int
    end: int
    digits: str
    shape: tuple[int, ...]
    gaps: tuple[str, ...]
    prefixed: bool

    @property
    def bare(self) -> bool:
        """Digits only."""
        return len(self.shape) == 1


def runs(text: str) -> Iterator[Run]:
    """All runs of the text, in order."""
    for match in _RUN.finditer(text):
        end = match.end()
        groups = [each.span() for each in _GROUP.finditer(text, match.start(), end)]
        gaps = [text[a[1] : b[0]] for a, b in itertools.pairwise(groups)]
        yield Run(groups, gaps)


def windows(text: str, run: Run) -> Iterator[Window]:
    """The runs of groups that could be a number: at most ``MOST_GROUPS`` for each group.

    A window ends where a space, a bracket or the run does: ``123-45`` is no number of its own
    in ``123-45-6789``. One that something else is joined to is none either.
    """
    groups, gaps = run.groups, run.gaps
    last = len(groups) - 1
    for first, (start, stop) in enumerate(groups):
        if stop - start > MOST_DIGITS:
            continue
        if first == 0:
            joined = _joined_before(text, start)
            if joined is None:
                continue
        elif gaps[first - 1] in {"", ".", "-"}:
            continue
        else:
            joined = False
        count = 0
        for final in range(first, min(last, first + MOST_GROUPS - 1) + 1):
            end = groups[final][1]
            count += end - groups[final][0]
            if count > MOST_DIGITS:
                break
            if count < FEWEST_DIGITS:
                continue
            if final < last:
                if gaps[final] in {"", ".", "-"}:
                    continue
            elif _joined_after(text, end):
                continue
            inside = groups[first : final + 1]
            yield Window(
                start,
                end,
                "".join(text[a:b] for a, b in inside),
                tuple(b - a for a, b in inside),
                tuple(gaps[first:final]),
                joined,
            )


def _joined_before(text: str, start: int) -> bool | None:
    """Whether letters are joined to the front; None if what is there makes it part of more."""
    if start == 0:
        return False
    before = text[start - 1]
    if before in "-_/.#" and start > 1 and _letter(text[start - 2]):
        word = re.search(r"[0-9A-Za-z_]{1,16}$", text[max(0, start - 18) : start - 1])
        if word is None or not word[0].isalpha() or before == ".":
            return None
        return True
    return None if _letter(before) or before == "_" else False


def _joined_after(text: str, end: int) -> bool:
    if end >= len(text):
        return False
    after = text[end]
    if _letter(after) or after == "_":
        return True
    return after in "-/" and end + 1 < len(text) and _letter(text[end + 1])


def _letter(character: str) -> bool:
    """An ASCII letter or digit: scripts without spaces join words to numbers."""
    return character.isascii() and character.isalnum()
