"""Portable names as names of variables, and back.

``db/password`` is ``DB__PASSWORD``. Letters are in upper case, which leaves lower case for
escapes: ``x`` and two hexadecimal digits stand for what a variable cannot be called
(``llm-shield`` is ``LLMx2dSHIELD``), for upper-case letters, for a digit at the beginning, and
for an underscore where it could be taken for a slash. Variables of other forms are not ours to
name: ``native:NAME`` reaches them.
"""

from __future__ import annotations

import re
from functools import lru_cache

from skykeep.errors import Invalid
from skykeep.interfaces.names import check_name

_TOKEN = re.compile(r"__|_|[A-Z0-9]|x[0-9a-f]{2}")


@lru_cache(maxsize=4096)
def variable(name: str) -> str:
    """The variable that a portable name stands for."""
    parts = []
    for at, char in enumerate(name):
        if char == "/":
            parts.append("__")
        elif char == "_" and _between(name, at):
            parts.append("_")
        elif ("a" <= char <= "z") or ("0" <= char <= "9" and at > 0):
            parts.append(char.upper())
        else:
            parts.append(f"x{ord(char):02x}")
    return "".join(parts)


@lru_cache(maxsize=4096)
def portable(found: str) -> str | None:
    """The portable name of a variable; None if no name stands for it."""
    name = ""
    at = 0
    while at < len(found):
        token = _TOKEN.match(found, at)
        if token is None:
            return None
        text = token[0]
        at = token.end()
        if text[0] == "x":
            name += chr(int(text[1:], 16))
        else:
            name += "/" if text == "__" else text.lower()
    try:
        check_name(name)
    except Invalid:
        return None
    # One name, one variable: a spelling that variable() does not give is nobody's.
    return name if variable(name) == found else None


def _between(name: str, at: int) -> bool:
    """Whether an underscore has something else than underscores and slashes on both sides."""
    before, after = name[at - 1 : at], name[at + 1 : at + 2]
    return bool(before and after) and before not in "_/" and after not in "_/"
