"""A failing history, made short: whatever can go while it still fails the same way, goes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from tests.simulation.history import Ask, Cut, Event, History, Kill, Settings, Trouble
from tests.simulation.world import invariants_of, run

MOST_RUNS = 1500


def shrink(history: History, fails: Callable[[History], bool] | None = None) -> History:
    """The shortest that was found. ``fails``: whether one still does; by default, one of the
    invariants that the whole history violates."""
    if fails is None:
        wanted = invariants_of(run(history).violations)

        def violates(shorter: History) -> bool:
            return bool(wanted & invariants_of(run(shorter).violations))

        fails = violates
    runs = 0
    size = max(1, len(history.events) // 2)
    while size:
        at = 0
        shortened = False
        while at < len(history.events) and runs < MOST_RUNS:
            events = history.events[:at] + history.events[at + size :]
            shorter = history.with_events(events)
            runs += 1
            if fails(shorter):
                history, shortened = shorter, True
            else:
                at += size
        if size == 1 and not shortened:
            break
        size = max(1, size // 2) if size > 1 else 1
        if runs >= MOST_RUNS:
            break
    while (simpler := _first(history, fails)) is not None:
        history = simpler
    return history


def _first(history: History, fails: Callable[[History], bool]) -> History | None:
    for simpler in _simpler(history):
        if fails(simpler):
            return simpler
    return None


def _simpler(history: History) -> Iterator[History]:
    """The history with one thing simpler, each in turn."""
    default = Settings()
    for name in Settings.__dataclass_fields__:
        if getattr(history.settings, name) != getattr(default, name):
            simple = replace(history.settings, **{name: getattr(default, name)})
            yield replace(history, settings=simple)
    used = {getattr(event, "store", None) for event in history.events}
    for at in range(len(history.stores) - 1, 1, -1):
        if history.stores[at].name not in used:
            yield replace(history, stores=history.stores[:at] + history.stores[at + 1 :])
    for at, store in enumerate(history.stores):
        for change in (
            {"compare_and_set": True},
            {"soft_delete": False},
            {"stamps": True},
            {"lists_behind": 0.0},
            {"latency": 0.02},
        ):
            plain = replace(store, **change)
            if plain != store:
                stores = (*history.stores[:at], plain, *history.stores[at + 1 :])
                yield replace(history, stores=stores)
    for at, event in enumerate(history.events):
        for simple_event in _simpler_event(event):
            events = (*history.events[:at], simple_event, *history.events[at + 1 :])
            yield history.with_events(events)


def _simpler_event(event: Event) -> Iterator[Event]:
    if isinstance(event, Ask):
        if event.patience is not None:
            yield replace(event, patience=None)
        if event.kind in {"fresh", "strict", "recent"}:
            yield replace(event, kind="get")
        if event.kind in {"update", "expects", "create"}:
            yield replace(event, kind="put")
    elif isinstance(event, Cut | Trouble):
        if event.process is not None:
            yield replace(event, process=None)
        if isinstance(event, Trouble) and event.share < 1.0:
            yield replace(event, share=1.0)
    elif isinstance(event, Kill) and event.steps:
        yield replace(event, steps=0)
        yield replace(event, steps=event.steps // 2)
