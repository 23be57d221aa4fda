"""A version on its way to an application: what is here and verified, else what the store has.

A version that is remembered and verified is handed out without a call. The latest version is
asked for; if the store cannot be reached, what was the latest when it last answered is handed
out and marked stale. An answer of the store (not found, denied) is one: it is not passed over.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from skykeep.errors import NotFound, SkykeepError, Throttled, Unavailable
from skykeep.interfaces.names import shown
from skykeep.models import bare
from skykeep.models.cache.blobs import Wanted
from skykeep.models.cache.errors import CacheFailed, disk
from skykeep.models.cache.locks import Lock, tried, waited
from skykeep.models.cache.names import Remembered
from skykeep.models.cache.threads import done
from skykeep.models.layout import Layout
from skykeep.models.making import Cache, Counter, Making, ToWanted
from skykeep.models.manifest import Manifest, ModelFile
from skykeep.models.pushing import Progress
from skykeep.models.reading import Described, Reading, not_as_pinned

if TYPE_CHECKING:
    from skykeep.interfaces.object_driver import ObjectInfo
    from skykeep.interfaces.objects import Objects

logger = logging.getLogger("skykeep.models")

LATEST, BARE = "latest", "bare"


@dataclass(frozen=True, slots=True)
class Model:
    """A version on this host's disk, verified.

    Attributes:
        name: the model.
        version: the version; of a bare object, one that was made of its etag.
        path: the file that is the model, or the directory.
        digest: the SHA-256 of the manifest, by which the version can be pinned; of a bare
            object, of the object itself.
        created: when it was pushed.
        metadata: what who pushed it said of it.
        size: bytes of all files.
        vouched: ``manifest``, or ``etag``: a bare object, whose hash was taken when it was
            first loaded; nobody else has said it.
        downloaded: bytes that had to be fetched; 0 for a hit.
        stale: the store could not be asked: it may have a newer version.
    """

    name: str
    version: str
    path: Path
    digest: str
    created: datetime
    metadata: Mapping[str, str]
    size: int
    vouched: Literal["manifest", "etag"] = "manifest"
    downloaded: int = 0
    stale: bool = False


Held = tuple[Model, Lock]
"""A version, and the lock by which it stays."""


class Pulling:
    """Pulls from the models under one layout."""

    def __init__(
        self, objects: Objects, layout: Layout, reading: Reading, cache: Cache
    ) -> None:
        self._objects = objects
        self._layout = layout
        self._reading = reading
        self._cache = cache
        self._making = Making(objects, cache)

    async def pull(
        self,
        name: str,
        version: str | None,
        *,
        sha256: str | None,
        fresh: bool,
        progress: Progress | None,
    ) -> Held:
        """See ``ModelStore.fetch``."""
        await done(self._cache.directory.open)
        if version is not None and not fresh:
            held = await self._remembered(name, f"={version}", sha256)
            if held is not None:
                return held
        try:
            if version is None:
                return await self._latest(name, sha256, progress)
            return await self._version(name, version, sha256, progress)
        except (Unavailable, Throttled) as error:
            if isinstance(error, CacheFailed):
                raise
            failure: SkykeepError = error
        for asked in (LATEST, BARE) if version is None else (f"={version}",):
            held = await self._remembered(name, asked, sha256, stale=True)
            if held is not None:
                text = "%s %s is from the cache, and may be stale: %s"
                logger.warning(text, shown(name), held[0].version, failure.message)
                return held
        raise failure

    # -- from the disk

    async def _remembered(
        self, name: str, asked: str, sha256: str | None, *, stale: bool = False
    ) -> Held | None:
        """What the name stood for when the store last said it, if it is all here."""

        def look() -> Held | None:
            known = self._cache.names.get(name, asked)
            return None if known is None else self._ready(known, sha256, stale=stale)

        return await done(look)

    def _ready(
        self, known: Remembered, sha256: str | None, *, stale: bool = False
    ) -> Held | None:
        """The tree, if it is here and verified. Raises ``Corrupt`` for another pin."""
        trees = self._cache.trees
        lock = tried(trees.using(known.digest), shared=True)
        if lock is None:
            return None  # it is being removed
        try:
            manifest = trees.manifest(known.digest, known.name, known.version)
            if manifest is None or trees.wrong(manifest, known.digest):
                return None
            model = self._model(manifest, known.digest, bare=known.asked == BARE, stale=stale)
            if sha256 not in {None, model.digest}:
                raise not_as_pinned(model.name, model.version, model.digest, str(sha256))
            lock.touch()
            held, lock = (model, lock), None
            return held
        except (FileNotFoundError, NotADirectoryError):
            return None
        finally:
            if lock is not None:
                lock.release()

    def _model(
        self,
        manifest: Manifest,
        digest: str,
        *,
        bare: bool = False,
        downloaded: int = 0,
        stale: bool = False,
    ) -> Model:
        return Model(
            manifest.name,
            manifest.version,
            self._cache.trees.path(manifest, digest),
            manifest.files[0].sha256 if bare else digest,
            manifest.created,
            manifest.metadata,
            manifest.size,
            "etag" if bare else "manifest",
            downloaded,
            stale,
        )

    # -- from the store

    async def _latest(self, name: str, sha256: str | None, progress: Progress | None) -> Held:
        try:
            version, digest = await self._reading.latest(name)
        except NotFound:
            info = await bare.found(self._objects, self._layout, name)
            if info is None:
                raise
            return await self._bare(name, info, sha256, progress)
        known = Remembered("", name, LATEST, version, digest)
        held = await done(lambda: self._ready(known, sha256))
        if held is None:
            held = await self._version(name, version, sha256, progress, pointed=digest)
        await done(lambda: self._cache.names.put(name, LATEST, version, digest))
        return held

    async def _version(
        self,
        name: str,
        version: str,
        sha256: str | None,
        progress: Progress | None,
        *,
        pointed: str | None = None,
    ) -> Held:
        found = await self._reading.manifest(name, version)
        for pin in (sha256, pointed):
            if pin not in {None, found.digest}:
                raise not_as_pinned(name, version, found.digest, str(pin))

        def wanted(file: ModelFile) -> Wanted:
            key = self._layout.file(name, version, file.sha256, file.path)
            return Wanted(key, file.sha256, file.size, file.sha256)

        def remember() -> None:
            before = self._cache.names.get(name, f"={version}")
            if before is not None and before.digest != found.digest:
                logger.warning("%s %s is another one than it was", shown(name), version)
            self._cache.names.put(name, f"={version}", version, found.digest)

        held = await self._made(found, wanted, progress)
        await done(remember)
        return held

    async def _bare(
        self, name: str, info: ObjectInfo, sha256: str | None, progress: Progress | None
    ) -> Held:
        """The bare object, by its etag. One process downloads it, the others wait.

        Raises ``Conflict`` if it is replaced meanwhile.
        """
        part = bare.part_of(self._cache.store, info)
        blobs = self._cache.blobs
        with disk():
            lock = await waited(
                self._cache.trees.building(part), lambda: blobs.present(part, None, info.size)
            )
            try:
                return await self._bare_alone(name, info, part, sha256, progress)
            finally:
                lock.remove()
                lock.release()

    async def _bare_alone(
        self,
        name: str,
        info: ObjectInfo,
        part: str,
        sha256: str | None,
        progress: Progress | None,
    ) -> Held:
        names = self._cache.names
        known = await done(lambda: names.get(name, BARE))
        if known is not None and known.etag == info.etag:
            of_etag = known
            held = await done(lambda: self._ready(of_etag, sha256))
            if held is not None:
                return held
        wanted = Wanted(info.key, part, info.size, None, info.etag)
        await self._making.check_room(name, info.size)
        await self._making.make_room(info.size)
        counter = Counter(info.size, progress)
        hashed = await self._cache.blobs.fetch(self._objects, wanted, None, counter.advance)
        found = bare.described(name, info, hashed)
        if sha256 not in {None, hashed}:
            raise not_as_pinned(name, found.manifest.version, hashed, str(sha256))
        if known is not None and known.digest != found.digest:
            logger.warning("the bare object of %s was replaced", shown(name))

        def same(file: ModelFile) -> Wanted:
            return Wanted(info.key, file.sha256, file.size, file.sha256, info.etag)

        held = await self._made(found, same, None, is_bare=True, before=counter.downloaded)
        version, digest = found.manifest.version, found.digest
        await done(lambda: names.put(name, BARE, version, digest, etag=info.etag))
        return held

    async def _made(
        self,
        found: Described,
        wanted: ToWanted,
        progress: Progress | None,
        *,
        is_bare: bool = False,
        before: int = 0,
    ) -> Held:
        downloaded, lock = await self._making.make(found, wanted, progress)
        model = self._model(
            found.manifest, found.digest, bare=is_bare, downloaded=before + downloaded
        )
        return model, lock
