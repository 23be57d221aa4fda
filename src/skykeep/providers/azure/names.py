"""Portable names in Key Vault, which allows letters, digits and ``-`` and folds case.

A name of a secret is 1 to 127 characters of ``[0-9a-zA-Z-]`` (azure-security-docs
``general/about-keys-secrets-certificates.md``, "Object identifiers"), and ``A`` is ``a``. Ours
are lower-case:

========================= ===============================================================
``a``-``z``, ``0``-``9``  as they are
``-``                     as it is
``/``                     ``--``, as .NET's configuration provider has it for its sections
``.`` ``_``               ``---d`` (dot), ``---l`` (low line)
``-`` ``/``               ``---h`` (hyphen), ``---s`` (slash), where a hyphen follows
``A``                     ``---ua``
``ABC``                   ``---cabc---e``, without ``---e`` at the end: three capitals or more
                          and what stands between them, but small letters
========================= ===============================================================

So one hyphen is a hyphen, two are a slash and three begin an escape; there are never four. What
no name of ours is written like is a foreign one, ``native:NAME``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from skykeep.errors import Invalid
from skykeep.interfaces.names import NATIVE, check_name, is_native, shown

LONGEST: Final = 127

_PREFIX = re.compile(r"[A-Za-z0-9/._-]*")
_NATIVE = re.compile(r"[0-9A-Za-z-]{1,127}")
_CAPITALS = re.compile(r"[A-Z](?:[^a-z]*[A-Z])?")
_TOKEN = re.compile(r"---([sdlhuce])|--(?!-)|-(?!-)|[0-9a-z]")

_ESCAPE: Final = "---"
_MARKS: Final = {".": "d", "_": "l", "-": "h", "/": "s"}
_PLAIN: Final = {"-": "-", "/": "--"}
_MARKED: Final = {code: mark for mark, code in _MARKS.items()}


def encode(text: str) -> str:
    """The text of a portable name, or of a part of one, in Key Vault's characters."""
    atoms = list(_atoms(text))
    written = []
    for at, atom in enumerate(atoms):
        follows = atoms[at + 1] if at + 1 < len(atoms) else ""
        if atom in _PLAIN and not follows.startswith((_ESCAPE, "-", "/")):
            written.append(_PLAIN[atom])
        elif atom in _PLAIN:
            written.append(_ESCAPE + _MARKS[atom])
        else:
            written.append(atom)
    return "".join(written)


def decode(stored: str) -> str | None:
    """What :func:`encode` made this of, in any case; None if it has made it of nothing."""
    stored = stored.lower()
    text: list[str] = []
    position, capital, capitals = 0, False, False
    while position < len(stored):
        token = _TOKEN.match(stored, position)
        if token is None:
            return None
        position = token.end()
        code = token.group(1)
        if code == "u":
            capital = True
        elif code in {"c", "e"}:
            capitals = code == "c"
        elif code is not None:
            text.append(_MARKED[code])
        elif token.group() in {"-", "--"}:
            text.append("/" if token.group() == "--" else "-")
        else:
            text.append(token.group().upper() if capital or capitals else token.group())
            capital = False
    found = "".join(text)
    return found if encode(found) == stored else None


def _atoms(text: str) -> Iterator[str]:
    """Letters and digits, escapes, and the bare marks whose form depends on what follows."""
    position = 0
    for run in _CAPITALS.finditer(text):
        yield from _plain(text[position : run.start()])
        position = run.end()
        if sum(letter.isupper() for letter in run.group()) < 3:
            yield from _plain(run.group())
            continue
        yield f"{_ESCAPE}c"
        yield from _plain(run.group().lower())
        if position < len(text):
            yield f"{_ESCAPE}e"
    yield from _plain(text[position:])


def _plain(text: str) -> Iterator[str]:
    for letter in text:
        if letter.isupper():
            yield f"{_ESCAPE}u"
            yield letter.lower()
        elif letter in _PLAIN or letter not in _MARKS:
            yield letter
        else:
            yield _ESCAPE + _MARKS[letter]


class Names:
    """Names of one target: the prefix before them, all of it in Key Vault's characters."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix

    def stored(self, name: str) -> str:
        """The name in the vault. Raises ``Invalid`` for what it cannot carry."""
        if is_native(name):
            stored = name[len(NATIVE) :]
            if not _NATIVE.fullmatch(stored):
                raise Invalid(
                    f"{shown(name)} is no name for Azure Key Vault",
                    hint="it has letters, digits and '-', 1 to 127 of them",
                )
            return stored
        stored = encode(self.prefix + name)
        if len(stored) > LONGEST:
            raise Invalid(
                f"{shown(name)} takes {len(stored)} characters in Azure Key Vault, "
                f"which keeps names of at most {LONGEST}",
                hint="capitals, '.', '_' and '/' take more than one",
            )
        return stored

    def spelt(self, name: str) -> str | None:
        """What is kept beside the secret of its name: the portable one with the prefix, where
        the vault's own does not say it already."""
        if is_native(name) or self.stored(name) == self.prefix + name:
            return None
        return self.prefix + name

    def start(self, prefix: str) -> str:
        """What the names of a listing begin with, undone of Key Vault's characters."""
        return f"{self.prefix}{prefix}/" if prefix else self.prefix

    def listed(self, stored: str, start: str) -> str | None:
        """The name that the application knows, or None if it is not of this listing."""
        whole = decode(stored)
        if whole is None or not whole.startswith(start):
            return None if start else NATIVE + stored
        try:
            return check_name(whole[len(self.prefix) :])
        except Invalid:
            return None if start else NATIVE + stored


def check_prefix(prefix: str, called: str = "secret_prefix") -> str:
    """The prefix, if names can begin with it. Raises ``Invalid``."""
    if not _PREFIX.fullmatch(prefix):
        raise Invalid(f"{called} has letters, digits, '/', '.', '_' and '-'")
    if len(encode(prefix)) >= LONGEST:
        raise Invalid(f"{called} leaves no room for names in Azure Key Vault")
    return prefix
