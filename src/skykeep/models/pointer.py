"""Which version of a model is the latest: one small object, changed under compare-and-set."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

import msgspec

from skykeep.errors import Conflict, Corrupt, Invalid, NotFound, Unsupported
from skykeep.interfaces.names import shown
from skykeep.models.layout import Layout, check_version
from skykeep.models.manifest import FORMAT, Manifest, Sha256

if TYPE_CHECKING:
    from skykeep.interfaces.objects import Objects

TRIES: Final = 20
"""How often a pointer is read again that others move at the same time."""
_MAX_BYTES: Final = 4096


class Latest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The pointer's content.

    Attributes:
        format: 1.
        version: the version.
        manifest: the SHA-256 of its manifest.
        newest: when the newest version was made that has ever been the latest: a push that
            ends late, or is repeated, does not take its place.
    """

    format: int
    version: str
    manifest: Sha256
    newest: datetime


@dataclass(frozen=True, slots=True)
class Found:
    """The pointer as it was read.

    Attributes:
        latest: what it says.
        etag: of the object.
    """

    latest: Latest
    etag: str


class Pointer:
    """The pointers of the models under one layout."""

    def __init__(self, objects: Objects, layout: Layout) -> None:
        self._objects = objects
        self._layout = layout

    async def read(self, name: str) -> Found | None:
        """What it says; None if there is none. Raises ``Corrupt``, ``Unsupported``."""
        key = self._layout.latest(name)
        try:
            answer = await self._objects.get(key, length=_MAX_BYTES + 1)
        except NotFound:
            return None
        try:
            latest = msgspec.json.decode(answer.data, type=Latest)
            check_version(latest.version)
        except (msgspec.MsgspecError, UnicodeDecodeError, Invalid):
            raise Corrupt(
                f"{shown(key)} does not say which version is the latest",
                hint="name a version, or say it anew: skykeep models promote",
                resource=name,
            ) from None
        if latest.format > FORMAT:
            raise Unsupported(f"{shown(key)} is of a newer format", hint="upgrade skykeep")
        return Found(latest, answer.info.etag)

    async def advance(
        self, manifest: Manifest, digest: str, before: Found | None, *, made: bool
    ) -> bool:
        """Let it be this version, unless a newer one has become the latest; whether it is.

        Args:
            manifest: of the version.
            digest: of the manifest.
            before: the pointer as it was before the version was made.
            made: whether the version was made just now, and so is newer than ``before``,
                whatever the clocks of others said.
        """
        found, newer = before, made
        for _ in range(TRIES):
            if found is not None:
                if found.latest.manifest == digest:
                    return True
                if not newer and manifest.created <= found.latest.newest:
                    return False
            newest = manifest.created
            if found is not None:
                newest = max(newest, found.latest.newest)
            if await self._write(manifest, digest, newest, found):
                return True
            found, newer = await self.read(manifest.name), False
        raise _busy(manifest.name)

    async def move(self, manifest: Manifest, digest: str, expects: str | None) -> str | None:
        """Let it be this version, newer or older; the version that it was.

        Raises ``Conflict`` if ``expects`` is given and another version is the latest.
        """
        for _ in range(TRIES):
            found = await self.read(manifest.name)
            was = None if found is None else found.latest.version
            if expects is not None and was != expects:
                raise Conflict(
                    f"the latest version of {shown(manifest.name)} is {was or 'none'}, not "
                    f"{shown(expects)}",
                    resource=manifest.name,
                )
            if found is not None and found.latest.manifest == digest:
                return was
            newest = manifest.created
            if found is not None:
                newest = max(newest, found.latest.newest)
            if await self._write(manifest, digest, newest, found):
                return was
        raise _busy(manifest.name)

    async def _write(
        self, manifest: Manifest, digest: str, newest: datetime, over: Found | None
    ) -> bool:
        body = msgspec.json.encode(Latest(FORMAT, manifest.version, digest, newest))
        try:
            await self._objects.put(
                self._layout.latest(manifest.name),
                body,
                if_match=None if over is None else over.etag,
                if_absent=over is None,
            )
        except Conflict:
            return False
        return True


def _busy(name: str) -> Conflict:
    return Conflict(
        f"others move the latest version of {shown(name)} all the time",
        hint="the version itself is kept",
        resource=name,
    )
