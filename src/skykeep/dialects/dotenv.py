r"""``NAME='value'``, as python-dotenv, Docker Compose and their kin read a ``.env`` file.

There is no standard. Written is what most agree on: single quotes, in which nothing is
expanded and only ``\'`` and a backslash before a backslash or a quote are escapes (Compose's
"Syntax for environment files"; python-dotenv's ``parser.py``). A value with a carriage return
goes in double quotes, for readers fold the ends of lines. python-dotenv itself
expands ``${NAME}`` in every kind of quotes unless it is told ``interpolate=False``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from skykeep.dialects.model import Item, Outgoing, decoded, variable
from skykeep.dialects.scanner import NAME, Scanner

_BETWEEN = re.compile(r"(?:\s|#[^\n]*)*")
_EXPORT = re.compile(r"export[ \t]+")
_EQUALS = re.compile(r"[ \t]*=[ \t]*")
_END = re.compile(r"[ \t]*(?:#[^\r\n]*)?(?:\r\n|[\r\n]|\Z)")
_LINE = re.compile(r"[^\r\n]*")
_COMMENT = re.compile(r"\s+#.*")
_BARE = re.compile(r"[A-Za-z0-9_./:@%+,=\\-]+\Z")
_EXPANSION = re.compile(r"\$[A-Za-z_{(]")
_REASON = "it ends in a backslash, or has a carriage return and would be expanded"
_ESCAPES = {
    "a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v",
    "\\": "\\", '"': '"', "'": "'", "$": "$",
}  # fmt: skip


def quoted(text: str) -> str | None:
    """The value as it stands after ``=``; None if there is no form that readers agree on."""
    if text.endswith("\\"):
        # No reader's pattern for quotes ends at a quote behind a backslash.
        return text if _BARE.match(text) else None
    if "\r" in text:
        if _EXPANSION.search(text):
            return None
        for plain, escape in (("\\", "\\\\"), ('"', '\\"'), ("\r", "\\r"), ("\n", "\\n")):
            text = text.replace(plain, escape)
        return f'"{text}"'
    # Only where it matters: a reader that knows no escapes still gets C:\new right.
    return "'" + re.sub(r"\\(?=[\\'])|'", r"\\\g<0>", text) + "'"


def write(values: Sequence[Outgoing]) -> str:
    """One line a variable, more where the value has more. Raises ``Invalid``."""
    lines = []
    for one in values:
        text = quoted(one.text("dotenv"))
        if text is None:
            raise one.refused("dotenv", _REASON)
        lines.append(f"{one.key}={text}\n")
    return "".join(lines)


def read(data: bytes, source: str) -> list[Item]:
    """The variables of a ``.env`` file; a name without ``=`` has no value and is left out.

    Raises ``Invalid``, also for a value that readers would expand.
    """
    scanner = Scanner(decoded(data, source), source)
    found: list[Item] = []
    while scanner.match(_BETWEEN) and not scanner.ended:
        scanner.match(_EXPORT)
        name = scanner.match(NAME)
        if name is None:
            raise scanner.fail("this is no line NAME='value'")
        if scanner.match(_EQUALS):
            found.append(variable(name[0], _value(scanner)))
        if not scanner.match(_END):
            raise scanner.fail("there is more behind the value")
    return found


def _value(scanner: Scanner) -> str:
    if scanner.take("'"):
        return _quoted(scanner, "'", {"\\": "\\", "'": "'"})
    if scanner.take('"'):
        return _quoted(scanner, '"', _ESCAPES)
    line = scanner.match(_LINE)
    text = _COMMENT.sub("", line[0] if line else "").rstrip()
    if _EXPANSION.search(text):
        raise scanner.fail(_EXPANDED, _MEND)
    return text


_EXPANDED = "the value refers to another variable, which is not followed here"
_MEND = "write the value itself, in single quotes"


def _quoted(scanner: Scanner, quote: str, escapes: dict[str, str]) -> str:
    parts: list[str] = []
    while (char := scanner.next()) != quote:
        if char == "$" and quote == '"' and _EXPANSION.match(char + scanner.peek()):
            raise scanner.fail(_EXPANDED, _MEND)
        if char == "\\":
            char = scanner.next()
            parts.append(escapes.get(char, "\\" + char))
        else:
            parts.append(char)
    return "".join(parts)
