"""What an argument of ``cp`` and ``sync`` names.

``:KEY`` is an object, ``-`` standard input or output, all else a path: nothing else is looked
at, so that no file that happens to be there changes what a command means. A file whose name
begins with a colon is ``./:NAME``.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from skykeep.errors import Invalid
from skykeep.interfaces.object_keys import check_key, check_key_prefix

MARK = ":"


@dataclass(frozen=True, slots=True)
class KeyPlace:
    """An object, or all objects under a prefix.

    Attributes:
        key: without the colon and without a closing slash; ``""`` is everything.
        within: it was written with a closing slash, or is everything: what is copied there
            keeps its own name.
    """

    key: str
    within: bool

    def __str__(self) -> str:
        return f"{MARK}{self.key}"

    def child(self, name: str) -> str:
        """The key of what lies below. Raises ``Invalid``."""
        return check_key(f"{self.key}/{name}" if self.key else name)


@dataclass(frozen=True, slots=True)
class FilePlace:
    """A file or a directory.

    Attributes:
        path: as it was given.
        within: it was written with a closing slash.
    """

    path: Path
    within: bool

    def __str__(self) -> str:
        return str(self.path)

    def child(self, name: str) -> Path:
        """The path of what lies below; ``name`` is a portable key."""
        return self.path.joinpath(*name.split("/"))


@dataclass(frozen=True, slots=True)
class StreamPlace:
    """Standard input, or standard output."""

    def __str__(self) -> str:
        return "-"


Place: TypeAlias = KeyPlace | FilePlace | StreamPlace


def place_of(text: str) -> Place:
    """What the argument names. Raises ``Invalid`` for what is no key and for an empty path."""
    if text == "-":
        return StreamPlace()
    if text.startswith(MARK):
        key = text[len(MARK) :]
        return KeyPlace(check_key_prefix(key), within=not key or key.endswith("/"))
    if not text or "\0" in text:
        raise Invalid(f"{text!a} is no path", hint="an object is written ':KEY'")
    return FilePlace(Path(text), within=text.endswith(os.sep))


def name_of(source: KeyPlace | FilePlace) -> str:
    """What a source is called by itself: the last segment. Raises ``Invalid``."""
    if isinstance(source, KeyPlace):
        return source.key.rpartition("/")[2]
    name = source.path.name or source.path.resolve().name
    if not name or name == "..":
        raise Invalid(f"'{source}' has no name of its own", hint="say the key to keep it under")
    return name
