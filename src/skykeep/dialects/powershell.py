"""``$env:NAME = 'value'``, for PowerShell 5.1 and newer.

about_Quoting_Rules: in single quotes only the quote is special, written twice. PowerShell
also takes U+2018 to U+201B for it, and Windows PowerShell reads a file without a byte order
mark in the machine's code page; so all that is not printable ASCII goes as base64.
about_Environment_Variables: before 7.5 an empty value removes the variable.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence

from skykeep.dialects.model import Item, Outgoing, decoded, variable
from skykeep.dialects.scanner import NAME, Scanner

_BETWEEN = re.compile(r"(?:[ \t\r\n;]|#[^\n]*)*")
_TARGET = re.compile(r"\$env:", re.IGNORECASE)
_EQUALS = re.compile(r"[ \t]*=[ \t]*")
_END = re.compile(r"[ \t]*(?:[\r\n;]|(?=#)|\Z)")
_PLAIN = re.compile(r"[ -~\n]*\Z")
_SINGLE = "'\u2018\u2019\u201a\u201b"
_OPEN = "[Text.Encoding]::UTF8.GetString([Convert]::FromBase64String("
_BASE64 = re.compile(re.escape(_OPEN) + r"'([A-Za-z0-9+/=]*)'\)\)")


def quoted(text: str) -> str:
    """One expression."""
    if _PLAIN.match(text):
        return "'" + text.replace("'", "''") + "'"
    return f"{_OPEN}'{base64.b64encode(text.encode()).decode()}'))"


def write(values: Sequence[Outgoing]) -> str:
    """One line a variable. Raises ``Invalid``."""
    lines = []
    for one in values:
        text = one.text("powershell")
        if not text:
            raise one.refused("powershell", "it is empty, which removes the variable there")
        lines.append(f"$env:{one.key} = {quoted(text)}\n")
    return "".join(lines)


def read(data: bytes, source: str) -> list[Item]:
    """The assignments of a script that has nothing else. Raises ``Invalid``."""
    scanner = Scanner(decoded(data, source), source)
    found: list[Item] = []
    while scanner.match(_BETWEEN) and not scanner.ended:
        name = scanner.match(NAME) if scanner.match(_TARGET) else None
        if name is None or not scanner.match(_EQUALS):
            raise scanner.fail("this is no line $env:NAME = 'value'")
        value = _expression(scanner)
        if not scanner.match(_END):
            raise scanner.fail("expressions are not executed here: write the value itself")
        found.append(variable(name[0], value))
    return found


def _expression(scanner: Scanner) -> str | bytes:
    if encoded := scanner.match(_BASE64):
        try:
            return base64.b64decode(encoded[1], validate=True)
        except binascii.Error:
            pass
        raise scanner.fail("this is no base64")
    quote = scanner.peek()
    same = _SINGLE if quote and quote in _SINGLE else '"\u201c\u201d\u201e'
    if not quote or quote not in same:
        raise scanner.fail("a value is in quotes")
    scanner.next()
    parts: list[str] = []
    while True:
        char = scanner.next()
        if char in same:
            if not scanner.peek() or scanner.peek() not in same:
                return "".join(parts)
            scanner.next()
        elif same != _SINGLE and char in "$`":
            raise scanner.fail(f"'{char}' would be expanded", "write it in single quotes")
        parts.append(char)
