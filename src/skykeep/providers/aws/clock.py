"""The time that calls are signed with: this host's, or the service's where ours is wrong."""

from __future__ import annotations

import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import Final

from skykeep.providers.wire import Reply

SKEW: Final = 4 * 60.0
"""Seconds that the clocks must differ before ours is corrected; AWS accepts 5 minutes."""


class ServiceClock:
    """Goes by one service's clock once that was found to differ.

    Attributes:
        read: this host's clock, seconds since 1970; tests turn it.
    """

    def __init__(self, read: Callable[[], float] = time.time) -> None:
        self.read = read
        self._offset = 0.0

    def stamp(self) -> str:
        """Now, as ``X-Amz-Date`` has it."""
        return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(self.read() + self._offset))

    def corrected(self, reply: Reply) -> bool:
        """Whether the reply's date differs so much that it matters; it counts from now on."""
        try:
            there = parsedate_to_datetime(reply.headers.get("date", "")).timestamp()
        except ValueError:
            return False
        offset = there - self.read()
        if abs(offset - self._offset) < SKEW:
            return False
        self._offset = offset
        return True
