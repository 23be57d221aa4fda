r"""``set -gx NAME 'value'``, for fish.

fish's documentation, "Quotes": between single quotes only ``\'`` and ``\\`` are escapes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from skykeep.dialects.model import Item, Outgoing, decoded, variable
from skykeep.dialects.scanner import NAME, Scanner

_BETWEEN = re.compile(r"(?:[ \t\r\n;]|#[^\n]*)*")
_SET = re.compile(r"set[ \t]+(?:(?:-[a-zA-Z]+|--global|--export|--universal)[ \t]+)*")
_PLAIN = re.compile(r"[A-Za-z0-9_./:@%+,=-]+")
_SPACE = re.compile(r"[ \t]+")
_END = re.compile(r"[ \t]*(?:[\r\n;]|(?=#)|\Z)")
# Characters that fish keeps for itself in its inner text (its source, common.h and
# wildcard.h): the range for raw bytes, and the marks of expansions.
_OWN = re.compile("[\ufdd0-\ufdef\uf600-\uf73f]")


def quoted(text: str) -> str:
    """One word."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def write(values: Sequence[Outgoing]) -> str:
    """One line a variable. Raises ``Invalid``."""
    lines = []
    for one in values:
        text = one.text("fish")
        if _OWN.search(text):
            raise one.refused("fish", "it has characters that fish keeps for itself")
        lines.append(f"set -gx {one.key} {quoted(text)}\n")
    return "".join(lines)


def read(data: bytes, source: str) -> list[Item]:
    """The ``set`` lines of a script that has nothing else. Raises ``Invalid``."""
    scanner = Scanner(decoded(data, source), source)
    found: list[Item] = []
    while scanner.match(_BETWEEN) and not scanner.ended:
        name = scanner.match(NAME) if scanner.match(_SET) else None
        if name is None or not scanner.match(_SPACE):
            raise scanner.fail("this is no line set -gx NAME 'value'")
        value = _word(scanner)
        if not scanner.match(_END):
            raise scanner.fail("a list or an expansion cannot be a value")
        found.append(variable(name[0], value))
    return found


def _word(scanner: Scanner) -> str:
    if plain := scanner.match(_PLAIN):
        return plain[0]
    quote = scanner.peek()
    if quote not in {"'", '"'}:
        raise scanner.fail("a value is one word in quotes")
    scanner.next()
    parts: list[str] = []
    while (char := scanner.next()) != quote:
        if char == "$" and quote == '"':
            raise scanner.fail("'$' would be expanded", "write it in single quotes")
        if char == "\\":
            char = scanner.next()
            if char not in ({"\\", "'"} if quote == "'" else {"\\", '"', "$"}):
                parts.append("\\")
        parts.append(char)
    return "".join(parts)
