"""What is known of one target, from the calls that this process made to it.

Only ``Unavailable`` is no answer: a target that says ``NotFound``, or asks for patience, is
there. An error that never left this host, and a try that was cancelled (the loser of a hedge),
say nothing of the target.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator

from skykeep import errors
from skykeep.interfaces.call import Target
from skykeep.layers.circuit import Circuit
from skykeep.layers.latencies import Latencies
from skykeep.settings.model import BreakerSettings

_OURS = (
    errors.ConfigError,
    errors.Invalid,
    errors.KeyFailure,
    errors.MissingExtra,
    errors.Unauthenticated,  # no credentials were found; if they were refused, it may be there
    errors.Unsupported,
)


FIRST_REST, LONGEST_REST = 1.0, 5.0
"""Seconds that reads go elsewhere when a target that is throttling does not say how long."""


class Standing:
    """One target's. Times are seconds of ``clock`` (monotonic).

    Attributes:
        name: the target's, with the capability unless that is secrets.
        breaker: whether it is tried.
        reads: how long successful reads took.
        tries: all but those cancelled.
        failures: how many had which error, by its class name.
        last_error, last_error_at: its class name; ``""`` and None if there was none.
        last_answer_at: when the target last answered at all, or None.
    """

    def __init__(
        self,
        name: str,
        settings: BreakerSettings,
        clock: Callable[[], float] = time.monotonic,
        dice: Callable[[], float] = random.random,
    ) -> None:
        self.name = name
        self.breaker = Circuit(name, settings, clock, dice)
        self.reads = Latencies()
        self.tries = 0
        self.failures: Counter[str] = Counter()
        self.last_error = ""
        self.last_error_at: float | None = None
        self.last_answer_at: float | None = None
        self._clock = clock
        self._pause = 0.0  # seconds that it asked for, or that double while it says nothing
        self._rests_until = 0.0

    @property
    def p95(self) -> float | None:
        """Seconds that 95 of 100 reads took at most: what a hedge waits for; None: unknown."""
        return self.reads.percentile(0.95)

    @property
    def rests(self) -> bool:
        """Whether it has asked for patience and the time is not over."""
        return self._clock() < self._rests_until

    def take_turn(self) -> bool:
        """Whether a read that could go elsewhere is sent to it. While it rests none is; when
        the time is over one is let through, and the others when that was answered."""
        if not self._pause:
            return True
        if self.rests:
            return False
        self._rests_until = self._clock() + self._pause
        return True

    def slow(self, n: int = 5) -> bool:
        """Whether each of the last n tries took longer than p95 was then, or had no answer."""
        return self.reads.slow(n)

    def may_try(self) -> bool:
        """See ``Circuit.may_try``."""
        return self.breaker.may_try()

    def answered(self, seconds: float, *, read: bool = True) -> None:
        """A try succeeded after ``seconds``."""
        self.tries += 1
        self.last_answer_at = self._clock()
        self._pause = 0.0
        if read:
            self.reads.took(seconds)
        self.breaker.answered()

    def failed(self, error: errors.SkykeepError, *, probe: bool = False) -> None:
        """A try had an error."""
        self.tries += 1
        self.last_error, self.last_error_at = type(error).__name__, self._clock()
        self.failures[self.last_error] += 1
        if isinstance(error, errors.Throttled):
            doubled = min(LONGEST_REST, 2 * self._pause or FIRST_REST)
            self._pause = doubled if error.retry_after is None else error.retry_after
            self._rests_until = self.last_error_at + self._pause
        if isinstance(error, errors.Unavailable):
            self.reads.failed()
            self.breaker.silent(error, probe=probe)
        elif not isinstance(error, _OURS):
            self.last_answer_at = self.last_error_at
            if not isinstance(error, errors.Throttled):
                self._pause = 0.0
            self.breaker.answered()
        elif probe:
            self.breaker.give_back()

    def left(self, seconds: float, *, probe: bool = False) -> None:
        """A try was cancelled after ``seconds``."""
        self.reads.left(seconds)
        if probe:
            self.breaker.give_back()


class Standings:
    """Those of all targets of an environment, made on first use; iterable.

    A target is known by its name: views of it (``seal.py``) are the same target. Secrets,
    objects and keys of one target are services of their own and have a standing each.
    """

    def __init__(
        self,
        settings: BreakerSettings,
        clock: Callable[[], float] = time.monotonic,
        dice: Callable[[], float] = random.random,
    ) -> None:
        self._make = settings, clock, dice
        self._of: dict[tuple[str, str], Standing] = {}

    def of(self, target: Target, capability: str = "secrets") -> Standing:
        """The target's standing as a store of that."""
        key = (target.name, capability)
        standing = self._of.get(key)
        if standing is None:
            name = target.name if capability == "secrets" else f"{target.name}, {capability}"
            standing = self._of[key] = Standing(name, *self._make)
        return standing

    def __iter__(self) -> Iterator[Standing]:
        return iter(tuple(self._of.values()))

    def forget(self) -> None:
        """After a fork: probes under way, and what was seen, are the parent's."""
        self._of = {}
