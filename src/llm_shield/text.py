"""One prompt or answer, normalised once, shared by all scanners."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from llm_shield.decoding import decoded, tags
from llm_shield.normalising import Normal, lowered, normalised
from llm_shield.sentences import sentences

MAX_CHARACTERS = 100_000
"""Code points of a text at most, unless settings say otherwise."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """What an encoding in a text hides.

    Attributes:
        encoding: ``base64``, ``hex``, ``html``, ``rot13``, ``tags``, ``unicode``, ``url``.
        text: what it says, normalised as the text itself is.
        start, end: the place of the encoded run in the text as sent.
    """

    encoding: str
    text: str
    start: int
    end: int


class Text:
    """A text as sent, and what scanners look at.

    Attributes:
        sent: the text as sent.
        ascii: whether all of it is ASCII: then ``normal`` is ``sent``.
    """

    __slots__ = ("__dict__", "ascii", "sent")

    def __init__(self, sent: str) -> None:
        self.sent = sent
        self.ascii = sent.isascii()

    def __len__(self) -> int:
        return len(self.sent)

    @cached_property
    def _normal(self) -> Normal:
        return normalised(self.sent)

    @cached_property
    def normal(self) -> str:
        """Compatibility forms, confusables and what is invisible taken away; case is kept.

        What becomes what, and why, is in ``normalising``.
        """
        return self.sent if self.ascii else self._normal.text

    @cached_property
    def lowered(self) -> str:
        """``normal`` in lower case. Places in it are places in ``normal``."""
        return lowered(self.normal)

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The place in the text as sent of ``normal[start:end]``; an empty one is empty."""
        return (start, end) if self.ascii else self._normal.span(start, end)

    @cached_property
    def decoded(self) -> Sequence[Decoded]:
        """What common encodings hide, looked through once; ``decoding`` says which of them.

        Encodings are looked for in ``normal``; together they tell no more characters than that
        has. Tag characters are looked for in ``sent``: ``normal`` is without them.
        """
        found = [Decoded(*run) for run in tags(self.sent)]
        room = len(self.normal)
        for run in decoded(self.normal, self.lowered):
            said = normalised(run.said).text[:room]
            if said:
                found.append(Decoded(run.encoding, said, *self.span(run.start, run.end)))
            room -= len(said)
        return sorted(found, key=lambda run: (run.start, run.end))

    @cached_property
    def sentences(self) -> Sequence[tuple[int, int]]:
        """The places of its sentences in the text as sent, without the blanks around them."""
        return sentences(self.sent)
