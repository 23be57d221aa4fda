"""Which manifest a version of a store's model had when it was last asked for.

A version never changes, so what is remembered of it answers without asking the store. What
was the latest version is remembered for when the store cannot be asked.
"""

from __future__ import annotations

import hashlib
from typing import Final

import msgspec

from skykeep.models.cache import records
from skykeep.models.cache.directory import Directory

_KIND: Final = b"name"


class Remembered(msgspec.Struct, frozen=True):
    """A name and what it stood for.

    Attributes:
        store, name, asked: of which store, model and version; ``asked`` is ``latest``,
            ``bare``, or ``=`` and the version.
        version: what it stood for.
        digest: of that version's manifest.
        etag: of a bare object; else ``""``.
    """

    store: str
    name: str
    asked: str
    version: str
    digest: str
    etag: str = ""


class Names:
    """What is remembered of one store."""

    def __init__(self, directory: Directory, store: str) -> None:
        """``store`` tells this store from all others; with ``""`` nothing is remembered."""
        self._directory = directory
        self._store = store

    def get(self, name: str, asked: str) -> Remembered | None:
        """What is remembered, if anything."""
        if not self._store:
            return None
        path = self._directory / "names" / self._file(name, asked)
        found = records.parsed(self._directory, path, _KIND, Remembered)
        if found is None or (found.store, found.name, found.asked) != (
            self._store,
            name,
            asked,
        ):
            return None
        return found

    def put(self, name: str, asked: str, version: str, digest: str, *, etag: str = "") -> None:
        """Remember it; the disk is written to only if it is new."""
        value = Remembered(self._store, name, asked, version, digest, etag)
        if self._store and self.get(name, asked) != value:
            path = self._directory / "names" / self._file(name, asked)
            records.write(self._directory, path, _KIND, value)

    def drop(self, name: str, asked: str) -> None:
        """Forget it."""
        if self._store:
            (self._directory / "names" / self._file(name, asked)).unlink(missing_ok=True)

    def _file(self, name: str, asked: str) -> str:
        return hashlib.sha256(f"{self._store}\0{name}\0{asked}".encode()).hexdigest()
