"""Keep reads for their time to live, and for longer where nothing better is to be had.

A read near the end of the time to live, or shortly after it, is answered from what is kept, and
the store is asked again beside its caller. When no target can be asked, what is kept is given
for a while longer. What is past its time is marked stale. ``NotFound`` and ``Denied`` evict: an
answer that the store no longer gives is not given by us. A write evicts before and after, and
bars fills by reads that began before it ended. The audience that policy allows to share an
answer is part of its key.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Final, TypeVar

from skykeep.errors import Denied, NotFound, Throttled, Unauthenticated, Unavailable
from skykeep.interfaces.call import Answer, Call, Effect, Next
from skykeep.interfaces.tasks import Tasks
from skykeep.layers.kept import Entry, Kept, Key
from skykeep.settings.model import CacheSettings

T = TypeVar("T")
logger = logging.getLogger("skykeep")

DEGRADED_TTL: Final = 10.0
"""Seconds that an answer is kept at most that is not from where it should be."""


class Cache:
    """A bounded cache of answers; the least recently used goes first.

    Args:
        ttl: seconds that an answer is kept; 0 keeps nothing.
        settings: the rest; their ``ttl_seconds`` is not looked at.
        tasks: the Cloud's; what asks again beside a caller runs there.
        clock: seconds of the clock of ``Answer.at``; tests turn it.
    """

    def __init__(
        self,
        ttl: float,
        settings: CacheSettings,
        tasks: Tasks,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ttl = ttl
        self._ahead = settings.refresh_ahead_seconds
        self._revalidate = settings.stale_while_revalidate_seconds
        self._max_stale = settings.max_stale_seconds
        self._tasks = tasks
        self._clock = clock
        self._kept = Kept(settings.max_entries)
        self._entries = self._kept.entries  # a hit is worth the name
        self._refreshing: set[Key] = set()

    async def __call__(self, call: Call[T], next: Next[T], /) -> Answer[T]:
        """Answer from what is kept, or by ``next``."""
        if self._ttl <= 0:
            return await next(call)
        if call.effect is Effect.WRITE:
            return await self._write(call, next)
        if call.cache_key is None:
            return await next(call)
        key = (call.operation, call.resource, call.cache_key, call.audience)
        if call.fresh:
            return await self._read(key, call, next)
        entry = self._entries.get(key)
        if entry is not None:
            now = self._clock()
            if now < entry.plain_until and not call.strict and call.max_stale is None:
                self._entries.move_to_end(key)
                return entry.answer
            if (answer := self._take(key, call, now, self._revalidate)) is not None:
                if now >= entry.plain_until:
                    self._refresh(key, call, next, strict=now < entry.until)
                return answer
        try:
            return await self._read(key, call, next)
        except (Unavailable, Throttled):
            answer = self._take(key, call, self._clock(), self._max_stale)
            if answer is None:
                raise
            return answer

    def _take(self, key: Key, call: Call[T], now: float, grace: float) -> Answer[T] | None:
        """What is kept, if the call takes it, until ``grace`` seconds past its time."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        answer: Answer[T] = entry.answer
        if now >= entry.until:
            if now >= entry.until + max(self._revalidate, self._max_stale):
                self._kept.drop(key)
                return None
            if now >= entry.until + grace:
                return None
            answer = replace(answer, stale=True)
        if call.strict and (answer.stale or answer.degraded):
            return None
        if call.max_stale is not None and now - answer.at + answer.behind > call.max_stale:
            return None
        self._entries.move_to_end(key)
        return answer

    def _refresh(self, key: Key, call: Call[T], next: Next[T], *, strict: bool) -> None:
        if key in self._refreshing:
            return
        # While what is kept is good, an answer that is not from home would be a loss.
        again = replace(call, trace=[], strict=strict, max_stale=None)

        async def refresh() -> None:
            try:
                await self._read(key, again, next)
            except Exception as error:  # noqa: BLE001  (nobody waits for it)
                text = "%s %s was not refreshed: %s"
                logger.debug(text, call.operation, call.resource, type(error).__name__)

        self._refreshing.add(key)
        task = self._tasks.start(refresh(), name=f"refresh {call.operation} {call.resource}")
        task.add_done_callback(lambda _: self._refreshing.discard(key))

    async def _read(self, key: Key, call: Call[T], next: Next[T]) -> Answer[T]:
        ticket = self._kept.ticket(call.resource)
        try:
            answer = await next(call)
        except (NotFound, Denied, Unauthenticated):
            self._kept.clear(call.resource)
            raise
        finally:
            # Barred, the answer is good for its caller, who asked before the write ended,
            # and for nobody after.
            fills = self._kept.hand_in(call.resource, ticket)
        if fills and not answer.stale:
            ttl = min(self._ttl, DEGRADED_TTL) if answer.degraded else self._ttl
            until = self._clock() + ttl
            ahead = 0.0 if answer.degraded else self._ahead
            kept = replace(answer, cached=True)
            self._kept.put(key, Entry(until - ahead, until, kept, ticket))
        return answer

    async def _write(self, call: Call[T], next: Next[T]) -> Answer[T]:
        self.invalidate(call.resource)
        try:
            return await next(call)
        finally:
            self.invalidate(call.resource)

    def invalidate(self, resource: str | None) -> None:
        """Forget the resource, or (None) everything, and bar reads now under way."""
        self._kept.clear(resource)

    def forget(self) -> None:
        """After a fork: what asks again is the parent's."""
        self._refreshing = set()
