"""A store that breaks where a test says, and an empty directory to be in."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from skykeep.apps.cli.console import Console
from skykeep.apps.cli.transfers.bar import Bar
from skykeep.apps.cli.transfers.downloading import download
from skykeep.apps.cli.transfers.uploading import Kept, upload
from skykeep.errors import Unavailable
from skykeep.interfaces.object_driver import Fragment, ObjectCapabilities, ObjectInfo
from skykeep.interfaces.objects import Objects
from skykeep.interfaces.tasks import Tasks
from skykeep.providers.memory.objects import MemoryObjects
from tests.interfaces.object_sinks import objects_over

MIB = 1024 * 1024
BODY = os.urandom(24 * MIB + 5)
OTHER = os.urandom(len(BODY))


class Store(MemoryObjects):
    """Notes where reads begin; breaks where it is told to; tells no checksum if so told."""

    def __init__(self) -> None:
        super().__init__(capabilities=ObjectCapabilities(presign=False))
        self.starts: list[int] = []
        self.broken_from = len(BODY) * 2
        self.tells = True

    async def read(
        self,
        key: str,
        *,
        start: int = 0,
        length: int | None = None,
        if_match: str | None = None,
    ) -> Fragment:
        self.starts.append(start)
        if start >= self.broken_from:
            raise Unavailable("the line is dead")
        found = await super().read(key, start=start, length=length, if_match=if_match)
        return found if self.tells else Fragment(silent(found.info), start, found.data)


def silent(info: ObjectInfo) -> ObjectInfo:
    return ObjectInfo(info.key, info.size, info.etag, info.modified_at, metadata=info.metadata)


class Room:
    """A store, its objects, and an empty directory to be in."""

    def __init__(self) -> None:
        self.store = Store()
        self.objects: Objects
        self.objects, _, self._tasks = objects_over(self.store)
        self.bar = Bar(Console())

    async def get(self, key: str = "a", path: str = "a", **how: Any) -> ObjectInfo:
        self.store.starts.clear()
        return await download(self.objects, key, Path(path), self.bar, store="s", **how)

    async def put(self, path: str, key: str = "a", **kept: Any) -> ObjectInfo:
        return await upload(self.objects, Path(path), key, Kept(**kept), self.bar)

    async def broken(self, at: int = 16 * MIB) -> None:
        """A transfer that breaks off there."""
        self.store.broken_from = at
        with pytest.raises(Unavailable):
            await self.get()
        self.store.broken_from = len(BODY) * 2

    @property
    def tasks(self) -> Tasks:
        return self._tasks
