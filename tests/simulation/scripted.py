"""The histories of the pictures in the documentation: few calls, one outage."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tests.simulation.history import Ask, Cut, History, Settings, StoreSpec
from tests.simulation.sequence import drawn
from tests.simulation.world import run

DIRECTORY = Path(__file__).parent.parent.parent / "docs" / "plots"

STORES = (
    StoreSpec("primary", "primary", latency=0.02),
    StoreSpec("replica", "failover", latency=0.03),
)
NAMES = {"p0": "skykeep", "primary": "primary", "replica": "replica"}


@dataclass(frozen=True, slots=True)
class Picture:
    """A history, and what of it is drawn.

    Attributes:
        since, until: seconds; what was sent before and after is left out.
    """

    title: str
    history: History
    since: float
    until: float

    def drawn(self) -> str:
        """The SVG. Raises ``AssertionError`` if the history violates anything."""
        world = run(self.history, traced=True)
        assert not world.violations, world.violations
        away = [
            (event.store, event.at, event.at + event.seconds)
            for event in self.history.events
            if isinstance(event, Cut)
        ]
        return drawn(
            world, self.title, since=self.since, until=self.until, names=NAMES, away=away
        )


PICTURES = {
    "outage-read": Picture(
        "Reads while the primary is away; two failures in a row open its breaker",
        History(
            seed=7,
            stores=STORES,
            settings=Settings(breaker_failures=2),
            events=(
                Ask(1.0, 0, "put", "db", "v1"),
                Ask(2.0, 0, "get", "db"),
                Cut(3.0, "primary", 9.0),
                Ask(3.5, 0, "get", "db"),
                Ask(6.0, 0, "get", "db"),
                Ask(9.0, 0, "get", "db"),
                Ask(13.5, 0, "get", "db"),
                Ask(15.0, 0, "get", "db"),
            ),
        ),
        since=2.0,
        until=15.5,
    ),
    "outage-write": Picture(
        "A write while the primary is away, with writes: failover",
        History(
            seed=8,
            stores=STORES,
            settings=Settings(writes="failover", breaker_failures=2),
            events=(
                Ask(1.0, 0, "put", "db", "v1"),
                Cut(2.0, "primary", 9.0),
                Ask(2.5, 0, "put", "db", "v2"),
                Ask(6.0, 0, "get", "db"),
                Ask(18.0, 0, "get", "db"),
            ),
        ),
        since=2.0,
        until=18.5,
    ),
}
