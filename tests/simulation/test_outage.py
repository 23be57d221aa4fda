"""How many calls are sent in a long outage."""

from typing import Literal

import pytest

from tests.simulation.history import Ask, Event, Foreign, History, Settings, StoreSpec, Trouble
from tests.simulation.world import World, run

READS = 600
SECONDS = 120.0


def outage(what: Literal["lost", "silent", "error", "throttled"]) -> World:
    """The primary is away for two minutes, under five reads a second."""
    stores = (StoreSpec("a", "primary"), StoreSpec("b", "failover"))
    events: list[Event] = [Foreign(0.1, store.name, "x", "there") for store in stores]
    events += [Ask(1 + SECONDS * number / READS, 0, "fresh", "x") for number in range(READS)]
    events.append(Trouble(1.0, "a", SECONDS, what))
    world = run(History(1, stores, Settings(), tuple(events)))
    assert not world.violations
    return world


def counted(world: World) -> tuple[int, int]:
    """Calls asked, all of them answered, and requests sent for them."""
    reads = [asked for asked in world.record.asked if asked.ask.name == "x"]
    assert all(asked.outcome == "done" for asked in reads)
    assert len(reads) >= READS
    return len(reads), sum(sent.name == "x" for sent in world.record.sent)


@pytest.mark.parametrize("what", ["lost", "silent", "error", "throttled"])
def test_at_most_a_fifth_more_calls_are_sent_than_asked(
    what: Literal["lost", "silent", "error", "throttled"],
) -> None:
    asked, sent = counted(outage(what))
    assert sent <= 1.2 * asked
