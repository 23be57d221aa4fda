"""Faults that a test plants in an in-memory driver: errors, lost answers, slow answers."""

from __future__ import annotations

import asyncio
import copy
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")
F = TypeVar("F", bound="Faults")


@dataclass(slots=True)
class _Planted:
    error: BaseException | type[BaseException]
    times: int
    operation: str | None
    applied: bool


class Faults:
    """What goes wrong next, and a count of what was asked.

    Attributes:
        latency: seconds that each operation waits before it begins.
        calls: operation (a driver's method, ``get``) -> how often it was called, failed
            calls included.
    """

    def __init__(self) -> None:
        self.latency = 0.0
        self.calls: Counter[str] = Counter()
        self._planted: list[_Planted] = []

    def fail_next(
        self,
        error: BaseException | type[BaseException],
        times: int = 1,
        operation: str | None = None,
        *,
        applied: bool = False,
    ) -> None:
        """Let the next ``times`` calls raise the error; planted ones are used up in order.

        Args:
            error: an error, raised as a fresh copy each time, or an error's class.
            operation: only calls of this driver method; None is any.
            applied: do what was asked and raise then, as when an answer gets lost.

        Raises ``ValueError`` unless ``times`` is at least 1.
        """
        if times < 1:
            raise ValueError(f"times is at least 1, not {times}")
        self._planted.append(_Planted(error, times, operation, applied))

    def clear_faults(self) -> None:
        """Forget planted errors and latency; ``calls`` stays."""
        self._planted.clear()
        self.latency = 0.0

    async def begin(self, operation: str) -> BaseException | None:
        """Count the call, wait, raise what is planted, return what to raise at its end."""
        self.calls[operation] += 1
        if self.latency:
            await asyncio.sleep(self.latency)
        for planted in self._planted:
            if planted.operation in (None, operation):
                return self._raise(planted)
        return None

    def _raise(self, planted: _Planted) -> BaseException:
        planted.times -= 1
        if planted.times == 0:
            self._planted.remove(planted)
        error = planted.error
        fresh = error("planted by a test") if isinstance(error, type) else copy.copy(error)
        if planted.applied:
            return fresh
        raise fresh


def faulty(
    method: Callable[Concatenate[F, P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate[F, P], Coroutine[Any, Any, T]]:
    """Let a driver's method be counted, delayed and failed."""
    operation = method.__name__

    @wraps(method)
    async def run(self: F, /, *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            lost = await self.begin(operation)
            answer = await method(self, *args, **kwargs)
            if lost is not None:
                raise lost
            return answer
        finally:
            del args, kwargs  # they may hold an object's body: no traceback shows it

    return run
