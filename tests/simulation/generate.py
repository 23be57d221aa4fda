"""A random history from a seed.

Each history has some kinds of trouble and is spared others, drawn anew: what shows only where
one kind is frequent and another absent is found sooner than if all had a little of each (Groce
et al., "Swarm Testing", ISSTA 2012).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from random import Random
from typing import Literal

from tests.simulation.fates import GRID
from tests.simulation.history import (
    Ask,
    ClockStep,
    Cut,
    Event,
    Foreign,
    History,
    Kill,
    Kind,
    Settings,
    StoreSpec,
    Trouble,
)

NAMES = ("x", "y", "z")

_READS: tuple[tuple[Kind, int], ...] = (
    ("get", 10), ("fresh", 4), ("strict", 1), ("recent", 1), ("describe", 1), ("list", 1),
)  # fmt: skip
_WRITES: tuple[tuple[Kind, int], ...] = (
    ("put", 10), ("create", 2), ("update", 3), ("expects", 3), ("delete", 3), ("purge", 1),
    ("restore", 1),
)  # fmt: skip
_TROUBLES: tuple[Literal["lost", "silent", "late", "error", "throttled", "slow"], ...] = (
    "lost", "silent", "late", "error", "throttled", "slow",
)  # fmt: skip


Weather = Literal["any", "calm", "slow", "outage", "late", "overtaken", "dark"]
_WEATHERS: tuple[Weather, ...] = (
    "any",
    "calm",
    "slow",
    "outage",
    "late",
    "overtaken",
    "dark",
)


def generate(seed: int, weather: Weather | None = None) -> History:
    """The history of this seed.

    ``calm``: calls alone. ``slow``: a store answers slowly at times, and never fails.
    ``outage``: the primary is away for long, under many reads. ``late``: writes are executed
    long after they were given up. ``overtaken``: writes overtake slow reads of one process.
    ``dark``: all stores are away for long, and reads are kept. None draws one.
    """
    dice = Random(f"history {seed}")
    drawn = dice.choices(_WEATHERS, (86, 2, 2, 2, 3, 3, 2))[0]
    weather = weather or drawn
    length = dice.uniform(10.0, 40.0)
    stores = _stores(dice)
    settings = _settings(dice)
    names = NAMES[: dice.choice((1, 1, 2, 3))]
    events: list[Event] = []
    if weather in {"slow", "outage", "dark"}:
        events += [
            Foreign(GRID, store.name, name, f"first of {name}")
            for store in stores
            for name in names
        ]
    if weather == "slow":
        settings = replace(settings, hedge=True, cache_ttl=0.0)
        events += _reads(dice, length, names, dice.randint(50, 80))
        # Seldom: what is slow often is no slower than 95 of 100 are.
        share = dice.choice((0.03, 0.06, 0.2))
        events += [Trouble(length / 2, stores[0].name, length / 2, "slow", share)]
    elif weather == "dark":
        settings = replace(settings, cache_ttl=2.0, max_stale=20.0)
        events += [
            Ask(round(number * length / 40 + GRID, 3), 0, "get", dice.choice(names))
            for number in range(1, 40)
        ]
        refused = dice.random() < 0.5
        events += [Cut(length / 4, store.name, length / 2, refused=refused) for store in stores]
    elif weather == "outage":
        settings = replace(settings, cache_ttl=0.0)
        events += _asks(dice, length, names, 10)
        events += _reads(dice, length, names, dice.randint(50, 80))
        what = dice.choice(("lost", "error", "throttled", "silent"))
        events += [Trouble(length / 4, stores[0].name, length / 2, what)]  # type: ignore[arg-type]  # one of these
    elif weather == "overtaken":
        for turn in range(3):
            events += _overtaken(dice, length, stores, names[:1], turn)
    elif weather == "late":
        for number in range(dice.randint(8, 16)):
            kind: Kind = dice.choice(("put", "put", "put", "get", "delete"))
            value = "" if kind == "get" else f"v{number}"
            events.append(Ask(_at(dice, length), dice.randrange(2), kind, "x", value))
        events += [
            Trouble(1.0, store.name, length, "late", dice.choice((0.1, 0.3)))
            for store in stores
        ]
    else:
        events += _asks(dice, length, names, dice.randint(10, 36))
    if weather == "any":
        if dice.random() < 0.3:
            events += _overtaken(dice, length, stores, names, 0)
        if dice.random() < 0.2:
            events += _following(dice, length, stores, names)
        events += _cuts(dice, length, stores)
        events += _troubles(dice, length, stores)
        if dice.random() < 0.5:
            events += _kills(dice, length)
        if dice.random() < 0.25:
            events += _foreign(dice, length, stores, names)
        if dice.random() < 0.1:
            events += [ClockStep(_at(dice, length), dice.choice((-3600.0, -5.0, 5.0, 3600.0)))]
    events.sort(key=lambda event: event.at)
    return History(seed, stores, settings, tuple(events))


def _reads(dice: Random, length: float, names: Sequence[str], count: int) -> list[Event]:
    """Of one process, evenly: what has to be learnt of a target takes many."""
    found: list[Event] = []
    for number in range(count):
        at, name = round(0.5 + length * number / count, 3), dice.choice(names)
        found.append(Ask(at, 0, "fresh", name))
        if dice.random() < 0.2:  # two that share one call, and one of them gives up
            found += [Ask(at, 0, "get", name), Ask(at, 0, "get", name, patience=0.1)]
    return found


def _at(dice: Random, length: float) -> float:
    """A moment on the grid, with digits that read well."""
    return round(GRID * dice.randrange(1, max(2, int(length / GRID))), 3)


def _lasting(dice: Random) -> float:
    return dice.choice((0.5, 1.0, 3.0, 8.0, 15.0, 30.0))


def _stores(dice: Random) -> tuple[StoreSpec, ...]:
    weak = dice.random() < 0.3
    specs = []
    for number in range(dice.choice((2, 2, 3, 3, 4))):
        role: Literal["primary", "failover", "backup"]
        role = "primary" if number == 0 else "failover"
        if number > 1:
            role = dice.choice(("failover", "backup"))
        specs.append(
            StoreSpec(
                "abcd"[number],
                role,
                compare_and_set=not (weak and dice.random() < 0.5),
                soft_delete=dice.random() < 0.3,
                stamps=dice.random() < 0.7,
                latency=GRID * dice.choice((1, 2, 4, 10)),
                lists_behind=dice.choice((0.0, 0.0, 2.0)),
            )
        )
    return tuple(specs)


def _settings(dice: Random) -> Settings:
    cached = dice.random() < 0.5
    return Settings(
        writes=dice.choice(("primary", "failover")),
        cache_ttl=dice.choice((2.0, 10.0)) if cached else 0.0,
        refresh_ahead=dice.choice((0.0, 1.0)) if cached else 0.0,
        while_revalidate=dice.choice((0.0, 5.0)) if cached else 0.0,
        max_stale=dice.choice((0.0, 20.0)) if cached else 0.0,
        hedge=dice.random() < 0.3,
        attempts=dice.choice((1, 3, 3)),
        breaker_failures=dice.choice((0, 2, 5)),
        journal_entries=dice.choice((3, 10_000, 10_000)),
    )


def _asks(dice: Random, length: float, names: Sequence[str], count: int) -> list[Event]:
    """Calls, many of them close together: what overlaps is what goes wrong."""
    reads, writes = dice.choice(((3, 1), (1, 1), (1, 2)))
    impatient = dice.random() < 0.3
    bursts = [_at(dice, length) for _ in range(dice.randint(3, 10))]
    found: list[Event] = []
    for number in range(count):
        at = _at(dice, length)
        if dice.random() < 0.7:
            at = round(dice.choice(bursts) + GRID * dice.choice((0, 0, 1, 2, 5, 20, 60)), 3)
        if dice.randrange(reads + writes) < reads:
            kind, value = _of(dice, _READS), ""
        else:
            kind, value = _of(dice, _WRITES), f"v{number}"
        patience = None
        if impatient and dice.random() < 0.3:
            patience = dice.choice((0.02, 0.1, 1.0))
        name = "" if kind == "list" else dice.choice(names)
        found.append(Ask(at, dice.randrange(2), kind, name, value, patience))
    return found


def _overtaken(
    dice: Random,
    length: float,
    stores: Sequence[StoreSpec],
    names: Sequence[str],
    turn: int,
) -> list[Event]:
    """Reads that a write overtakes, in one process, while the primary is slow at times."""
    at, process, name = _at(dice, length), dice.randrange(2), dice.choice(names)
    found: list[Event] = [
        Trouble(round(at - GRID, 3), stores[0].name, 3.0, "slow", dice.choice((0.3, 0.6)))
    ]
    for number in range(dice.randint(4, 8)):
        at = round(at + GRID * dice.choice((1, 10, 60, 120)), 3)
        kind: Kind = dice.choice(("get", "get", "put"))
        value = f"w{turn}{number}" if kind == "put" else ""
        found.append(Ask(at, process, kind, name, value))
    return found


def _following(
    dice: Random, length: float, stores: Sequence[StoreSpec], names: Sequence[str]
) -> list[Event]:
    """One process writes to the primary; the other has to read copies, while they are brought
    up to date."""
    at, process, name = _at(dice, length), dice.randrange(2), dice.choice(names)
    cut = Cut(round(at - GRID, 3), stores[0].name, 8.0, 1 - process, refused=True)
    slow = Trouble(round(at - GRID, 3), stores[1].name, 8.0, "slow", dice.choice((0.3, 1.0)))
    found: list[Event] = [cut, slow]
    for number in range(dice.randint(1, 3)):
        found.append(Ask(at, process, "put", name, f"u{number}"))
        for _ in range(6):
            at = round(at + GRID * dice.choice((10, 20, 40, 80)), 3)
            found.append(Ask(at, 1 - process, "fresh", name))
    return found


def _of(dice: Random, kinds: Sequence[tuple[Kind, int]]) -> Kind:
    return dice.choices([kind for kind, _ in kinds], [weight for _, weight in kinds])[0]


def _store(dice: Random, stores: Sequence[StoreSpec]) -> str:
    return stores[0].name if dice.random() < 0.6 else dice.choice(stores).name


def _whom(dice: Random) -> int | None:
    return dice.choice((None, None, None, 0, 1))


def _cuts(dice: Random, length: float, stores: Sequence[StoreSpec]) -> list[Event]:
    return [
        Cut(
            _at(dice, length),
            _store(dice, stores),
            _lasting(dice),
            _whom(dice),
            dice.random() < 0.3,
        )
        for _ in range(dice.choice((0, 1, 1, 2, 3)))
    ]


def _troubles(dice: Random, length: float, stores: Sequence[StoreSpec]) -> list[Event]:
    kinds = dice.sample(_TROUBLES, dice.randint(1, 3))
    return [
        Trouble(
            _at(dice, length),
            _store(dice, stores),
            _lasting(dice),
            dice.choice(kinds),
            dice.choice((0.1, 0.3, 1.0)),
            _whom(dice),
        )
        for _ in range(dice.choice((0, 1, 2, 3)))
    ]


def _kills(dice: Random, length: float) -> list[Event]:
    return [
        Kill(
            _at(dice, length),
            dice.randrange(2),
            dice.randrange(60),
            dice.choice((0.1, 1.0, 5.0)),
        )
        for _ in range(dice.randint(1, 3))
    ]


def _foreign(
    dice: Random, length: float, stores: Sequence[StoreSpec], names: Sequence[str]
) -> list[Event]:
    found: list[Event] = []
    for number in range(dice.randint(1, 3)):
        value = "" if dice.random() < 0.2 else f"foreign{number}"
        found.append(
            Foreign(_at(dice, length), _store(dice, stores), dice.choice(names), value)
        )
    return found
