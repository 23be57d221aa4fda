"""Portable names in the vault: as they are, with the target's prefix before them.

Keys are kept under names that no secret can have: a portable name has no colon, and a native
one begins with ``native:``.
"""

from __future__ import annotations

from typing import Final

from skykeep.errors import Corrupt
from skykeep.interfaces.names import is_native

KEYS: Final = "key:"
"""What the stored name of a key begins with; a portable one goes on with a slash."""


class Names:
    """Puts the prefix on and takes it off. Native names pass as they are."""

    def __init__(self, prefix: str) -> None:
        """``prefix``: ``""`` or whole segments with a closing slash."""
        self._prefix = prefix

    def stored(self, name: str) -> str:
        """The name that the vault keeps."""
        return name if is_native(name) else self._prefix + name

    def stored_prefix(self, prefix: str) -> str:
        """The prefix of a listing, as the vault keeps it."""
        return (self._prefix + prefix).removesuffix("/")

    def stored_key(self, name: str) -> str:
        """The name under which the vault keeps a key."""
        return KEYS + (name if is_native(name) else f"/{self._prefix}{name}")

    def stored_key_prefix(self, prefix: str) -> str:
        """The prefix of a listing of keys; native ones lie under none."""
        return f"{KEYS}/{self._prefix}{prefix}".removesuffix("/")

    def portable_key(self, stored: str) -> str:
        """The name that the application knows, of a key that was listed."""
        return self.portable(stored.removeprefix(f"{KEYS}/"))

    def portable(self, stored: str) -> str:
        """The name that the application knows."""
        if is_native(stored) or not self._prefix:
            return stored
        if not stored.startswith(self._prefix):
            raise Corrupt("the vault listed a name outside the prefix that was asked for")
        return stored[len(self._prefix) :]


def is_key(stored: str) -> bool:
    """Whether it is a key's name."""
    return stored.startswith(KEYS)


def ancestors(stored: str) -> list[str]:
    """The prefixes under which a listing finds the name: ``a/b/c`` has ``a`` and ``a/b``."""
    if is_native(stored.removeprefix(KEYS)):
        return []
    segments = stored.split("/")[:-1]
    return ["/".join(segments[: count + 1]) for count in range(len(segments))]
