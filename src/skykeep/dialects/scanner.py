"""Reads a text from left to right and knows the line; for the dialects with quotes."""

from __future__ import annotations

import re

from skykeep.dialects.model import broken
from skykeep.errors import Invalid

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")


class Scanner:
    """A place in a text.

    Attributes:
        at: the offset of the next character.
    """

    def __init__(self, text: str, source: str) -> None:
        self.at = 0
        self._text = text
        self._source = source

    def peek(self, count: int = 1) -> str:
        """The next characters, fewer at the end."""
        return self._text[self.at : self.at + count]

    def take(self, what: str) -> bool:
        """Go past ``what`` if it comes next."""
        if self._text.startswith(what, self.at):
            self.at += len(what)
            return True
        return False

    def match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """Go past what the pattern finds here, if it does."""
        found = pattern.match(self._text, self.at)
        if found:
            self.at = found.end()
        return found

    def next(self) -> str:
        """Go past one character. Raises ``Invalid`` at the end."""
        if self.at >= len(self._text):
            raise self.fail("it ends in the middle of a value")
        self.at += 1
        return self._text[self.at - 1]

    def between(self, start: int, end: int) -> str:
        """A part of the text that was passed."""
        return self._text[start:end]

    @property
    def ended(self) -> bool:
        """Nothing is left."""
        return self.at >= len(self._text)

    def fail(self, what: str, hint: str = "") -> Invalid:
        """The error for this place."""
        return broken(self._source, self._text.count("\n", 0, self.at) + 1, what, hint)
