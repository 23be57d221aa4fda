"""``NAME = "value"``, for Terraform and OpenTofu.

HCL's native syntax specification, "Quoted templates" and "Strings": the escapes are those
below, ``${`` and ``%{`` begin a template unless their first character is an escape, and every
string is normalised to NFC, so that another form would come back changed.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from skykeep.dialects.model import Item, Outgoing, decoded, variable
from skykeep.dialects.scanner import NAME, Scanner

_BETWEEN = re.compile(r"(?:\s|#[^\n]*|//[^\n]*|/\*.*?\*/)*", re.DOTALL)
_EQUALS = re.compile(r"[ \t]*=[ \t]*")
_PLAIN = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|true|false")
_END = re.compile(r"[ \t]*(?:(?:#|//)[^\n]*)?(?:\r?\n|\Z)")
_NUMBERED = re.compile(r"u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})")
_ESCAPES = {"\n": "\\n", "\r": "\\r", "\t": "\\t", '"': '\\"', "\\": "\\\\"}
_READ = {escape[1]: plain for plain, escape in _ESCAPES.items()}


def quoted(text: str) -> str:
    """One string literal."""
    literal = "".join(_ESCAPES.get(char) or _numbered(char) for char in text)
    # Numbered, not doubled: "$$${" has no reading of its own, and "%%{" is not read by all.
    return '"' + re.sub(r"[$%](?=\{)", lambda m: f"\\u{ord(m[0]):04x}", literal) + '"'


def _numbered(char: str) -> str:
    if char.isprintable():
        return char
    return f"\\u{ord(char):04x}" if ord(char) < 0x10000 else f"\\U{ord(char):08x}"


def write(values: Sequence[Outgoing]) -> str:
    """One line a variable. Raises ``Invalid``."""
    lines = []
    for one in values:
        text = one.text("tfvars")
        if not unicodedata.is_normalized("NFC", text):
            raise one.refused("tfvars", "it is not in Unicode's form NFC and would be changed")
        lines.append(f"{one.key} = {quoted(text)}\n")
    return "".join(lines)


def read(data: bytes, source: str) -> list[Item]:
    """Strings, numbers and booleans, as text. Raises ``Invalid`` for all else."""
    scanner = Scanner(decoded(data, source), source)
    found: list[Item] = []
    while scanner.match(_BETWEEN) and not scanner.ended:
        name = scanner.match(NAME)
        if name is None or not scanner.match(_EQUALS):
            raise scanner.fail('this is no line NAME = "value"')
        if plain := scanner.match(_PLAIN):
            value = plain[0]
        elif scanner.take('"'):
            value = _string(scanner)
        else:
            raise scanner.fail("a list, a map, a heredoc or an expression cannot be a value")
        if not scanner.match(_END):
            raise scanner.fail("there is more behind the value")
        found.append(variable(name[0], value))
    return found


def _string(scanner: Scanner) -> str:
    parts: list[str] = []
    while (char := scanner.next()) != '"':
        if char == "\n":
            raise scanner.fail("a string ends on its line")
        if char in "$%" and scanner.peek(2) == char + "{":
            scanner.at += 1
        elif char in "$%" and scanner.peek() == "{":
            raise scanner.fail("templates are not executed here: write the value itself")
        if char == "\\":
            if numbered := scanner.match(_NUMBERED):
                code = int(numbered[1] or numbered[2], 16)
                if code > 0x10FFFF or 0xD800 <= code < 0xE000:
                    raise scanner.fail("this escape names no character")
                char = chr(code)
            elif (char := _READ.get(scanner.next(), "")) == "":
                raise scanner.fail("this escape is unknown")
        parts.append(char)
    return "".join(parts)
