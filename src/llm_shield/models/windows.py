"""Texts cut into windows of tokens, piece by piece."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from llm_shield.models.encoder import Encoder, pieces
from skykeep.errors import Invalid

OVERLAP = 16
"""Tokens that a window has in common with the one before it."""


@dataclass(frozen=True, slots=True)
class Window:
    """Some tokens of a text.

    Attributes:
        ids: the tokens.
        start, end: their place in the text that was tokenised, in code points.
    """

    ids: Sequence[int]
    start: int
    end: int


def first_windows(encoder: Encoder, texts: Sequence[str]) -> Iterator[Window]:
    """The first window of each; of an empty text, one without tokens."""
    for text in texts:
        yield Window(encoder.first_ids(text), 0, len(text))


def windows_of(
    encoder: Encoder, text: str, overlap: int, most: int | None = None
) -> Iterator[Window]:
    """All windows of a text, each ``window - 2`` tokens but for the last.

    Holds a window and a piece at a time. Raises ``Invalid`` for more than ``most`` windows.
    """
    width = encoder.window - 2
    ids: list[int] = []
    places: list[tuple[int, int]] = []
    made = 0
    fresh = 0  # tokens that are in no window yet
    for start, end in pieces(text):
        found, offsets = encoder.tokens(text[start:end])
        ids += found
        places += [(start + a, start + b) for a, b in offsets]
        fresh += len(found)
        at = 0
        # One token more than a window must be there: the last window is made below.
        while len(ids) - at > width:
            made = _counted(made, most)
            yield Window(ids[at : at + width], places[at][0], places[at + width - 1][1])
            at += width - overlap
            fresh = len(ids) - at - overlap
        del ids[:at], places[:at]
    if fresh > 0:
        _counted(made, most)
        yield Window(ids, places[0][0], places[-1][1])


def _counted(made: int, most: int | None) -> int:
    if most is not None and made >= most:
        raise Invalid(
            f"the text has more than {most:,} windows",
            hint="send less at once, or allow more by max_windows",
        )
    return made + 1
