"""Calls and targets for tests of single layers: a scripted end of the stack."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from skykeep.interfaces.call import Answer, Call, Effect, Role, RoutedCall, Target


@dataclass
class FakeTarget:
    """A target with a name and nothing behind it."""

    name: str = "primary (fake)"
    provider: str = "fake"
    region: str | None = None
    role: Role = Role.PRIMARY
    embedded: bool = False

    async def driver(self, capability: str) -> Any:
        raise AssertionError("no layer opens a driver")


async def nothing(target: Target) -> Any:
    """A ``send`` that no test of a single layer reaches."""
    raise AssertionError("the layer under test is not the end of the stack")


def read(name: str = "db/password", **changes: Any) -> Call[Any]:
    """A cacheable read."""
    changes.setdefault("cache_key", (None, None))
    return Call("secrets.get", name, Effect.READ, nothing, idempotent=True, **changes)


def write(name: str = "db/password", **changes: Any) -> Call[Any]:
    """A write."""
    return Call("secrets.put", name, Effect.WRITE, nothing, **changes)


@dataclass
class Below:
    """What stands below the layer under test: answers by script, counts what arrives.

    Each step of ``script`` is a value, an answer or an exception; the last one repeats.
    ``gate`` holds answers back until it is set.
    """

    script: Sequence[Any] = ("value",)
    gate: asyncio.Event | None = None
    calls: list[Any] = field(default_factory=list)
    cancelled: int = 0
    during: Callable[[], None] | None = None

    async def __call__(self, call: Call[Any] | RoutedCall[Any]) -> Answer[Any]:
        step = self.script[min(len(self.calls), len(self.script) - 1)]
        self.calls.append(call)
        if self.during:
            self.during()
        if self.gate is not None:
            try:
                await self.gate.wait()
            except asyncio.CancelledError:
                self.cancelled += 1
                raise
        if isinstance(step, BaseException):
            raise step
        return step if isinstance(step, Answer) else Answer(step, "primary (fake)")
