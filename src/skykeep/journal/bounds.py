"""How much a journal keeps: beyond that it refuses, and drops nothing."""

from __future__ import annotations

from dataclasses import dataclass

from skykeep.errors import Quota

MAX_ENTRIES = 10_000
MAX_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Bounds:
    """What is kept at most.

    Attributes:
        entries: so many records.
        bytes: so many bytes of payload in all of them.
    """

    entries: int = MAX_ENTRIES
    bytes: int = MAX_BYTES

    def check(self, entries: int, size: int, more: int) -> None:
        """Raise ``Quota`` unless a record of ``more`` bytes fits beside ``entries`` records of
        ``size`` bytes."""
        if entries + 1 > self.entries or size + more > self.bytes:
            raise self._full(entries, size)

    def check_size(self, entries: int, size: int, more: int) -> None:
        """The same for a record that grows by ``more`` bytes; one that shrinks always fits."""
        if more > 0 and size + more > self.bytes:
            raise self._full(entries, size)

    def _full(self, entries: int, size: int) -> Quota:
        return Quota(
            f"the journal is full: {entries:,} writes ({size:,} bytes) are owed to other "
            f"targets, and it keeps at most {self.entries:,} ({self.bytes:,} bytes); "
            "nothing was written",
            hint="bring the targets back and run: skykeep reconcile",
        )
