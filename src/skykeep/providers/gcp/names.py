"""Portable names as secret ids, and stages as aliases of versions, injectively.

An id has letters, digits, ``-`` and ``_``, 1 to 255 of them, upper and lower case apart
(``CreateSecretRequest.secret_id``); an alias 1 to 63 of the same, begins with a letter and is
not ``latest`` or ``NEW`` (``Secret.version_aliases``). What they lack, ``/`` and ``.``, is
written with underscores (``skykeep.interfaces.name_code``): ``db/password`` is
``db__password``.

An id that is not the code of a portable name, or lies outside the prefix, comes back as
``native:ID``.
"""

from __future__ import annotations

import re
from typing import Final

from skykeep.errors import Invalid
from skykeep.interfaces.name_code import decode, encode
from skykeep.interfaces.names import NATIVE, check_name, is_native, shown
from skykeep.interfaces.secret_checks import check_stage
from skykeep.interfaces.secret_driver import CURRENT, PREVIOUS

LONGEST: Final = 255
LONGEST_ALIAS: Final = 63

_ID = re.compile(r"[A-Za-z0-9_-]{1,255}\Z")
_RUN = re.compile(r"[_/.]+")

# Before what an alias may not be, or not begin with. No code of a stage has these five
# characters before another letter than u, s and d, which none of the words begins with.
_BEFORE = "s____"
_NOT_ALONE = re.compile(r"[0-9]|(?:latest|NEW)\Z")


class Names:
    """Names of one target: the prefix before them, then the code of both.

    Args:
        prefix: put before every portable name; of the same characters.
        place: the location of regional secrets; ``""`` for global ones.
    """

    def __init__(self, prefix: str, place: str = "") -> None:
        self._prefix = prefix
        where = f"locations/{re.escape(place)}/" if place else ""
        self._whole = re.compile(
            rf"projects/(?:[a-z0-9.-]+:)?[a-z0-9][a-z0-9-]*/{where}secrets/[A-Za-z0-9_-]{{1,{LONGEST}}}\Z"
        )

    def stored(self, name: str) -> str:
        """The id, or the whole resource name of a native one. Raises ``Invalid``."""
        if is_native(name):
            stored = name[len(NATIVE) :]
            if not _ID.match(stored) and not self._whole.match(stored):
                raise Invalid(
                    f"{shown(name)} is no name for Google Secret Manager",
                    hint="it has 1 to 255 letters, digits, '_' and '-', or is "
                    "projects/PROJECT/secrets/ID",
                )
            return stored
        stored = encode(self._prefix + name)
        if len(stored) > LONGEST:
            raise Invalid(
                f"{shown(name)} has {len(stored)} characters as a secret id; "
                f"Google Secret Manager keeps at most {LONGEST}",
                hint="'/' takes two characters, '.' three, several of them in a row more",
            )
        return stored

    def note(self, name: str) -> str:
        """The name that is noted beside the value: ``""`` if the id says it already."""
        if is_native(name):
            return ""
        whole = self._prefix + name
        return whole if encode(whole) != whole else ""

    def portable(self, stored: str) -> str:
        """The name that the application knows."""
        text = decode(stored)
        if text is not None and text.startswith(self._prefix):
            name = text[len(self._prefix) :]
            try:
                if not is_native(name):
                    return check_name(name)
            except Invalid:
                pass
        return NATIVE + stored

    def start(self, prefix: str) -> str:
        """What every portable name under the prefix begins with, the target's own included."""
        return f"{self._prefix}{prefix}/" if prefix else self._prefix

    def has(self, stored: str, start: str) -> bool:
        """Whether the id is the code of a name that begins so; every id if that is empty."""
        if not start:
            return True
        text = decode(stored)
        return text is not None and text.startswith(start)


def substring(start: str) -> str:
    """What the ids of all names that begin so contain; ``""`` if that is nothing.

    For the service's own filter, which knows "contains" and no beginnings. A run of marks at
    the end has another code when more of them follow; only its underscores are sure.
    """
    stem = _RUN.sub("", start[::-1], count=1)[::-1] if _RUN.search(start[-1:]) else start
    sure = encode(stem) + ("" if stem == start else "__" if "/" in start[len(stem) :] else "_")
    # A filter may take a hyphen before a word, and these words, for operators.
    sure = sure.lstrip("-")
    return "" if sure in {"AND", "OR", "NOT"} else sure


def alias(stage: str) -> str:
    """The alias of a stage other than our own two. Raises ``Invalid`` if it is too long."""
    code = encode(stage)
    if _NOT_ALONE.match(code):
        code = _BEFORE + code
    if len(code) > LONGEST_ALIAS:
        raise Invalid(
            f"the stage {shown(stage)} has {len(code)} characters as an alias; "
            f"Google Secret Manager keeps at most {LONGEST_ALIAS}"
        )
    return code


def stage(code: str) -> str | None:
    """The stage whose alias it is. None for an alias that is nobody's, and for one that others
    have spelt as ``current`` or ``previous``, which the order of versions decides."""
    rest = code.removeprefix(_BEFORE)
    text = rest if rest != code and _NOT_ALONE.match(rest) else code
    found = decode(text)
    if found is None or found in (CURRENT, PREVIOUS):
        return None
    try:
        return found if alias(check_stage(found)) == code else None
    except Invalid:
        return None
