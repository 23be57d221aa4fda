"""When a target is tried, and when it is left alone.

A circuit is *closed* until so many tries in a row had no answer; then it is *open*: the target
is left alone, and after a while one try, the probe, is let through (*half-open*). If that is
answered the circuit is closed, else the target is left alone as long again, less up to a fifth,
so that many hosts do not probe together.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from enum import Enum

from skykeep.errors import Unavailable
from skykeep.settings.model import BreakerSettings

logger = logging.getLogger("skykeep")


class State(Enum):
    """Of a circuit."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


class Circuit:
    """One target's. Times are seconds of ``clock`` (monotonic); ``dice`` gives 0 to 1.

    Attributes:
        name: of the target, for the log.
        state, since: what it is, and since when.
        opened_at: when it was last closed, while it is not; else None.
        next_probe: while it is open: when a try is let through.
    """

    def __init__(
        self,
        name: str,
        settings: BreakerSettings,
        clock: Callable[[], float] = time.monotonic,
        dice: Callable[[], float] = random.random,
    ) -> None:
        self.name = name
        self.state = State.CLOSED
        self.since = clock()
        self.opened_at: float | None = None
        self.next_probe = 0.0
        self._settings = settings
        self._clock = clock
        self._dice = dice
        self._row = 0  # tries without an answer

    @property
    def due(self) -> bool:
        """Whether it is open and the next try is let through, as the probe."""
        return self.state is State.OPEN and self._clock() >= self.next_probe

    def may_try(self) -> bool:
        """Whether a try may be sent. Unless the circuit was closed it is the probe, and how it
        went has to be told with ``probe``."""
        if self.state is State.CLOSED:
            return True
        if self.state is State.HALF_OPEN or self._clock() < self.next_probe:
            return False
        self._become(State.HALF_OPEN)
        return True

    def answered(self) -> None:
        """The target is there."""
        self._row = 0
        if self.opened_at is not None:
            self._become(State.CLOSED)
            away, self.opened_at = self.since - self.opened_at, None
            logger.warning("target %s answers again after %.3g s", self.name, away)

    def silent(self, error: Unavailable, *, probe: bool = False) -> None:
        """A try had no answer."""
        self._row += 1
        if probe and self.state is State.HALF_OPEN:
            level, what = logging.DEBUG, "no answer to a probe"
        elif self.state is State.CLOSED and 0 < self._settings.failures <= self._row:
            level, what = (
                logging.WARNING,
                f"breaker open after {self._row} tries without an answer",
            )
        else:
            return
        # From the probe's beginning: against a black hole its end comes a whole try later.
        begun = self.since if probe else self._clock()
        self._become(State.OPEN)
        if self.opened_at is None:
            self.opened_at = self.since
        wait = self._settings.probe_seconds * (0.8 + 0.2 * self._dice())
        self.next_probe = max(self.since, begun + wait)
        cause = f"{type(error).__name__}: {' '.join(error.message.split())}"
        text = "target %s: %s (%s); next probe in %.3g s"
        logger.log(level, text, self.name, what, cause, wait)

    def give_back(self) -> None:
        """The probe told nothing of the target: the next try is the probe."""
        if self.state is State.HALF_OPEN:
            self._become(State.OPEN)

    def _become(self, state: State) -> None:
        self.state, self.since = state, self._clock()
