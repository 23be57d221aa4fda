"""A tree in the cache, made of what is here already and of what the store has."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from skykeep.errors import Quota
from skykeep.interfaces.names import shown
from skykeep.interfaces.side_by_side import side_by_side
from skykeep.models.cache.blobs import Blobs, Wanted
from skykeep.models.cache.directory import Directory
from skykeep.models.cache.errors import disk
from skykeep.models.cache.locks import Lock, waited
from skykeep.models.cache.names import Names
from skykeep.models.cache.room import Room
from skykeep.models.cache.threads import done
from skykeep.models.cache.trees import Trees
from skykeep.models.manifest import ModelFile
from skykeep.models.pushing import Progress
from skykeep.models.reading import Described

if TYPE_CHECKING:
    from skykeep.interfaces.objects import Objects

logger = logging.getLogger("skykeep.models")

SMALL: Final = 8 * 1024 * 1024
SMALL_AT_ONCE: Final = 8
"""Files of at most ``SMALL`` bytes side by side; a larger one is fetched alone, in ranges of
which a few are under way."""

ToWanted = Callable[[ModelFile], Wanted]


class Cache:
    """The parts of one cache, for one store."""

    def __init__(self, root: Path, most: int, store: str) -> None:
        """Touches nothing yet."""
        self.directory = Directory(root)
        self.most = most
        self.store = store
        self.blobs = Blobs(self.directory)
        self.trees = Trees(self.directory, self.blobs)
        self.names = Names(self.directory, store)
        self.room = Room(self.directory, self.trees)


class Counter:
    """Adds up what several downloads tell."""

    def __init__(self, size: int, progress: Progress | None) -> None:
        self.downloaded = 0
        self._done = 0
        self._size = size
        self._progress = progress

    def here(self, size: int) -> None:
        """So much need not be downloaded."""
        self._done += size
        self._tell()

    def advance(self, size: int) -> None:
        """So much more is here."""
        self.downloaded += size
        self.here(size)

    def _tell(self) -> None:
        if self._progress is not None:
            self._progress(self._done, self._size)


class Making:
    """Makes and mends trees."""

    def __init__(self, objects: Objects, cache: Cache) -> None:
        self._objects = objects
        self._cache = cache

    async def make(
        self, found: Described, wanted: ToWanted, progress: Progress | None
    ) -> tuple[int, Lock]:
        """Let the tree be here and whole: the bytes that were downloaded, and its lock.

        One process does it, the others wait. Raises ``Quota``, ``Corrupt``, ``Denied``, and
        what reading objects raises.
        """
        trees, files = self._cache.trees, found.manifest.files
        parts = [wanted(file) for file in files]
        with disk():
            # Who makes room leaves alone what is used, and this is from now on.
            using = await waited(trees.using(found.digest), lambda: 0, shared=True)
            try:
                building = await waited(
                    trees.building(found.digest), lambda: self._present(parts)
                )
                try:
                    downloaded = 0
                    if not await done(lambda: self._whole(found)):
                        downloaded = await self._build(found, wanted, progress)
                finally:
                    building.remove()
                    building.release()
                using.touch()
            except BaseException:
                using.release()
                raise
        return downloaded, using

    def _whole(self, found: Described) -> bool:
        trees, name, version = self._cache.trees, found.manifest.name, found.manifest.version
        try:
            manifest = trees.manifest(found.digest, name, version)
            return manifest is not None and not trees.wrong(manifest, found.digest)
        except (FileNotFoundError, NotADirectoryError):
            return False

    def _present(self, parts: Sequence[Wanted]) -> int:
        blobs = self._cache.blobs
        return sum(blobs.present(part.part, part.sha256, part.size) for part in parts)

    async def _build(
        self, found: Described, wanted: ToWanted, progress: Progress | None
    ) -> int:
        trees, manifest = self._cache.trees, found.manifest
        counter = Counter(manifest.size, progress)
        await self.check_room(manifest.name, manifest.size)
        draft = await done(lambda: trees.draft(manifest, found.digest))

        def lacking() -> list[ModelFile]:
            missing = []
            for file in manifest.files:
                if trees.reused(file, found.digest, draft / "files" / file.path):
                    counter.here(file.size)
                else:
                    missing.append(file)
            return missing

        missing = await done(lacking)
        parts = [wanted(file) for file in missing]
        await self.make_room(sum(file.size for file in missing) - self._present(parts))

        async def fetch(file: ModelFile) -> None:
            target = draft / "files" / file.path
            part = wanted(file)
            await self._cache.blobs.fetch(self._objects, part, target, counter.advance)

        await side_by_side(fetch, (f for f in missing if f.size <= SMALL), SMALL_AT_ONCE)
        await side_by_side(fetch, (f for f in missing if f.size > SMALL), 1)

        def finish() -> None:
            trees.finish(found.body, manifest, found.digest)
            for file in manifest.files:
                self._cache.blobs.drop_part(file.sha256)

        await done(finish)
        return counter.downloaded

    async def check_room(self, name: str, size: int) -> None:
        """Raise ``Quota`` for a model that the cache would never hold."""
        if size > self._cache.most:
            raise Quota(
                f"the model {shown(name)} has {size:,} bytes; the cache keeps "
                f"{self._cache.most:,} in all",
                hint="raise object_storage.model_cache.max_bytes",
                resource=name,
            )

    async def make_room(self, needed: int) -> None:
        """Let so many bytes fit, as far as what is in use allows it."""
        cache = self._cache
        freed = await done(lambda: cache.room.make(max(0, cache.most - needed)))
        if freed.left + needed > cache.most:
            logger.warning(
                "the cache of models has %d bytes that are in use and needs %d more; it may "
                "have %d",
                freed.left,
                needed,
                cache.most,
            )
