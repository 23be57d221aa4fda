"""Portable names as aliases of AWS KMS, injectively.

An alias has letters, digits, ``/``, ``_`` and ``-`` after ``alias/``, 1 to 256 characters in
all, case-sensitive; those that begin with ``alias/aws/`` are AWS's own (CreateAlias,
``AliasName``). What it lacks, ``.``, is written with underscores segment by segment
(``skykeep.interfaces.name_code``): ``db/app.key`` is ``alias/db/app___key``.
"""

from __future__ import annotations

import re
from typing import Final

from skykeep.errors import Invalid
from skykeep.interfaces.name_code import decode, encode
from skykeep.interfaces.names import NATIVE, check_name, is_native, shown

START: Final = "alias/"
LONGEST: Final = 256

_NATIVE = re.compile(r"[A-Za-z0-9:/_-]{1,2048}\Z")


class KeyNames:
    """Names of one target: the prefix before them, then the code of both."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix

    def stored(self, name: str) -> str:
        """What ``KeyId`` takes: an alias, or a native id, ARN or alias as it is. Raises
        ``Invalid``."""
        if is_native(name):
            stored = name[len(NATIVE) :]
            if not _NATIVE.match(stored):
                raise Invalid(
                    f"{shown(name)} is no key of AWS KMS",
                    hint="give its id, its ARN, or alias/NAME",
                )
            return stored
        stored = START + "/".join(encode(part) for part in (self._prefix + name).split("/"))
        if stored.startswith(f"{START}aws/"):
            raise Invalid(
                f"{shown(name)}: aliases that begin with aws/ are AWS's own",
                hint="set a keys_prefix, or name AWS's own key with native:alias/aws/…",
            )
        if len(stored) > LONGEST:
            raise Invalid(
                f"{shown(name)} has {len(stored)} characters as an alias; AWS KMS keeps at "
                f"most {LONGEST}",
                hint="'.' takes three characters, several of '.' and '_' in a row more",
            )
        return stored

    def portable(self, alias: str) -> str | None:
        """The name that the application knows; None for an alias that has none."""
        parts = [decode(part) for part in alias.removeprefix(START).split("/")]
        if not alias.startswith(START) or None in parts:
            return None
        text = "/".join(part or "" for part in parts)
        if not text.startswith(self._prefix):
            return None
        try:
            name = check_name(text[len(self._prefix) :])
        except Invalid:
            return None
        return None if is_native(name) or name.startswith("aws/") else name
