"""What ``Objects`` asks of whatever seals bodies before they leave.

The bodies of both sides are the same to ``Objects``: a source that is cut into parts, ranges
that are read. How they are sealed is ``skykeep.sealing``'s.
"""

from __future__ import annotations

from typing import Protocol

from skykeep.interfaces.object_driver import ObjectCapabilities, ObjectInfo
from skykeep.interfaces.object_reading import ReadRange
from skykeep.interfaces.object_sources import Source
from skykeep.interfaces.object_writing import Progress


class ObjectSealing(Protocol):
    """Stands between plain bodies and what a store has of them.

    Attributes:
        peek: how much of a body's beginning ``told`` has to see; 0 is nothing.
    """

    peek: int

    async def seal(self, resource: str, source: Source) -> Source:
        """The body as it goes into the store. Closing ``source`` is its owner's.

        Raises what the key store raises.
        """
        ...

    def progress(self, tell: Progress) -> Progress:
        """To be called with bytes of the store's; tells of bytes of the body."""
        ...

    def reader(self, resource: str, read: ReadRange) -> ReadRange:
        """Reads ranges of the plain body by ``read``, which reads those of the store's.

        For one reader of one object, whose first range is read before all others: it keeps
        what it learned of it.
        """
        ...

    def told(self, info: ObjectInfo, beginning: bytes | None = None) -> ObjectInfo:
        """What an application is told: of the plain body.

        ``beginning`` is the first ``peek`` bytes of the store's, where they are known.
        """
        ...

    def capabilities(self, can: ObjectCapabilities) -> ObjectCapabilities:
        """What a store can do with sealed bodies."""
        ...
