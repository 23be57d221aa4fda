"""Versions taken away: first what makes them visible, then their files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from skykeep.errors import Conflict, NotFound, SkykeepError
from skykeep.interfaces.names import shown
from skykeep.models.layout import Layout
from skykeep.models.pointer import Pointer
from skykeep.models.reading import Reading, no_model

if TYPE_CHECKING:
    from skykeep.interfaces.objects import Objects


@dataclass(frozen=True, slots=True)
class Removed:
    """What was removed from a store.

    Attributes:
        name: the model.
        versions: its versions that are gone.
        objects: how many objects that were.
    """

    name: str
    versions: tuple[str, ...]
    objects: int


class Removing:
    """Removes from the models under one layout."""

    def __init__(
        self, objects: Objects, layout: Layout, reading: Reading, pointer: Pointer
    ) -> None:
        self._objects = objects
        self._layout = layout
        self._reading = reading
        self._pointer = pointer

    async def version(self, name: str, version: str) -> Removed:
        """Remove one. Raises ``NotFound``; ``Conflict`` for the latest one."""
        found = await self._pointer.read(name)
        if found is not None and found.latest.version == version:
            raise Conflict(
                f"{shown(version)} is the latest version of {shown(name)}",
                hint=f"make another one that: skykeep models promote {name} VERSION",
                operation="models.remove",
                resource=name,
            )
        keys = [key for key, of in await self._keys(name) if of == version]
        manifest = self._layout.manifest(name, version)
        if manifest not in keys:
            # What a push has left behind is for ``gc``: it may be going on.
            raise NotFound(
                f"there is no version {shown(version)} of the model {shown(name)}",
                hint=f"see: skykeep models list {name}",
                resource=name,
            )
        await self._objects.delete(manifest)
        keys.remove(manifest)
        await self._delete(keys)
        return Removed(name, (version,), len(keys) + 1)

    async def model(self, name: str) -> Removed:
        """Remove all of its versions, and a bare object. Raises ``NotFound``."""
        keys = await self._keys(name)
        bare = self._layout.bare(name)
        if await self._objects.exists(bare):
            keys.append((bare, None))
        if not keys:
            raise no_model(name)
        versions = {
            str(version) for key, version in keys
            if version and key == self._layout.manifest(name, version)
        }  # fmt: skip
        first = [self._layout.latest(name), *(self._layout.manifest(name, v) for v in versions)]
        for key in first:
            await self._objects.delete(key)
        await self._delete([key for key, _ in keys if key not in first])
        return Removed(name, tuple(sorted(versions)), len(keys))

    async def left_behind(self, older_than: timedelta) -> int:
        """Remove what pushes that were killed have left; how many objects and uploads.

        Files of a version without a manifest, none of which is younger than ``older_than``, and
        uploads in parts that are older.
        """
        before = datetime.now(UTC) - older_than
        whole: set[tuple[str, str]] = set()
        files: dict[tuple[str, str], list[tuple[str, datetime]]] = {}
        async for info in self._objects.list(self._layout.folder):
            place = self._layout.place(info.key)
            if place is None or place.version is None:
                continue
            version = (place.name, place.version)
            if place.kind == "manifest":
                whole.add(version)
            else:
                files.setdefault(version, []).append((info.key, info.modified_at))
        keys = [
            key
            for version, found in files.items()
            if version not in whole and all(at <= before for _, at in found)
            for key, _ in found
        ]
        await self._delete(keys)
        can = await self._objects.capabilities()
        uploads = 0
        if can.parts:
            uploads = await self._objects.collect(self._layout.folder, older_than=older_than)
        return len(keys) + uploads

    async def _keys(self, name: str) -> list[tuple[str, str | None]]:
        """The model's keys with their versions; not those of a model whose name goes on."""
        found: list[tuple[str, str | None]] = []
        async for info in self._objects.list(self._layout.model(name)):
            place = self._layout.place(info.key)
            if place is not None and place.name == name:
                found.append((info.key, place.version))
        return found

    async def _delete(self, keys: Sequence[str]) -> None:
        errors: dict[str, SkykeepError] = dict(await self._objects.delete_many(keys))
        for error in errors.values():
            raise error
