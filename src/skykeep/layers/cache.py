"""Keep reads for their time to live.

The key is operation, resource, what distinguishes answers about it (version, stage) and
the audience that policy allows to share it. ``NotFound`` and ``Denied`` evict: an answer
that the store no longer gives is not given by us. A write evicts before and after, and
bars fills by reads that began before it ended.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

from skykeep.errors import Denied, NotFound, Unauthenticated
from skykeep.interfaces.call import Answer, Call, Effect, Next

T = TypeVar("T")
Key = tuple[str, str, tuple[str | None, ...], str | None]


class Cache:
    """A bounded cache of answers; the least recently used goes first.

    Args:
        ttl: seconds that an answer is kept; 0 keeps nothing.
        max_entries: how many answers are kept.
        clock: monotonic seconds; tests turn it.
    """

    def __init__(
        self, ttl: float, max_entries: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._ttl = ttl
        self._max = max_entries
        self._clock = clock
        self._kept: OrderedDict[Key, tuple[float, Answer[Any]]] = OrderedDict()
        self._keys: dict[str, set[Key]] = {}  # by resource: what a write evicts
        self._fills: dict[str, set[object]] = {}  # by resource: reads that may still fill

    async def __call__(self, call: Call[T], next: Next[T], /) -> Answer[T]:
        """Answer from what is kept, or by ``next``."""
        if self._ttl <= 0:
            return await next(call)
        if call.effect is Effect.WRITE:
            return await self._write(call, next)
        if call.cache_key is None:
            return await next(call)
        key = (call.operation, call.resource, call.cache_key, call.audience)
        if not call.fresh and (kept := self._kept.get(key)) is not None:
            if self._clock() < kept[0]:
                self._kept.move_to_end(key)
                return kept[1]
            self._drop(key)
        return await self._read(key, call, next)

    async def _read(self, key: Key, call: Call[T], next: Next[T]) -> Answer[T]:
        ticket = object()
        self._fills.setdefault(call.resource, set()).add(ticket)
        try:
            answer = await next(call)
        except (NotFound, Denied, Unauthenticated):
            self._evict(call.resource)
            raise
        finally:
            # No ticket left: a write passed while we were asking. The answer is good for
            # its caller, who asked before the write ended, and for nobody after.
            waiting = self._fills.get(call.resource, set())
            valid = ticket in waiting
            waiting.discard(ticket)
            if not waiting:
                self._fills.pop(call.resource, None)
        if valid and not answer.stale:
            self._keep(key, answer)
        return answer

    async def _write(self, call: Call[T], next: Next[T]) -> Answer[T]:
        self.invalidate(call.resource)
        try:
            return await next(call)
        finally:
            self.invalidate(call.resource)

    def invalidate(self, resource: str | None) -> None:
        """Forget the resource, or (None) everything, and bar reads now under way."""
        if resource is None:
            self._kept.clear()
            self._keys.clear()
            self._fills.clear()
        else:
            self._evict(resource)
            self._fills.pop(resource, None)

    def _keep(self, key: Key, answer: Answer[T]) -> None:
        self._kept[key] = (self._clock() + self._ttl, replace(answer, cached=True))
        self._kept.move_to_end(key)
        self._keys.setdefault(key[1], set()).add(key)
        while len(self._kept) > self._max:
            self._drop(next(iter(self._kept)))

    def _evict(self, resource: str) -> None:
        for key in self._keys.pop(resource, ()):
            self._kept.pop(key, None)

    def _drop(self, key: Key) -> None:
        self._kept.pop(key, None)
        keys = self._keys.get(key[1])
        if keys is not None:
            keys.discard(key)
            if not keys:
                del self._keys[key[1]]
