"""The time by the service's own clock."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from skykeep.providers.wire import Reply


class ServiceClock:
    """Goes by the last answer that was seen."""

    def __init__(self) -> None:
        self._date, self._since = "", 0.0

    def see(self, reply: Reply) -> None:
        """Remember when it was sent; read when somebody asks for the time, which few do."""
        self._date, self._since = reply.headers.get("Date", ""), time.monotonic()

    def now(self) -> datetime:
        """The service's time, to a second; else this host's."""
        here = datetime.now(UTC)
        try:
            there = parsedate_to_datetime(self._date)
        except ValueError:
            return here  # no answer yet, no date in it, or none that can be read
        if there.tzinfo is None:
            return here
        return there + timedelta(seconds=time.monotonic() - self._since)
