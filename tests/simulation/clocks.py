"""``time`` and ``random`` as the program under test sees them, for the time of a history.

The functions of the modules are replaced, and so is what modules of ours took from them when
they were imported: default arguments (``clock=time.monotonic``) and the factories of fields.
"""

from __future__ import annotations

import os
import random
import sys
import time
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from skykeep.providers.memory import store as memory_store
from tests.simulation.loop import VirtualLoop

EPOCH = 1_800_000_000.0
"""What the wall says when a history begins: seconds since 1970."""

_REAL: dict[str, Callable[..., Any]] = {
    name: getattr(time, name)
    for name in ("monotonic", "monotonic_ns", "perf_counter", "time", "time_ns")
}


class Wall:
    """The host's wall clock: the loop's, and what somebody set it to.

    ``ahead`` is seconds; a step back is a negative change of it.
    """

    def __init__(self) -> None:
        self.ahead = 0.0


class _Dispatch:
    """What stands in for a function of ``time``: the loop's clock while a history runs."""

    __slots__ = ("now", "real")

    def __init__(self, real: Callable[[], Any]) -> None:
        self.real = real
        self.now = real

    def __call__(self) -> Any:
        return self.now()


_standing: dict[str, _Dispatch] = {name: _Dispatch(real) for name, real in _REAL.items()}
_done: set[str] = set()


def _take_over() -> None:
    """Let functions of ours that hold a clock of ``time`` hold ours instead, which is the same
    outside of a history. Modules that were imported since the last time are done, too."""
    by_real = {real: _standing[name] for name, real in _REAL.items()}
    for name, module in tuple(sys.modules.items()):
        if name in _done or not name.startswith("skykeep."):
            continue
        _done.add(name)
        for thing in tuple(vars(module).values()):
            if isinstance(thing, types.FunctionType) and thing.__module__ == name:
                _replace(thing, by_real)
            elif isinstance(thing, type) and thing.__module__ == name:
                for method in tuple(vars(thing).values()):
                    if isinstance(method, types.FunctionType):
                        _replace(method, by_real)


def _replace(
    function: types.FunctionType, by_real: dict[Callable[..., Any], _Dispatch]
) -> None:
    def ours(held: Any) -> Any:
        try:
            return by_real.get(held, held)
        except TypeError:  # not hashable, so no function of `time`
            return held

    if function.__defaults__:
        function.__defaults__ = tuple(ours(held) for held in function.__defaults__)
    if function.__kwdefaults__:
        function.__kwdefaults__ = {k: ours(v) for k, v in function.__kwdefaults__.items()}
    for cell in function.__closure__ or ():  # where a dataclass keeps a field's factory
        try:
            held = cell.cell_contents
        except ValueError:
            continue
        if isinstance(held, types.BuiltinFunctionType):
            cell.cell_contents = ours(held)


@contextmanager
def virtual(loop: VirtualLoop, wall: Wall, seed: int) -> Iterator[None]:
    """The program's clocks are the loop's, its dice are those of the seed."""
    _take_over()
    dice = random.getstate()
    urandom, now = os.urandom, memory_store._now
    bytes_of = random.Random(f"urandom {seed}")
    clocks: dict[str, Callable[[], float]] = {
        "monotonic": loop.time,
        "monotonic_ns": lambda: round(loop.time() * 1e9),
        "perf_counter": loop.time,
        "time": lambda: EPOCH + loop.time() + wall.ahead,
        "time_ns": lambda: round((EPOCH + loop.time() + wall.ahead) * 1e9),
    }
    try:
        random.seed(f"dice {seed}")
        os.urandom = bytes_of.randbytes
        memory_store._now = lambda: datetime.fromtimestamp(clocks["time"](), UTC)
        for name, standing in _standing.items():
            standing.now = clocks[name]
            setattr(time, name, standing)
        yield
    finally:
        for name, standing in _standing.items():
            standing.now = standing.real
            setattr(time, name, standing.real)
        os.urandom, memory_store._now = urandom, now
        random.setstate(dice)
