"""What a store has: manifests, versions, models. Nothing here touches the disk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from skykeep.errors import Corrupt, NotFound
from skykeep.interfaces.names import shown
from skykeep.interfaces.side_by_side import side_by_side
from skykeep.models.layout import Layout
from skykeep.models.manifest import MAX_MANIFEST_BYTES, Manifest, digest, parse
from skykeep.models.pointer import Pointer

if TYPE_CHECKING:
    from skykeep.interfaces.objects import Objects

AT_ONCE: Final = 16
"""Small objects that are read side by side."""


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """A model in a store.

    Attributes:
        name: the model.
        latest: the version that is pulled if none is named; None if there is none.
        versions: how many have a manifest.
        bare: whether there is an object ``NAME.onnx`` without a manifest.
    """

    name: str
    latest: str | None
    versions: int
    bare: bool


@dataclass(frozen=True, slots=True)
class VersionInfo:
    """A version of a model.

    Attributes:
        manifest: what it is.
        digest: the SHA-256 of its manifest, by which it can be pinned.
        latest: whether it is what is pulled if none is named.
    """

    manifest: Manifest
    digest: str
    latest: bool


@dataclass(frozen=True, slots=True)
class Described:
    """A manifest as a store has it.

    Attributes:
        manifest: what it says.
        body: its bytes.
        digest: their SHA-256.
    """

    manifest: Manifest
    body: bytes
    digest: str


class Reading:
    """The models under one layout."""

    def __init__(self, objects: Objects, layout: Layout, pointer: Pointer) -> None:
        self._objects = objects
        self._layout = layout
        self._pointer = pointer

    async def manifest(self, name: str, version: str) -> Described:
        """What a version is. Raises ``NotFound``, ``Corrupt``, ``Unsupported``."""
        key = self._layout.manifest(name, version)
        try:
            answer = await self._objects.get(key, length=MAX_MANIFEST_BYTES + 1)
        except NotFound:
            raise NotFound(
                f"there is no version {shown(version)} of the model {shown(name)}",
                hint=f"see: skykeep models list {name}",
                operation="models.read",
                resource=name,
            ) from None
        manifest = parse(answer.data, name, version)
        return Described(manifest, answer.data, digest(answer.data))

    async def latest(self, name: str) -> tuple[str, str]:
        """The latest version and the digest of its manifest. Raises ``NotFound``."""
        found = await self._pointer.read(name)
        if found is not None:
            return found.latest.version, found.latest.manifest
        versions = await self.version_names(name)
        if versions:
            raise NotFound(
                f"no version of the model {shown(name)} is the latest",
                hint=f"name one of its {len(versions)}, or say which: skykeep models promote",
                resource=name,
            )
        raise no_model(name)

    async def names(
        self, name: str | None = None
    ) -> tuple[dict[str, set[str]], set[str], set[str]]:
        """Models and their versions, the models with a pointer, the bare ones."""
        versions: dict[str, set[str]] = {}
        pointed: set[str] = set()
        bare: set[str] = set()
        folder = self._layout.folder if name is None else self._layout.model(name)
        async for info in self._objects.list(folder):
            place = self._layout.place(info.key)
            if place is None or (name is not None and place.name != name):
                continue
            if place.kind == "manifest" and place.version is not None:
                versions.setdefault(place.name, set()).add(place.version)
            elif place.kind == "latest":
                pointed.add(place.name)
            elif place.kind == "bare":
                bare.add(place.name)
        return versions, pointed, bare

    async def version_names(self, name: str) -> list[str]:
        """The versions that have a manifest."""
        versions, _, _ = await self.names(name)
        return sorted(versions.get(name, ()))

    async def models(self) -> Sequence[ModelInfo]:
        """All of them, by name."""
        versions, pointed, bare = await self.names()

        async def described(name: str) -> ModelInfo:
            found = await self._pointer.read(name) if name in pointed else None
            latest = None if found is None else found.latest.version
            return ModelInfo(name, latest, len(versions.get(name, ())), name in bare)

        return await side_by_side(described, sorted(versions.keys() | bare), AT_ONCE)

    async def versions(self, name: str) -> Sequence[VersionInfo]:
        """A model's versions, the newest first. Raises ``NotFound`` if there is none."""

        async def described(version: str) -> Described:
            return await self.manifest(name, version)

        known = await self.version_names(name)
        if not known:
            raise no_model(name)
        found = await side_by_side(described, known, AT_ONCE)
        pointer = await self._pointer.read(name)
        latest = None if pointer is None else pointer.latest.version

        def age(one: Described) -> tuple[datetime, str]:
            return one.manifest.created, one.manifest.version

        return [
            VersionInfo(one.manifest, one.digest, one.manifest.version == latest)
            for one in sorted(found, key=age, reverse=True)
        ]


def no_model(name: str) -> NotFound:
    """The error for a model that has no version and no bare object."""
    return NotFound(
        f"there is no model {shown(name)}",
        hint="see: skykeep models list",
        operation="models.read",
        resource=name,
    )


def not_as_pinned(name: str, version: str, found: str, pinned: str) -> Corrupt:
    """The error for a digest that the caller has not asked for."""
    return Corrupt(
        f"{shown(name)} {version} is not what was pinned: its digest is {found}, not {pinned}",
        hint="it was removed and pushed again, or tampered with",
        resource=name,
    )
