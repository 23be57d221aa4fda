"""How a defect is written down, and planted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest import mock

from tests.simulation.generate import Weather

Plant = Callable[[], Any]
"""Makes a context in which the defect is there."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A defect.

    Attributes:
        what: in words.
        weather: in which histories it is looked for; None is any.
    """

    what: str
    plant: Plant
    bound: int = 400
    weather: Weather | None = None


FAULTS: dict[str, Fault] = {}


def fault(
    what: str, *, bound: int = 400, weather: Weather | None = None
) -> Callable[[Plant], Plant]:
    def put(plant: Plant) -> Plant:
        FAULTS[plant.__name__.removeprefix("_")] = Fault(what, plant, bound, weather)
        return plant

    return put


@contextmanager
def planted(name: str | None) -> Iterator[None]:
    """With the defect of this name; None is none."""
    if name is None:
        yield
        return
    with FAULTS[name].plant():
        yield


def instead(owner: Any, name: str, make: Callable[[Any], Any]) -> Any:
    """Let ``make`` of the original stand in its place."""
    return mock.patch.object(owner, name, make(getattr(owner, name)))


@contextmanager
def both(one: Any, other: Any) -> Iterator[None]:
    with one, other:
        yield
