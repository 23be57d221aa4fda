"""E-mail addresses: RFC 5321 and 5322 as people write them, RFC 6531's letters included.

Comments, quoted local parts and address literals are not looked for: nobody has one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from llm_shield.pii.found import Found

_LOCAL = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}\Z")
_DOMAIN = re.compile(
    r"(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.){1,8}(?:xn--[a-zA-Z0-9-]{2,59}|[^\W\d_]{2,63})"
)
_LEADING = ".!#$%&'*+/=?^`{|}~-"
# What people write so that machines do not read it.
_HIDDEN = re.compile(
    r"(?<![\w.+-])([A-Za-z0-9][A-Za-z0-9._+-]{0,63}) ?[\[({] ?at ?[\])}] ?"
    r"([A-Za-z0-9-]{1,63}(?: ?(?:\.|[\[({] ?dot ?[\])}]) ?[A-Za-z0-9-]{1,63}){1,4})",
    re.IGNORECASE,
)


def emails(text: str) -> Iterator[Found]:
    """All addresses: bounded work for each ``@``."""
    at = text.find("@")
    while at != -1:
        found = _around(text, at)
        if found is not None:
            yield found
        at = text.find("@", at + 1)
    # `(at)` and `[at]`; the search begins at the bracket, not at each word.
    for match in re.finditer(r"[\[({] ?at ?[\])}]", text, re.IGNORECASE):
        whole = _HIDDEN.search(text, max(0, match.start() - 66), match.end() + 200)
        if whole is not None and whole.start() < match.start() < whole.end():
            yield Found("email", *whole.span(), 0.8, "an e-mail address, disguised")


def _around(text: str, at: int) -> Found | None:
    local = _LOCAL.search(text[max(0, at - 64) : at])
    domain = _DOMAIN.match(text, at + 1, at + 256)
    if local is None or domain is None:
        return None
    # `mailto:`, quotes and list marks stay outside; no local part begins with a dot.
    name = local[0].lstrip(_LEADING)
    if not name or name[-1] == "." or ".." in name:
        return None
    start = at - len(name)
    if start > 0 and len(name) == 64 and (text[start - 1].isalnum()):
        return None  # longer than a local part may be
    if start > 1 and text[start - 1] == ":" and "//" in text[max(0, start - 12) : start]:
        return None  # `https://user@host`: credentials, not an address
    end = domain.end()
    if end < len(text) and text[end] == "@":
        return None
    return Found("email", start, end, 0.97, "an e-mail address")
