"""What becomes of one request: drawn when it is sent, from what troubles its store then."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Literal

from tests.simulation.history import Cut, History, StoreSpec, Trouble

GRID = 0.005
"""Seconds: delays are multiples of it, so that things happen at the same instant often."""

LATE = 20.0
"""Seconds after which, at most, a request that was delayed is applied."""

GIVES_UP = 30.0
"""Seconds for which a driver itself waits for an answer."""


@dataclass(frozen=True, slots=True)
class Fate:
    """Of one request.

    Attributes:
        there: seconds until it is at the store; None: it never is.
        back: seconds that the answer takes from there; None: it never comes.
        error: what the caller is told, instead of an answer; ``there`` says whether the store
            did it all the same.
        told: seconds after which it is told the error.
    """

    there: float | None
    back: float | None
    error: Literal["refused", "reset", "server", "throttled"] | None = None
    told: float = 0.0
    retry_after: float | None = None


class Weather:
    """What troubles the stores, by the time."""

    def __init__(self, history: History) -> None:
        self._cuts: dict[str, list[Cut]] = {}
        self._troubles: dict[str, list[Trouble]] = {}
        self.ends = 0.0
        for event in history.events:
            if isinstance(event, Cut):
                self._cuts.setdefault(event.store, []).append(event)
            elif isinstance(event, Trouble):
                self._troubles.setdefault(event.store, []).append(event)
            else:
                continue
            self.ends = max(self.ends, event.at + event.seconds)

    def cut(self, store: str, process: int, now: float) -> Cut | None:
        """Whether the two are apart now."""
        for cut in self._cuts.get(store, ()):
            if cut.process in (None, process) and cut.at <= now < cut.at + cut.seconds:
                return cut
        return None

    def fate(self, store: StoreSpec, process: int, now: float, drawn: int) -> Fate:
        """Of a request that is sent now. ``drawn``: 32 bits."""
        way = store.latency + GRID * (drawn & 3)
        back = store.latency + GRID * (drawn >> 2 & 3)
        cut = self.cut(store.name, process, now)
        if cut is not None:
            if cut.refused:
                return Fate(None, None, "refused", store.latency)
            return Fate(None, None)
        for trouble in self._troubles.get(store.name, ()):
            if not trouble.at <= now < trouble.at + trouble.seconds:
                continue
            if trouble.process not in (None, process):
                continue
            dice = Random(drawn)
            if dice.random() >= trouble.share:
                drawn += 1  # the next trouble draws for itself
                continue
            return _troubled(trouble, way, back, dice)
        return Fate(way, back)


def _troubled(trouble: Trouble, way: float, back: float, dice: Random) -> Fate:
    if trouble.what == "slow":
        return Fate(way + GRID * dice.randrange(40, 200), back + GRID * dice.randrange(100))
    if trouble.what == "silent":  # the request is lost, or its answer is
        return Fate(None, None) if dice.random() < 0.5 else Fate(way, None)
    if trouble.what == "late":  # the caller has given up when it is applied
        longest = dice.choice((4.0, LATE))
        return Fate(GRID * dice.randrange(200, round(longest / GRID)), None)
    if trouble.what == "throttled":
        after = dice.choice((None, 0.1, 1.0, 5.0))
        return Fate(None, None, "throttled", way + back, after)
    done = way if dice.random() < 0.5 else None
    error: Literal["reset", "server"] = "reset" if trouble.what == "lost" else "server"
    return Fate(done, None, error, way + back)
