"""Portable names as names of transit keys, injectively.

A key's name has letters, digits, ``_``, ``-`` and ``.``, begins and ends with none of the last
two, and lies in no directory (openbao ``sdk/framework/path.go``, ``GenericNameRegex``). So
``/`` and ``.`` are written with underscores (``skykeep.interfaces.name_code``), and where a
``-`` would be first or last, ``h.`` stands before it or ``.h`` behind it: no code has a dot.
"""

from __future__ import annotations

import re
from typing import Final

from skykeep.errors import Invalid
from skykeep.interfaces.name_code import decode, encode
from skykeep.interfaces.names import NATIVE, check_name, is_native, shown

LONGEST: Final = 255
"""Characters; the server takes more, and some storages do not (a file's name)."""

_NATIVE = re.compile(r"\w(?:[\w.-]*\w)?\Z", re.ASCII)
_PREFIX = re.compile(r"[A-Za-z0-9._/-]*\Z")


class KeyNames:
    """Names of one target: the prefix before them, then the code of both."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix

    def stored(self, name: str) -> str:
        """The key's name in the engine. Raises ``Invalid`` for what it cannot carry."""
        stored = name[len(NATIVE) :] if is_native(name) else _code(self._prefix + name)
        if not _NATIVE.match(stored):
            raise Invalid(
                f"{shown(name)} cannot be a key's name in Vault",
                hint="a key's name begins and ends with a letter, a digit or '_'",
            )
        if len(stored) > LONGEST:
            raise Invalid(
                f"{shown(name)} has {len(stored)} characters as a key's name in Vault; at most "
                f"{LONGEST} are kept",
                hint="'/' takes two characters, '.' three, several of them in a row more",
            )
        return stored

    def portable(self, stored: str) -> str | None:
        """The name that the application knows; None for a key that has none."""
        text = _text(stored)
        if text is None or not text.startswith(self._prefix):
            return None
        try:
            name = check_name(text[len(self._prefix) :])
        except Invalid:
            return None
        return None if is_native(name) else name


def _code(text: str) -> str:
    code = encode(text)
    first = "h." if code.startswith("-") else ""
    last = ".h" if code.endswith("-") else ""
    return f"{first}{code}{last}"


def _text(stored: str) -> str | None:
    text = decode(stored.removeprefix("h.").removesuffix(".h"))
    return text if text is not None and _code(text) == stored else None


def check_key_prefix(prefix: str) -> None:
    """Raises ``Invalid`` for a ``keys_prefix`` that no key's name can begin with."""
    if not _PREFIX.match(prefix):
        raise Invalid("keys_prefix has letters, digits, '.', '_', '/' and '-'")
