"""What happens, as data. Its ``repr`` is Python: a history is its own script.

Times are seconds of virtual time since the beginning. Names of stores are their places:
``"a"`` is the primary, the others follow.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

Kind = Literal[
    "get", "fresh", "strict", "recent", "describe", "list",
    "put", "create", "update", "expects", "delete", "purge", "restore",
]  # fmt: skip
READS = ("get", "fresh", "strict", "recent", "describe", "list")
RECENT = 2.0
"""Seconds of ``max_stale`` of a ``recent`` read."""


@dataclass(frozen=True, slots=True)
class StoreSpec:
    """A store and what it can do.

    Attributes:
        latency: seconds one way.
        lists_behind: seconds by which its listings are old.
    """

    name: str
    role: Literal["primary", "failover", "backup"]
    compare_and_set: bool = True
    soft_delete: bool = False
    stamps: bool = True
    latency: float = 0.02
    lists_behind: float = 0.0


@dataclass(frozen=True, slots=True)
class Settings:
    """Of the environment; see ``skykeep.settings.model``."""

    writes: Literal["primary", "failover"] = "primary"
    cache_ttl: float = 0.0
    refresh_ahead: float = 0.0
    while_revalidate: float = 0.0
    max_stale: float = 0.0
    hedge: bool = False
    attempts: int = 3
    breaker_failures: int = 5
    deadline: float = 10.0
    journal_entries: int = 10_000


@dataclass(frozen=True, slots=True)
class Ask:
    """A call of an application in one process.

    Attributes:
        value: of a write; unique in a history. A delete has one, too: it tells which it was.
        patience: seconds after which the caller cancels it; None is as long as it takes.
    """

    at: float
    process: int
    kind: Kind
    name: str
    value: str = ""
    patience: float | None = None


@dataclass(frozen=True, slots=True)
class Cut:
    """A store cannot be reached, from one process or (None) from all.

    ``refused``: connections are refused at once; else nothing comes back.
    """

    at: float
    store: str
    seconds: float
    process: int | None = None
    refused: bool = False


@dataclass(frozen=True, slots=True)
class Trouble:
    """A share of the requests to a store has it: lost, answered too late, applied too late,
    answered by an error of the server (applied or not), throttled, or slow."""

    at: float
    store: str
    seconds: float
    what: Literal["lost", "silent", "late", "error", "throttled", "slow"]
    share: float = 1.0
    process: int | None = None


@dataclass(frozen=True, slots=True)
class Kill:
    """A process dies after so many steps of its own, at whichever await that is; it is started
    again after ``down`` seconds."""

    at: float
    process: int
    steps: int
    down: float = 1.0


@dataclass(frozen=True, slots=True)
class Foreign:
    """Another host writes (or, without a value, deletes) at a store."""

    at: float
    store: str
    name: str
    value: str


@dataclass(frozen=True, slots=True)
class ClockStep:
    """Somebody sets the host's clock, by so many seconds."""

    at: float
    seconds: float


Event = Ask | Cut | Trouble | Kill | Foreign | ClockStep


@dataclass(frozen=True, slots=True)
class History:
    """All of it. The seed draws what the events leave open."""

    seed: int
    stores: tuple[StoreSpec, ...]
    settings: Settings
    events: tuple[Event, ...]

    def with_events(self, events: tuple[Event, ...]) -> History:
        return replace(self, events=events)


def script(history: History, reason: str) -> str:
    """A Python program that runs it again and ends with 1 if it fails."""
    lines = [
        f'"""{reason.replace(chr(92), "/")}"""',
        "",
        "from tests.simulation.history import (",
        "    Ask, ClockStep, Cut, Foreign, History, Kill, Settings, StoreSpec, Trouble,",
        ")",
        "from tests.simulation.replay import main",
        "",
        "main(History(",
        f"    seed={history.seed},",
        "    stores=(",
        *(f"        {_short(store)}," for store in history.stores),
        "    ),",
        f"    settings={_short(history.settings)},",
        "    events=(",
        *(f"        {_short(event)}," for event in history.events),
        "    ),",
        "))",
    ]
    return "\n".join(lines) + "\n"


def _short(thing: StoreSpec | Settings | Event) -> str:
    """Its ``repr`` without what is as by default."""
    given = []
    for name, described in type(thing).__dataclass_fields__.items():
        value = getattr(thing, name)
        if value != described.default:
            given.append(f"{name}={value!r}")
    return f"{type(thing).__name__}({', '.join(given)})"
