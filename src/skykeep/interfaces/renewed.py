"""A credential that ends: got once for all who wait, renewed ahead of its end.

For providers whose credentials come from a library that blocks. What belongs here: when it is
got, by whom, and what becomes of a failure. What does not: how it is got (each provider).
"""

from __future__ import annotations

import asyncio
import copy
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

from skykeep.errors import SkykeepError

T = TypeVar("T")


class Renewed(Generic[T]):
    """The credential of one target, for all its clients.

    May be used from any event loop. It is got in a thread, one at a time; getting it goes on
    when the call that began it is cancelled, and the next call finds its outcome.

    Args:
        find: gets it; blocks. Its argument says whether the source is asked again even if what
            it gave has not ended. Raises our errors.
        ends: seconds since the epoch at which it ends, or None.
        ahead: seconds before its end from which on it is renewed beside the calls.
        last: seconds before its end from which on no call begins with it.
        patience: seconds after a renewal beside calls until the next try.
        name: of the thread.
    """

    def __init__(
        self,
        find: Callable[[bool], T],
        ends: Callable[[T], float | None],
        *,
        ahead: float,
        last: float,
        patience: float = 30.0,
        name: str = "skykeep credentials",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._find = find
        self._ends = ends
        self._ahead = ahead
        self._last = last
        self._patience = patience
        self._name = name
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: T | None = None
        self._under_way: Future[T] | None = None
        self._not_before = 0.0

    @property
    def kept(self) -> T | None:
        """The one that was got last; it may have ended."""
        return self._kept

    async def current(self) -> T:
        """One that is good for ``last`` seconds at least. Raises what ``find`` raises."""
        kept = self._kept
        if kept is not None:
            ends = self._ends(kept)
            left = float("inf") if ends is None else ends - self._clock()
            if left > self._ahead:
                return kept
            if left > self._last:
                if self._clock() >= self._not_before:
                    self._begin(anew=False)
                return kept
        return await self._outcome(self._begin(anew=False))

    async def another(self, refused: T) -> T:
        """What the source gives instead of one that was refused; it may be the very same."""
        kept = self._kept
        if kept is None or kept is refused:
            kept = await self._outcome(self._begin(anew=True))
        return kept

    def after_fork(self) -> None:
        """In a forked child: the parent's thread is not here, and its lock may be held."""
        self._lock = threading.Lock()
        self._under_way = None

    def _begin(self, *, anew: bool) -> Future[T]:
        with self._lock:
            if self._under_way is not None:
                return self._under_way
            outcome: Future[T] = Future()
            outcome.set_running_or_notify_cancel()  # a caller's cancellation does not end it
            self._under_way = outcome
        thread = threading.Thread(
            target=self._work, args=(outcome, anew), name=self._name, daemon=True
        )
        thread.start()
        return outcome

    def _work(self, outcome: Future[T], anew: bool) -> None:
        failure: Exception | None = None
        found: T | None = None
        try:
            found = self._find(anew)
        except Exception as error:  # noqa: BLE001  (handed to the calls that wait for it)
            failure = error
        with self._lock:
            if found is not None:
                self._kept = found
            self._not_before = self._clock() + self._patience
            if self._under_way is outcome:
                self._under_way = None
        if found is not None:
            outcome.set_result(found)
        elif failure is not None:
            outcome.set_exception(_bare(failure))

    @staticmethod
    async def _outcome(under_way: Future[T]) -> T:
        """What the search finds; each caller gets an error of its own, to be located by it."""
        failure: SkykeepError
        try:
            return await asyncio.wrap_future(under_way)
        except SkykeepError as error:
            failure = copy.copy(error)
        raise failure


def _bare(error: Exception) -> Exception:
    """The error without the frames that found it, which may hold credentials."""
    error.__cause__ = error.__context__ = None
    return error.with_traceback(None)
