"""Portable names as names of Kubernetes objects, and back.

A Secret's name is a DNS-1123 subdomain: labels of ``[a-z0-9]`` with ``-`` inside, joined by
``.``, 253 characters in all (k8s.io/apimachinery ``pkg/util/validation/validation.go``).
``db/password`` is ``db.password``; a hyphen between letters or digits stays. Everything else
is ``--`` and a letter that says what: ``u`` underscore, ``d`` dot, ``m`` minus, ``x`` an x,
``cX`` one capital, ``k`` caps lock, on and off. A label that would begin with that has an ``x``
before it. ``DB_PASSWORD`` is ``x--kdb--upassword``.

Names of other forms are not ours to name: ``native:NAME`` reaches them.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final
from urllib.parse import quote

from skykeep.errors import Invalid
from skykeep.interfaces.names import NATIVE, check_name, is_native, shown

MAX_NAME_CHARS: Final = 253

_LABEL = r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})*\Z")
_SHOUTED = re.compile(r"[A-Z][A-Z0-9._/-]*[A-Z]")
_CODES = {"_": "u", ".": "d", "-": "m"}
_CHARS = {code: char for char, code in _CODES.items()} | {"x": "x"}
_TOKEN = re.compile(r"--(?:c[a-z]|[udmxk])|[a-z0-9.]|-(?!-)")
_PORTABLE_PREFIX = re.compile(r"(?:[A-Za-z0-9._-]+/)*[A-Za-z0-9._-]*\Z")


class Names:
    """Puts the target's prefix on and takes it off. Native names are objects' names."""

    def __init__(self, prefix: str) -> None:
        """``prefix``: as ``check_prefix`` allows; ``team/app-`` is no whole segment and
        allowed."""
        self._prefix = prefix

    def object(self, name: str) -> str:
        """The object's name. Raises ``Invalid`` for one that Kubernetes cannot have."""
        if is_native(name):
            return check_object(name[len(NATIVE) :])
        return object_name(self._prefix + name)

    def start(self, prefix: str) -> str:
        """What all names under a portable prefix begin with, the target's own included."""
        return f"{self._prefix}{prefix}/" if prefix else self._prefix

    def portable(self, found: str, start: str) -> str | None:
        """The name that the application knows an object by; None if it is none of those that
        begin with ``start``."""
        name = portable(found)
        if name is None or not name.startswith(start) or len(name) == len(self._prefix):
            return None
        try:
            return check_name(name[len(self._prefix) :])
        except Invalid:
            return None  # the rest of a foreign name, such as one that begins with '/'


def object_name(name: str) -> str:
    """The object's name for a portable one. Raises ``Invalid`` if it is too long."""
    found = _encoded(name)
    if len(found) > MAX_NAME_CHARS:
        raise Invalid(
            f"{shown(name)} is {len(found)} characters long as the name of a Kubernetes "
            f"Secret; at most {MAX_NAME_CHARS} are allowed",
            hint="a shorter name, or a shorter secret_prefix; capitals, '_' and '.' take more",
        )
    return found


@lru_cache(maxsize=4096)
def portable(found: str) -> str | None:
    """The portable name of an object; None if no name stands for it."""
    name, at, shouted = "", 0, False
    begins = True  # of a label
    while at < len(found):
        if begins and found.startswith("x--", at):
            at += 1
        token = _TOKEN.match(found, at)
        if token is None:
            return None
        text = token[0]
        at = token.end()
        begins = text == "."
        if text == "--k":
            shouted = not shouted
        elif text.startswith("--c"):
            name += text[3].upper()
        elif text.startswith("--"):
            name += _CHARS[text[2]].upper() if shouted else _CHARS[text[2]]
        else:
            name += "/" if text == "." else text.upper() if shouted else text
    # One name, one object: a spelling that _encoded() does not give is nobody's.
    return name if name and _encoded(name) == found else None


def check_object(name: str) -> str:
    """Raises ``Invalid`` for what can be no object's name."""
    if len(name) > MAX_NAME_CHARS or not _SUBDOMAIN.match(name):
        raise Invalid(
            f"{shown(name)} cannot name a Kubernetes Secret",
            hint="lower-case letters, digits, '-' and '.', a letter or digit at both ends of "
            f"each part, at most {MAX_NAME_CHARS} characters",
        )
    return name


def check_prefix(prefix: str) -> None:
    """Raises ``Invalid`` for a ``secret_prefix`` that no portable name can begin with."""
    segments = prefix.split("/")
    inner, last = segments[:-1], segments[-1]
    if not _PORTABLE_PREFIX.match(prefix) or {".", ".."} & {*inner, last}:
        raise Invalid(
            f"secret_prefix {shown(prefix)} is no beginning of a name: letters, digits, '.', "
            "'_' and '-', in segments joined by '/'"
        )


def check_label(label: str) -> str:
    """The name of a namespace: one label of at most 63. Raises ``Invalid``."""
    if len(label) > 63 or not re.match(rf"{_LABEL}\Z", label):
        raise Invalid(f"{shown(label)} cannot name a Kubernetes namespace")
    return label


def encoded(part: str) -> str:
    """A part of a path as it stands in a URL."""
    return quote(part, safe="")


@lru_cache(maxsize=4096)
def _encoded(name: str) -> str:
    shouted = _shouted(name)
    parts: list[str] = []
    loud = False
    for at, char in enumerate(name):
        piece = ""
        if shouted[at] != loud:
            loud = not loud
            piece = "--k"
        plain = char.lower() if loud else char
        if "a" <= plain <= "z" or "0" <= plain <= "9":
            piece += plain
        elif char == "-" and not piece and _between(name, at, shouted):
            piece = "-"
        elif char == "/":
            piece += "."
        elif char in _CODES:
            piece += f"--{_CODES[char]}"
        else:
            piece += f"--c{char.lower()}"
        parts.append(piece)
    return ".".join(_label(label) for label in "".join(parts).split("."))


def _label(label: str) -> str:
    """A label with an ``x`` before an escape at its beginning; an ``x`` that would be taken
    for that is escaped itself."""
    if label.startswith("x--"):
        label = f"--x{label[1:]}"
    return f"x{label}" if label.startswith("--") else label


def _shouted(name: str) -> list[bool]:
    """Which characters are in a run of capitals: one that begins and ends with a capital and
    has no small letter."""
    found = [False] * len(name)
    for run in _SHOUTED.finditer(name):
        found[run.start() : run.end()] = [True] * (run.end() - run.start())
    return found


def _between(name: str, at: int, shouted: list[bool]) -> bool:
    """Whether a hyphen has a letter or digit on both sides that stands for itself."""
    return (
        all(
            0 <= beside < len(name) and _stands(name[beside], loud=shouted[beside])
            for beside in (at - 1, at + 1)
        )
        and shouted[at - 1] == shouted[at] == shouted[at + 1]
    )


def _stands(char: str, *, loud: bool) -> bool:
    return char.isdigit() or ("A" <= char <= "Z" if loud else "a" <= char <= "z")
