"""Whether a replica agrees with what the home was last seen to hold, by their stamps.

A host's journal knows of this host's writes. That another host has written, a reader sees by
the home's revision: a replica that shows an earlier one is behind, whoever owes it the write.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from typing import Any, Final

from skykeep.interfaces.secret_data import Stamp

logger = logging.getLogger("skykeep")

REMEMBERED: Final = 4096
"""Names; the ones not read for longest go first."""


class Agreement:
    """What the home of each name showed last, in this process."""

    def __init__(self) -> None:
        self._seen: OrderedDict[str, tuple[Stamp, float]] = OrderedDict()
        self._told: set[tuple[str, str]] = set()

    def saw(self, resource: str, value: Any, at: float) -> None:
        """The home's answer to a question of the moment ``at``, monotonic seconds."""
        stamp = getattr(value, "stamp", None)
        if stamp is None:
            self._seen.pop(resource, None)  # written by others: its revision is not known
            return
        self._seen[resource] = (stamp, at)
        self._seen.move_to_end(resource)
        if len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)

    def behind(self, resource: str, value: Any, target: str, now: float) -> float | None:
        """Seconds by which a replica's answer is behind at least; None if it agrees, or nobody
        can tell."""
        stamp, seen = getattr(value, "stamp", None), self._seen.get(resource)
        if stamp is None or seen is None or stamp.revision >= seen[0].revision:
            self._told.discard((resource, target))
            return None
        if (resource, target) not in self._told and len(self._told) < REMEMBERED:
            self._told.add((resource, target))
            logger.warning(
                "%s holds an older value of %s than its home showed %.3g s ago",
                target,
                resource,
                now - seen[1],
            )
        return now - seen[1]
