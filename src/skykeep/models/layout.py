"""What models and versions may be called, and where their objects are.

::

    PREFIX NAME/latest.json                    which version is the latest
    PREFIX NAME/VERSION/manifest.json          what the version is; written last
    PREFIX NAME/VERSION/SHA256/PATH            a file of it, under its own digest
    PREFIX NAME.onnx                           a bare object: no manifest vouches for it

The digest in a file's key keeps two pushes of one version apart: the one that loses has
overwritten nothing of the other's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from skykeep.errors import Invalid
from skykeep.interfaces.names import check_name, is_native, shown
from skykeep.interfaces.object_keys import MAX_KEY_BYTES

MANIFEST: Final = "manifest.json"
LATEST: Final = "latest.json"
BARE: Final = ".onnx"
"""The ending of a bare object; a model's name does not have it."""
MAX_VERSION: Final = 128

_VERSION = re.compile(r"(?!\.)[A-Za-z0-9._+-]{1,128}(?<!\.)\Z")
_SHA256 = re.compile(r"[0-9a-f]{64}\Z")
_RESERVED = {"latest", LATEST, MANIFEST}


def is_sha256(text: str) -> bool:
    """Whether it is 64 lower-case hexadecimal digits."""
    return _SHA256.match(text) is not None


def check_model(name: str) -> str:
    """Return the name if a model may have it; raise ``Invalid`` otherwise."""
    check_name(name)
    for segment in name.split("/"):
        if is_native(name) or segment in _RESERVED or is_sha256(segment):
            raise Invalid(f"{shown(name)} cannot be a model's name: '{segment}' is reserved")
        if segment.endswith("."):
            raise Invalid(f"{shown(name)} cannot be a model's name: a segment ends with a dot")
    if name.endswith(BARE):
        raise Invalid(f"{shown(name)} cannot be a model's name: leave out '{BARE}'")
    return name


def check_version(version: str) -> str:
    """Return the version if it is one; raise ``Invalid`` otherwise."""
    if not _VERSION.match(version) or version in _RESERVED or is_sha256(version):
        raise Invalid(
            f"{shown(version)} is not a version",
            hint=f"use 1 to {MAX_VERSION} letters, digits, '.', '_', '+' and '-', as in 1.4.0",
        )
    return version


@dataclass(frozen=True, slots=True)
class Place:
    """What a key below the prefix stands for.

    Attributes:
        name: the model.
        version: None for the pointer and for a bare object.
        kind: ``manifest``, ``file``, ``latest`` or ``bare``.
    """

    name: str
    version: str | None
    kind: str


class Layout:
    """The keys of the models under one prefix."""

    def __init__(self, prefix: str) -> None:
        """``prefix`` is put before every name as it is: ``models/``, ``team-a/models/v2-``."""
        self.prefix = prefix
        self.folder = prefix.rpartition("/")[0]
        """What a listing can be asked for: whole segments."""

    def manifest(self, name: str, version: str) -> str:
        """The key of a version's manifest."""
        return f"{self.prefix}{name}/{version}/{MANIFEST}"

    def file(self, name: str, version: str, sha256: str, path: str) -> str:
        """The key of a file. Raises ``Invalid`` if it has no room for the path."""
        key = f"{self.prefix}{name}/{version}/{sha256}/{path}"
        if len(key.encode()) > MAX_KEY_BYTES:
            raise Invalid(f"the path {shown(path)} is too long: its key would have more than "
                          f"{MAX_KEY_BYTES:,} bytes")  # fmt: skip
        return key

    def latest(self, name: str) -> str:
        """The key of the pointer."""
        return f"{self.prefix}{name}/{LATEST}"

    def bare(self, name: str) -> str:
        """The key of a bare object."""
        return f"{self.prefix}{name}{BARE}"

    def model(self, name: str) -> str:
        """What everything of a model but a bare object lies under."""
        return f"{self.prefix}{name}"

    def place(self, key: str) -> Place | None:
        """What the key stands for; None if it is none of ours."""
        if not key.startswith(self.prefix):
            return None
        segments = key[len(self.prefix) :].split("/")
        digest = next((i for i, each in enumerate(segments) if is_sha256(each)), None)
        if digest is not None:
            found = (segments[: digest - 1], segments[digest - 1 : digest], "file")
        elif segments[-1] == MANIFEST:
            found = (segments[:-2], segments[-2:-1], "manifest")
        elif segments[-1] == LATEST:
            found = (segments[:-1], [], "latest")
        elif segments[-1].endswith(BARE):
            found = ([*segments[:-1], segments[-1].removesuffix(BARE)], [], "bare")
        else:
            return None
        parts, version, kind = found
        try:
            name = check_model("/".join(parts))
            if kind in {"manifest", "file"}:
                return Place(name, check_version(version[0] if version else ""), kind)
        except Invalid:
            return None
        return Place(name, None, kind)
