"""Whether a version is what its manifest says: in the store, and on this host."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from skykeep.errors import Corrupt, NotFound
from skykeep.interfaces.names import shown
from skykeep.interfaces.side_by_side import side_by_side
from skykeep.models.cache.locks import tried
from skykeep.models.cache.threads import done
from skykeep.models.layout import Layout
from skykeep.models.making import Cache, Counter
from skykeep.models.manifest import Manifest, ModelFile
from skykeep.models.pushing import AT_ONCE, Progress
from skykeep.models.reading import Described, Reading

if TYPE_CHECKING:
    from skykeep.interfaces.objects import Objects


@dataclass(frozen=True, slots=True)
class Verified:
    """A version that is what its manifest says.

    Attributes:
        manifest: what it says.
        digest: the manifest's SHA-256.
        read: bytes that were read from the store; 0 if only sizes were compared, and the
            hashes of stores that tell them.
        cached: whether it is on this host, too; then all of it was read there.
    """

    manifest: Manifest
    digest: str
    read: int
    cached: bool


class Checking:
    """Verifies the versions under one layout."""

    def __init__(
        self, objects: Objects, layout: Layout, reading: Reading, cache: Cache
    ) -> None:
        self._objects = objects
        self._layout = layout
        self._reading = reading
        self._cache = cache

    async def verify(
        self, name: str, version: str | None, *, deep: bool, progress: Progress | None
    ) -> Verified:
        """See ``ModelStore.verify``."""
        pointed = None
        if version is None:
            version, pointed = await self._reading.latest(name)
        found = await self._reading.manifest(name, version)
        wrong: list[str] = []
        if pointed not in {None, found.digest}:
            wrong.append("the manifest is not the one that was made the latest")
        counter = Counter(found.manifest.size, progress)

        async def check(file: ModelFile) -> None:
            reason = await self._in_store(found.manifest, file, counter, deep=deep)
            if reason:
                wrong.append(f"{shown(file.path)} {reason}")

        await side_by_side(check, found.manifest.files, AT_ONCE)
        cached = await self._on_disk(found, wrong)
        if wrong:
            raise Corrupt(
                f"{shown(name)} {version} is not what its manifest says: {_listed(wrong)}",
                operation="models.verify",
                resource=name,
            )
        return Verified(found.manifest, found.digest, counter.downloaded, cached)

    async def _in_store(
        self, manifest: Manifest, file: ModelFile, counter: Counter, *, deep: bool
    ) -> str:
        key = self._layout.file(manifest.name, manifest.version, file.sha256, file.path)
        try:
            if not deep:
                info = await self._objects.head(key)
                told = info.checksums.get("sha256", file.sha256)
                right = info.size == file.size and told == file.sha256
            else:
                sha256 = hashlib.sha256()
                async with self._objects.stream(key) as body:
                    async for chunk in body:
                        sha256.update(chunk)
                        counter.advance(len(chunk))
                right = sha256.hexdigest() == file.sha256
        except NotFound:
            return "is not in the store"
        return "" if right else "is another one in the store"

    async def _on_disk(self, found: Described, wrong: list[str]) -> bool:
        """Read all of it on this host. A tree that is damaged is taken away, so that it is
        downloaded again, unless somebody uses it: then the next pull mends it."""
        cache, digest = self._cache, found.digest

        def read() -> list[str] | None:
            cache.directory.open()
            using = tried(cache.trees.using(digest), shared=True)
            if using is None:
                return None
            try:
                return cache.trees.wrong(found.manifest, digest, read_all=True)
            except (FileNotFoundError, NotADirectoryError):
                return None
            finally:
                using.release()

        def remove() -> None:
            lock = tried(cache.trees.using(digest))
            if lock is not None:
                cache.trees.remove(digest, lock)
                lock.release()
            else:
                cache.trees.distrust(digest)

        damaged = await done(read)
        if damaged:
            wrong += [f"{shown(path)} is damaged in the cache" for path in damaged]
            await done(remove)
        return damaged is not None


def _listed(wrong: Sequence[str]) -> str:
    more = f", and {len(wrong) - 5:,} more" if len(wrong) > 5 else ""
    return ", ".join(sorted(wrong)[:5]) + more
