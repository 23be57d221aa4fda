"""What the stores that are held against each other have in common.

Every store gets the same names (100 under each prefix), values of 64 bytes and a directory of
its own, and is used as its documentation tells its users to.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from itertools import count
from pathlib import Path

VALUE_BYTES = 64
PER_PREFIX = 100
PASSPHRASE = "made up for the benchmark"
SET, GET, OPEN = "set", "get", "open"
OPERATIONS = {
    SET: "set one, durably",
    GET: "get one from an open store",
    OPEN: "open, unlock and get one",
}
"""Key in the results -> what is measured."""

Timed = Callable[[int], float]
"""Does it so many times; microseconds each."""

Progress = Callable[[int], None]
"""Told how many secrets a store has by now."""


def name(number: int) -> tuple[str, str]:
    """Prefix and the rest."""
    return f"team-{number // PER_PREFIX:06d}", f"secret-{number % PER_PREFIX:02d}"


def value(number: int) -> str:
    """A value that no other write has."""
    return f"{number:0{VALUE_BYTES}d}"


class Store(ABC):
    """One way to keep secrets, in ``folder``.

    ``make`` leaves it open; all that is measured after that sees the same secrets.
    """

    label: str
    derivation: str
    """How the key comes from what the user gives."""

    def __init__(self, folder: Path, size: int) -> None:
        self.folder = folder
        self.size = size
        self._turn = count()
        self._written = count(size)

    @abstractmethod
    def make(self, progress: Progress) -> None:
        """Fill it with ``size`` secrets, the quickest way that its interface has."""

    @abstractmethod
    def derive(self) -> object:
        """What the derivation of a key costs, alone."""

    @abstractmethod
    def timed(self) -> Mapping[str, Timed]:
        """Operation -> how long it takes."""

    def check(self) -> None:
        """Write, and read it as who opens the store afterwards. Raises ``AssertionError``."""
        number = self.size - 1
        written = self.next_value()
        self.write(number, written)
        assert self.opened(number) == written, self.label

    @abstractmethod
    def write(self, number: int, written: str) -> None:
        """One durable write."""

    @abstractmethod
    def opened(self, number: int) -> str:
        """Open and unlock the store, get one secret, forget the rest."""

    def close(self) -> None:  # noqa: B027  (most have nothing open but memory)
        """Let go of what is open."""

    def next_one(self) -> int:
        """A secret; they take turns, far from each other."""
        return next(self._turn) * 7919 % self.size

    def next_value(self) -> str:
        """A new value for it."""
        return value(next(self._written))
