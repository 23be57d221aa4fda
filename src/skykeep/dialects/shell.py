"""``export NAME='value'``, for bash, dash, zsh and every POSIX shell.

POSIX.1-2017, Shell Command Language, 2.2.2: single quotes keep every character but
themselves. What is read is never executed: an expansion is refused.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from skykeep.dialects.model import Item, Outgoing, decoded, variable
from skykeep.dialects.scanner import NAME, Scanner

_BETWEEN = re.compile(r"(?:[ \t\r\n;]|\\\n|#[^\n]*)*")
_EXPORT = re.compile(r"(?:export|declare -x|typeset -x)[ \t]+")
_PLAIN = re.compile(r"[^\s;&|<>()`$\"'\\]+")
_NO_EXPANSION = "expansions are not executed here: write the value itself, in single quotes"


def quoted(text: str) -> str:
    """One word."""
    return "'" + text.replace("'", "'\\''") + "'"


def write(values: Sequence[Outgoing]) -> str:
    """One line a variable. Raises ``Invalid``."""
    return "".join(f"export {one.key}={quoted(one.text('shell'))}\n" for one in values)


def read(data: bytes, source: str) -> list[Item]:
    """The assignments of a script that has nothing else. Raises ``Invalid``."""
    scanner = Scanner(decoded(data, source), source)
    found: list[Item] = []
    while scanner.match(_BETWEEN) and not scanner.ended:
        scanner.match(_EXPORT)
        name = scanner.match(NAME)
        if name is None or not scanner.take("="):
            raise scanner.fail("this is no assignment NAME='value'")
        found.append(variable(name[0], _word(scanner)))
    return found


def _word(scanner: Scanner) -> str:
    parts: list[str] = []
    while not scanner.ended:
        if plain := scanner.match(_PLAIN):
            if not parts and plain[0].startswith("~"):
                raise scanner.fail("'~' would be expanded", _NO_EXPANSION)
            parts.append(plain[0])
        elif scanner.take("'"):
            start = scanner.at
            while scanner.next() != "'":
                pass
            parts.append(scanner.between(start, scanner.at - 1))
        elif scanner.take('"'):
            parts.append(_double(scanner))
        elif scanner.take("\\"):
            char = scanner.next()
            parts.append("" if char == "\n" else char)
        elif scanner.peek() in {"$", "`"}:
            raise scanner.fail(f"'{scanner.peek()}' would be expanded", _NO_EXPANSION)
        elif scanner.peek() in set(" \t\r\n;"):
            break
        else:
            raise scanner.fail(f"'{scanner.peek()}' would start or join a command")
    return "".join(parts)


def _double(scanner: Scanner) -> str:
    parts: list[str] = []
    while (char := scanner.next()) != '"':
        if char in "$`":
            raise scanner.fail(f"'{char}' would be expanded", _NO_EXPANSION)
        if char == "\\":
            char = scanner.next()
            if char not in '$`"\\\n':
                parts.append("\\")
            if char == "\n":
                continue
        parts.append(char)
    return "".join(parts)
