"""Where, at the end of a stream's text, something may still become a finding."""

from __future__ import annotations

import re

_SPACE = re.compile(r"\s")


def last_word(text: str, most: int) -> int:
    """The place where the last run without white space begins, at most ``most`` code points
    before the end; the end where the text ends with a space."""
    least = max(0, len(text) - most)
    at = len(text)
    while at > least and not _SPACE.match(text, at - 1):
        at -= 1
    return at
