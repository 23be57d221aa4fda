"""Portable names as paths of a key-value engine.

A path may hold every character of a portable name, upper and lower case apart, so that a name
is its path. Paths are percent-encoded on the way (RFC 3986); Vault and OpenBao decode them.
"""

from __future__ import annotations

from urllib.parse import quote

from skykeep.errors import Corrupt, Invalid
from skykeep.interfaces.names import NATIVE, is_native, shown


class Names:
    """Puts the target's prefix on and takes it off. Native names are paths as they are."""

    def __init__(self, prefix: str) -> None:
        """``prefix``: anything; ``team/app-`` is no whole segment and allowed."""
        self._prefix = prefix

    def path(self, name: str) -> str:
        """The path in the engine. Raises ``Invalid`` for a native one that cannot be."""
        if not is_native(name):
            return self._prefix + name
        path = name[len(NATIVE) :]
        if any(segment in {"", ".", ".."} for segment in path.split("/")):
            raise Invalid(
                f"{shown(path)} is no path in Vault",
                hint="it has no empty segments, no '.' and no '..', and no '/' at its ends",
            )
        return path

    def start(self, prefix: str) -> str:
        """What the paths of all names under a portable prefix begin with."""
        return f"{self._prefix}{prefix}/" if prefix else self._prefix

    def portable(self, path: str) -> str:
        """The name that the application knows."""
        if not path.startswith(self._prefix):
            raise Corrupt("the server listed a path outside of what was asked for")
        return path[len(self._prefix) :]


def encoded(path: str) -> str:
    """The path as it stands in a URL."""
    return quote(path, safe="/-._~")


def check_mount(mount: str) -> str:
    """The mount's path without slashes at its ends. Raises ``Invalid``."""
    path = mount.strip("/")
    if any(segment in {"", ".", ".."} for segment in path.split("/")):
        raise Invalid(f"{shown(mount)} is no mount: a path such as 'secret' or 'team/kv'")
    return path


def check_prefix(prefix: str) -> None:
    """Raises ``Invalid`` for a ``secret_prefix`` that no path can begin with: the server, or
    a proxy before it, would take another path instead."""
    segments = prefix.split("/")
    inner = segments[:-1]  # after the last slash the name goes on
    if any(segment in {"", ".", ".."} for segment in inner) or segments[-1] in {".", ".."}:
        raise Invalid(
            f"secret_prefix {shown(prefix)} is no beginning of a path in Vault: it has no "
            "empty segment, no '.' and no '..', and no '/' before it"
        )
