"""Objects whose bodies are sealed before they leave: what ``Objects`` is given."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from skykeep.envelope.sealed_object import MAGIC, ObjectKey
from skykeep.interfaces.object_driver import ObjectCapabilities, ObjectInfo
from skykeep.interfaces.object_reading import ReadRange
from skykeep.interfaces.object_sources import Source
from skykeep.interfaces.object_writing import Progress
from skykeep.sealing.bodies import Opening, SealedSource
from skykeep.sealing.keks import Keks
from skykeep.sealing.told import body_bytes, told


class ObjectSealer:
    """Seals and opens bodies; an ``ObjectSealing``.

    Attributes:
        peek: see ``ObjectSealing``: where plain objects may be read, too, only a body's
            beginning tells which is which.
    """

    def __init__(self, keks: Keks, plain: Literal["refuse", "read"]) -> None:
        """``plain`` is what is done with an object that is not sealed."""
        self.keks = keks
        self.peek = len(MAGIC) if plain == "read" else 0
        self._plain = plain

    async def seal(self, resource: str, source: Source) -> Source:
        """The sealed body, under keys of its own. Raises ``Invalid`` where the header has no
        room, ``KeyFailure``, and what says that the key store cannot be asked."""
        dek, key = await self.keks.to_seal(source.size or 0)
        own = ObjectKey(dek.reveal(), resource)
        return SealedSource(
            source, own, own.header(key), lambda size: self.keks.count(key, size)
        )

    def progress(self, tell: Progress) -> Progress:
        """Tells bytes of the body for bytes of the sealed object."""

        def sent(done: int, total: int | None) -> None:
            tell(body_bytes(done), None if total is None else body_bytes(total))

        return sent

    def reader(self, resource: str, read: ReadRange) -> ReadRange:
        """Opens the ranges that ``read`` reads."""
        return Opening(self.keks, resource, read, self._plain)

    def told(self, info: ObjectInfo, beginning: bytes | None = None) -> ObjectInfo:
        """See ``skykeep.sealing.told``."""
        return told(info, beginning)

    def capabilities(self, can: ObjectCapabilities) -> ObjectCapabilities:
        """Without what others would have to open: copies by the store, presigned URLs."""
        return replace(
            can,
            presign=False,
            copy=False,
            conditional_copy=False,
            max_write_bytes=body_bytes(can.max_write_bytes),
            max_object_bytes=body_bytes(can.max_object_bytes),
        )
