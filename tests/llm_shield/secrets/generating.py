"""Texts that a rule's expression matches, drawn at random from the expression."""

from __future__ import annotations

import random
import re
from importlib import import_module
from typing import Any

# Undocumented, but how Python's own expressions are read.
parser: Any = import_module("re._parser")

WORD = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
SPACE = " "
MORE = 24
"""Repeats at most beyond the least where an expression has no bound."""


def text_of(regex: str, source: random.Random) -> str:
    """A text that the expression matches; look-around and boundaries are not looked at."""
    spelt = regex.replace("[:alnum:]", "0-9A-Za-z").replace(r"\z", r"\Z").replace("(?i)", "")
    spelt = re.sub(r"\(\?-?[is]+:", "(?:", spelt)
    return "".join(_drawn(each, source) for each in parser.parse(spelt))


def _drawn(node: Any, source: random.Random) -> str:
    operation, argument = node
    if operation is parser.LITERAL:
        return chr(argument)
    if operation is parser.NOT_LITERAL:
        return "x" if argument != ord("x") else "y"
    if operation is parser.ANY:
        return "."  # what the dot stands for where it was meant as a dot
    if operation is parser.IN:
        return _member(argument, source)
    if operation is parser.BRANCH:
        return "".join(_drawn(each, source) for each in source.choice(argument[1]))
    if operation is parser.SUBPATTERN:
        return "".join(_drawn(each, source) for each in argument[3])
    if operation in (parser.MAX_REPEAT, parser.MIN_REPEAT):
        least, most, inner = argument
        # At the least where nothing is asked for: what may be there often bounds a secret.
        times = least if operation is parser.MIN_REPEAT else min(int(most), least + MORE)
        count = least if least == 0 else source.randint(least, times)
        return "".join(_drawn(each, source) for _ in range(count) for each in inner)
    return ""  # boundaries


def _member(members: list[Any], source: random.Random) -> str:
    negated = members[0][0] is parser.NEGATE
    choices = ""
    for kind, value in members[negated:]:
        if kind is parser.LITERAL:
            choices += chr(value)
        elif kind is parser.RANGE:
            choices += "".join(map(chr, range(value[0], value[1] + 1)))
        elif kind is parser.CATEGORY:
            choices += {
                parser.CATEGORY_WORD: WORD,
                parser.CATEGORY_DIGIT: "0123456789",
                parser.CATEGORY_SPACE: SPACE,
                parser.CATEGORY_NOT_SPACE: WORD,
            }[value]
    if negated:
        return source.choice([each for each in WORD if each not in choices] or [" "])
    # Letters and digits where there are some: a secret is made of them.
    return source.choice("".join(filter(str.isalnum, choices)) or choices)
