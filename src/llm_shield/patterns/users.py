"""Patterns of users: compiled by RE2, which is linear in the text whatever the pattern, or
refused with the reason and what to do about it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from llm_shield.extras import needs
from skykeep.errors import ConfigError, Problem

MAX_MEMORY = 8 << 20
"""Bytes that a compiled pattern may take, RE2's own default."""

MAX_PATTERN = 10_000
"""Characters of a pattern at most."""

_HINTS = (
    (
        re.compile(r"\(\?(?:[=!]|<[=!])"),
        "RE2 has no look-ahead and no look-behind: match more instead",
    ),
    (
        re.compile(r"\\[1-9]|\(\?P=|\\k<"),
        "RE2 has no backreferences: write out what may repeat",
    ),
    (
        re.compile(r"\(\?>|[*+?}]\+"),
        "RE2 has no atomic groups nor possessive repeats, and needs none: it never backtracks",
    ),
    (re.compile(r"\(\?\("), "RE2 has no conditions: write two patterns"),
    (
        re.compile(r"\{\d{4,}|\{\d*,\d{4,}"),
        "RE2 repeats at most 1,000 times: repeat without a bound (+), or shorter",
    ),
    (re.compile(r"\\Z"), r"in RE2 the end of the text is \z"),
)


def compiled_pattern(name: str, pattern: str, key: str = "patterns") -> Any:
    """A user's pattern over UTF-8. Raises ``ConfigError`` that names it, ``MissingExtra``."""
    return compiled_patterns({name: pattern}, key)[name]


def compiled_patterns(patterns: Mapping[str, str], key: str = "patterns") -> dict[str, Any]:
    """All of them; a ``ConfigError`` tells each that is refused. Raises ``MissingExtra``."""
    needs("re2", "google-re2")
    import re2

    found: dict[str, Any] = {}
    problems: list[Problem] = []
    for name, pattern in patterns.items():
        where = f"{key}.{name}"
        if len(pattern) > MAX_PATTERN:
            problems.append(
                Problem(
                    "",
                    0,
                    where,
                    f"the pattern has more than {MAX_PATTERN:,} characters; split it",
                )
            )
            continue
        try:
            found[name] = re2.compile(pattern.encode(), options())
        except UnicodeEncodeError:
            problems.append(Problem("", 0, where, "the pattern has a lone surrogate in it"))
        except re2.error as error:
            problems.append(
                Problem("", 0, where, f"RE2 refuses it: {_said(error)}; {_hint(pattern)}")
            )
    if problems:
        raise ConfigError(
            problems, hint="RE2's syntax: what cannot be matched in linear time is left out"
        )
    return found


def options() -> Any:
    """How users' patterns are compiled: UTF-8, no message on standard error."""
    import re2

    made = re2.Options()
    made.log_errors = False
    made.max_mem = MAX_MEMORY
    return made


def _said(error: Exception) -> str:
    said = error.args[0] if error.args else ""
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
    return text or "it is too large"


def _hint(pattern: str) -> str:
    for form, hint in _HINTS:
        if form.search(pattern):
            return hint
    return "mend it, or split it into smaller ones"
