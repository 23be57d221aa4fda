"""Models over an in-memory store, with a cache of their own on the disk."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from skykeep.interfaces.object_driver import NO_ATTRIBUTES
from skykeep.interfaces.objects import Objects
from skykeep.models.store import MAX_BYTES, ModelStore
from skykeep.providers.memory.objects import MemoryObjects
from tests.interfaces.object_sinks import objects_over

MIB = 1024 * 1024
LARGE = 20 * MIB + 7
"""Bytes that take three ranges."""


class Rig:
    """A store of objects, a directory for files, and as many ``ModelStore`` as are asked for.

    Attributes:
        driver: the store: faults are planted in it, calls are counted.
        objects: what applications would have of it.
        root: of the cache.
    """

    def __init__(self, home: Path) -> None:
        self.home = home
        self.root = home / "cache"
        self.driver = MemoryObjects()
        self.objects = self.over(self.driver)

    @staticmethod
    def over(driver: MemoryObjects) -> Objects:
        return objects_over(driver)[0]

    def models(
        self,
        *,
        prefix: str = "models/",
        identity: str = "store-1",
        max_bytes: int = MAX_BYTES,
        objects: Objects | None = None,
    ) -> ModelStore:
        """A ``ModelStore`` as another process would have."""
        return ModelStore(
            objects or self.objects,
            prefix=prefix,
            cache=self.root,
            max_bytes=max_bytes,
            identity=identity,
        )

    def file(self, name: str, data: bytes) -> Path:
        path = self.home / "files" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path

    def stored(self) -> list[str]:
        """The keys in the store."""
        return sorted(self.driver.store.kept)

    def change(self, ending: str, to: Callable[[bytes], bytes]) -> str:
        """Change the only object whose key ends so, behind everybody's back; its key."""
        (key,) = [key for key in self.stored() if key.endswith(ending)]
        kept = self.driver.store.kept[key]
        self.driver._keep(key, to(kept.data), NO_ATTRIBUTES)
        return key

    def room(self, name: str) -> list[str]:
        """What is in a room of the cache."""
        return sorted(path.name for path in (self.root / name).glob("*"))


def flipped(data: bytes) -> bytes:
    """With one bit changed in the middle."""
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]


def damage(path: Path) -> None:
    """Flip a bit of a file in its place, and give it its old time again."""
    before = path.stat()
    data = flipped(path.read_bytes())
    path.chmod(0o600)
    with path.open("r+b") as file:
        file.write(data)
    path.chmod(before.st_mode & 0o777)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_mtime_ns == before.st_mtime_ns
