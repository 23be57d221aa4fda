"""``ModelStore``: versions of models that never change, kept in a store, used from this disk.

::

    async with skykeep.open() as cloud, skykeep.ModelStore.of(cloud) as models:
        await models.push("toxicity", "1.4.0", "toxicity.onnx")
        session = InferenceSession(await models.pull("toxicity"))
"""

from __future__ import annotations

import hashlib
import os
import weakref
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from skykeep.errors import Corrupt, Invalid, SkykeepError
from skykeep.models.cache.directory import read
from skykeep.models.cache.locks import Lock
from skykeep.models.cache.room import Freed
from skykeep.models.cache.threads import done
from skykeep.models.checking import Checking, Verified
from skykeep.models.layout import Layout, check_model, check_version, is_sha256
from skykeep.models.making import Cache
from skykeep.models.pointer import Pointer
from skykeep.models.pulling import BARE, LATEST, Model, Pulling
from skykeep.models.pushing import Progress, Pushed, Pushing
from skykeep.models.reading import ModelInfo, Reading, VersionInfo
from skykeep.models.removing import Removed, Removing

if TYPE_CHECKING:
    from skykeep.cloud import Cloud
    from skykeep.interfaces.objects import Objects

MAX_BYTES = 20 * 1024**3
"""What a cache keeps unless it is told otherwise: ``ModelCacheSettings.max_bytes``."""


class ModelStore:
    """Models in an object store, and on this host's disk.

    A version never changes: it is made by one push, and is a manifest that names each file by
    its SHA-256. What does not match is never handed out. Every method may raise what reading
    and writing objects raises; ``Denied`` and ``Quota`` if the disk is not as it has to be.
    """

    def __init__(
        self,
        objects: Objects,
        *,
        prefix: str = "models/",
        cache: str | os.PathLike[str] | None = None,
        max_bytes: int = MAX_BYTES,
        identity: str = "",
    ) -> None:
        """Nothing is asked and nothing is touched yet.

        Args:
            objects: where the models are.
            prefix: put before every key as it is.
            cache: the directory of the cache; by default ``models`` in the user's cache
                directory. It belongs to one user and may be shared by processes and stores.
            max_bytes: what is kept there; the least recently used goes first.
            identity: what tells this store from others that share the cache. Without it
                nothing is remembered of the store: each pull asks it, and none succeeds
                without it. :meth:`of` knows it.
        """
        if max_bytes < 1:
            raise Invalid("max_bytes is at least 1")
        self._cache = Cache(_directory(cache), max_bytes, identity)
        layout = Layout(prefix)
        self._pointer = Pointer(objects, layout)
        self._reading = Reading(objects, layout, self._pointer)
        self._pushing = Pushing(objects, layout, self._reading, self._pointer)
        self._removing = Removing(objects, layout, self._reading, self._pointer)
        self._pulling = Pulling(objects, layout, self._reading, self._cache)
        self._checking = Checking(objects, layout, self._reading, self._cache)
        self._held: dict[str, Lock] = {}
        self._finalizer = weakref.finalize(self, _release, self._held)

    @classmethod
    def of(cls, cloud: Cloud) -> ModelStore:
        """The models of an environment, as ``object_storage`` describes them."""
        environment = cloud.environment
        settings = environment.object_storage
        directory = settings.model_cache.directory
        if directory is None:
            from skykeep.settings.places import cache_dir

            directory = str(cache_dir(cloud._environ) / "models")
        return cls(
            cloud.objects,
            prefix=settings.models_prefix,
            cache=directory,
            max_bytes=settings.model_cache.max_bytes,
            identity=_identity(cloud),
        )

    # -- to the disk

    async def fetch(
        self,
        name: str,
        version: str | None = None,
        *,
        sha256: str | None = None,
        fresh: bool = False,
        progress: Progress | None = None,
    ) -> Model:
        """The version on this host's disk, downloaded if it is not there, verified.

        It is not removed from the cache until this store is closed or the process ends.

        Args:
            name: the model.
            version: None is the latest, or the bare object ``NAME.onnx`` if it has no version.
            sha256: the digest that its manifest (of a bare object: the object) must have.
            fresh: ask the store also for a version that is remembered.
            progress: told the bytes that are here, and how many it will be.

        Raises ``NotFound``; ``Corrupt`` for what is not what its manifest, the pointer or
        ``sha256`` says; ``Quota`` if the disk or ``max_bytes`` is too small. If the store is
        ``Unavailable`` or ``Throttled``, what it last answered is handed out if it is here,
        and marked ``stale``.
        """
        model, lock = await self._pull(name, version, sha256, progress, fresh=fresh)
        known = self._held.setdefault(str(model.path), lock)
        if known is not lock:
            lock.release()
        return model

    async def pull(
        self,
        name: str,
        version: str | None = None,
        *,
        sha256: str | None = None,
        fresh: bool = False,
        progress: Progress | None = None,
    ) -> Path:
        """As :meth:`fetch`; the path only: of the one file, or of the directory."""
        model = await self.fetch(name, version, sha256=sha256, fresh=fresh, progress=progress)
        return model.path

    @asynccontextmanager
    async def open(
        self,
        name: str,
        version: str | None = None,
        *,
        sha256: str | None = None,
        fresh: bool = False,
        progress: Progress | None = None,
    ) -> AsyncIterator[Model]:
        """As :meth:`fetch`, for ``async with``: at its end the cache may remove it again."""
        model, lock = await self._pull(name, version, sha256, progress, fresh=fresh)
        try:
            yield model
        finally:
            lock.release()

    async def load(
        self, name: str, version: str | None = None, *, sha256: str | None = None
    ) -> bytes:
        """The bytes of a model that is one file. Raises as :meth:`fetch`, ``Invalid``."""
        async with self.open(name, version, sha256=sha256) as model:
            path, size = model.path, model.size
            data = await done(lambda: read(path, size + 1) if path.is_file() else None)
        if data is None:
            raise Invalid(
                f"the model '{name}' is a directory", hint="use pull()", resource=name
            )
        if len(data) != size:
            raise Corrupt(f"'{path}' was changed while it was read", resource=name)
        return data

    async def _pull(
        self,
        name: str,
        version: str | None,
        sha256: str | None,
        progress: Progress | None,
        *,
        fresh: bool,
    ) -> tuple[Model, Lock]:
        check_model(name)
        if version is not None:
            check_version(version)
        if sha256 is not None and not is_sha256(sha256):
            raise Invalid("sha256 is 64 lower-case hexadecimal digits")
        try:
            return await self._pulling.pull(
                name, version, sha256=sha256, fresh=fresh, progress=progress
            )
        except SkykeepError as error:
            raise error.located(operation="models.pull", resource=name) from None

    # -- in the store

    async def push(
        self,
        name: str,
        version: str,
        path: str | os.PathLike[str],
        *,
        metadata: Mapping[str, str] | None = None,
        latest: bool = True,
        progress: Progress | None = None,
    ) -> Pushed:
        """Keep a file or a directory as a version, which never changes from then on.

        Nobody sees the version until all of it is there. A push that broke off goes on with
        the files that are there. The same content again makes nothing.

        Args:
            name: segments of letters, digits, ``.``, ``_``, ``-``, joined by ``/``.
            version: one such segment, of at most 128 characters; ``+`` too.
            path: the file, or the directory with all that is in it; at most 10,000 files.
            metadata: whatever is to be said of it; 64 KiB at most.
            latest: make it the latest version, unless a newer one is.
            progress: told the bytes that the store has, and how many it will be.

        Raises ``Conflict`` if the version is there with other content, ``Invalid`` for what
        cannot be sent or changes meanwhile.
        """
        pushed = await self._pushing.push(
            check_model(name),
            check_version(version),
            Path(path),
            metadata=metadata or {},
            latest=latest,
            progress=progress,
        )
        await self._forget(name, f"={version}")
        return pushed

    async def promote(
        self, name: str, version: str, *, expects: str | None = None
    ) -> str | None:
        """Make a version the latest, an older one too; the version that it was.

        Raises ``NotFound``; ``Conflict`` if another than ``expects`` is the latest.
        """
        found = await self._reading.manifest(check_model(name), check_version(version))
        return await self._pointer.move(found.manifest, found.digest, expects)

    async def list(self) -> Sequence[ModelInfo]:
        """The models, by name. Costs a listing of all that is under the prefix."""
        return await self._reading.models()

    async def versions(self, name: str) -> Sequence[VersionInfo]:
        """A model's versions, the newest first. Raises ``NotFound``, ``Corrupt``."""
        return await self._reading.versions(check_model(name))

    async def verify(
        self,
        name: str,
        version: str | None = None,
        *,
        deep: bool = False,
        progress: Progress | None = None,
    ) -> Verified:
        """Look whether a version is what its manifest says, in the store and on this host.

        Args:
            name: the model.
            version: None is the latest.
            deep: read all of it from the store; else sizes are compared, and the hashes of a
                store that tells them. What is on this host is always read.
            progress: told the bytes that were read, if ``deep``.

        Raises ``Corrupt`` with the files that are not; ``NotFound``.
        """
        if version is not None:
            check_version(version)
        return await self._checking.verify(
            check_model(name), version, deep=deep, progress=progress
        )

    async def remove(self, name: str, version: str | None = None) -> Removed:
        """Remove a version, or (None) all of the model, from the store.

        Hosts that have it keep it until they need the room. Do not push the same version at
        the same time. Raises ``NotFound``; ``Conflict`` for the latest version.
        """
        check_model(name)
        if version is None:
            removed = await self._removing.model(name)
            asked = [LATEST, BARE, *(f"={each}" for each in removed.versions)]
        else:
            removed = await self._removing.version(name, check_version(version))
            asked = [f"={version}"]
        await self._forget(name, *asked)
        return removed

    async def _forget(self, name: str, *asked: str) -> None:
        """What is remembered here of what has just been changed there."""

        def forget() -> None:
            if self._cache.directory.root.is_dir():
                self._cache.directory.open()
                for each in asked:
                    self._cache.names.drop(name, each)

        await done(forget)

    # -- the cache

    async def gc(self, *, everything: bool = False) -> Freed:
        """Remove from the cache what killed processes have left, then what was not used for
        the longest time until ``max_bytes`` are kept; with ``everything`` all that is not in
        use."""
        cache = self._cache

        def collect() -> Freed:
            cache.directory.open()
            before = cache.room.used()
            cache.room.sweep()
            freed = cache.room.make(0 if everything else cache.most)
            return Freed(freed.models, freed.parts, max(0, before - freed.left), freed.left)

        return await done(collect)

    async def gc_store(self, *, older_than: timedelta = timedelta(days=1)) -> int:
        """Remove from the store what pushes that were killed have left, if it is older; how
        many objects and uploads in parts."""
        return await self._removing.left_behind(older_than)

    def release(self) -> None:
        """Let go of what :meth:`fetch` and :meth:`pull` have handed out: the cache may
        remove it from now on."""
        _release(self._held)

    async def close(self) -> None:
        """As :meth:`release`. The cloud stays open."""
        self.release()

    async def __aenter__(self) -> ModelStore:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()


def _release(held: dict[str, Lock]) -> None:
    while held:
        held.popitem()[1].release()


def _directory(given: str | os.PathLike[str] | None) -> Path:
    if given is None:
        from skykeep.settings.places import cache_dir

        return cache_dir() / "models"
    try:
        return Path(given).expanduser()
    except RuntimeError:
        raise Invalid(f"there is no home directory for {os.fspath(given)!r}") from None


def _identity(cloud: Cloud) -> str:
    """A digest of all that says which store it is: target, scope, prefix, and where the
    files of an embedded one are."""
    import msgspec

    from skykeep.settings.places import data_dir

    environment = cloud.environment
    target = environment.objects or environment.primary
    told = [
        msgspec.json.encode(msgspec.structs.replace(target, name=None), enc_hook=str).decode(),
        environment.scope,
        environment.object_storage.models_prefix,
        str(data_dir(cloud._environ)),
    ]
    return hashlib.sha256("\0".join(told).encode()).hexdigest()
