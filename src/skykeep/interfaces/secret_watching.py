"""Changes of secrets as they come: a look at the store every so often.

What belongs here: when is looked, what is said of an outage, who is told. What is different
from one look to the next is in ``secret_changes``.
"""

from __future__ import annotations

import asyncio
import logging
import math
import random
import time
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final, TypeVar

from skykeep.errors import Invalid, SkykeepError, Throttled
from skykeep.interfaces.names import shown
from skykeep.interfaces.secret_changes import NO_ANSWER, Change, Looked, Survey
from skykeep.interfaces.tasks import Tasks

T = TypeVar("T")
OnError = Callable[[SkykeepError], object]
OnChange = Callable[[Change], object]
logger = logging.getLogger("skykeep")

EVERY: Final = 30.0
"""Seconds from one look to the next, if nothing else is asked for."""
JITTER: Final = 0.2
"""The part of it by which a look is earlier or later: a thousand hosts that were started at
once do not look at once for long."""
PATIENCE: Final = 4
"""How many times longer is waited, at most, while the store does not answer."""


class Watch:
    """An async iterator of ``Change``; ends when it is closed, or with an error.

    ``async with`` takes the first look, so that what happens after it is told, and closes;
    without it the first step of the iteration takes it. What changes more than once between two
    looks is seen once. Where there is no answer it goes on: this is logged once as a warning,
    looks become fewer, and their return is logged, too. ``Denied``, ``Unauthenticated`` and
    what no time will mend end it.

    Not to be iterated by two tasks at once. A step that is cancelled loses no change.
    """

    def __init__(
        self,
        survey: Survey,
        what: str,
        every: float,
        *,
        on_error: OnError | None = None,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        jitter: Callable[[], float] = random.random,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """
        Args:
            survey: what is looked at.
            what: that, in words, for the log.
            every: seconds from one look to the next, 20 % more or less. Raises ``Invalid``
                unless it is more than 0.
            on_error: told of each failure of each look; one a look where there is no answer.
            sleep, jitter, clock: tests have their own.
        """
        if not (every > 0 and math.isfinite(every)):
            raise Invalid(f"'every' is a number of seconds above 0, not {every!r}")
        self._survey = survey
        self._what = what
        self._every = every
        self._on_error = on_error
        self._sleep = sleep
        self._jitter = jitter
        self._clock = clock
        self._told: deque[Change] = deque()
        self._due: float | None = None
        self._out: dict[str, str] = {}  # whose looks fail -> why
        self._failures = 0
        self._work: asyncio.Task[Any] | None = None
        self._closed = False

    def begin_later(self) -> None:
        """Put the first look off, as if one had just been taken."""
        self._due = self._clock() + self._wait(self._every)

    def __aiter__(self) -> Watch:
        return self

    async def __anext__(self) -> Change:
        while not self._told:
            await self._next_look()
        return self._told.popleft()

    async def next_changes(self) -> list[Change]:
        """All that one look has found, not told yet; empty when it is closed."""
        try:
            first = await anext(self)
        except StopAsyncIteration:
            return []
        found = [first, *self._told]
        self._told.clear()
        return found

    async def __aenter__(self) -> Watch:
        if self._due is None:
            await self._next_look()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """End the iteration, also while another task waits in it. May be called twice."""
        self._closed = True
        self._told.clear()
        work = self._work
        if work is not None:
            work.cancel()
            await asyncio.wait({work})

    async def _next_look(self) -> None:
        if self._closed:
            raise StopAsyncIteration
        if self._work is not None:
            raise RuntimeError("two tasks iterate over one watch")
        if self._due is not None and (rest := self._due - self._clock()) > 0:
            await self._unless_closed(self._rest(rest))
        try:
            looked = await self._unless_closed(self._survey.look())
        except SkykeepError:
            self._closed = True
            raise
        self._told += looked.changes
        self._due = self._clock() + self._wait_after(looked)

    async def _rest(self, seconds: float) -> None:
        await self._sleep(seconds)

    async def _unless_closed(self, work: Coroutine[Any, Any, T]) -> T:
        """Do the work, in a task of its own that ``aclose`` can end."""
        task = asyncio.get_running_loop().create_task(work)
        self._work = task
        try:
            return await task
        except asyncio.CancelledError:
            caller = asyncio.current_task()
            if not self._closed or (caller is not None and caller.cancelling()):
                raise
        finally:
            self._work = None
        raise StopAsyncIteration

    # -- outages

    def _wait_after(self, looked: Looked) -> float:
        """Say what is to be said of a look; seconds until the next one."""
        silent = [error for error in looked.failures.values() if isinstance(error, NO_ANSWER)]
        self._failures = self._failures + 1 if silent else 0
        wait = self._wait(self._every * min(PATIENCE, 2**self._failures))
        asked = [error.retry_after or 0.0 for error in silent if isinstance(error, Throttled)]
        wait = max(wait, *asked, 0.0)
        out: dict[str, str] = {}
        for name, error in looked.failures.items():
            # Where the store does not answer one word is enough for all of its secrets.
            whose, why = (name, type(error).__name__) if error not in silent else ("", "")
            if whose not in out:
                out[whose] = why
                if self._out.get(whose) != why:
                    self._log(whose, error, wait)
                self._tell(error)
        for whose in self._out.keys() - out.keys():
            logger.warning("the watch of %s goes on%s", self._what, _for(whose))
        self._out = out
        return wait

    def _log(self, whose: str, error: SkykeepError, wait: float) -> None:
        logger.warning(
            "the watch of %s has no answer%s: %s: %s; the next look is in %.0f s",
            self._what,
            _for(whose),
            type(error).__name__,
            error.message,
            wait,
        )

    def _wait(self, seconds: float) -> float:
        return seconds * (1 - JITTER + 2 * JITTER * self._jitter())

    def _tell(self, error: SkykeepError) -> None:
        if self._on_error is None:
            return
        try:
            self._on_error(error)
        except Exception as failure:  # noqa: BLE001  (it is not the watch's trouble)
            logger.warning("a watch's on_error failed: %s", type(failure).__name__)


class Watching:
    """What ``Secrets.on_change`` gives: a callback that is called until this is closed.

    Attributes:
        error: what ended it, or None. ``close`` and the end of the cloud are no errors.
    """

    def __init__(self, watch: Watch, what: str, callback: OnChange, tasks: Tasks) -> None:
        """Begins at once. ``tasks`` are the cloud's."""
        self.error: SkykeepError | None = None
        self._watch = watch
        self._what = what
        self._callback = callback
        self._begun = asyncio.Event()
        self._task = tasks.start(self._run(), name=f"watch {what}")
        # However it ends: nobody waits for a look that does not come any more.
        self._task.add_done_callback(lambda _: self._begun.set())

    async def begun(self) -> None:
        """Wait until the first look was taken. What happens from then on is told."""
        await self._begun.wait()
        if self.error is not None:
            raise self.error

    def close(self) -> None:
        """Call it no more; a call that is under way is cancelled. May be called twice."""
        self._task.cancel()

    async def _run(self) -> None:
        try:
            async with self._watch:
                self._begun.set()
                async for change in self._watch:
                    await self._call(change)
        except SkykeepError as error:
            self.error = error
            logger.error(
                "the watch of %s has ended: %s: %s",
                self._what,
                type(error).__name__,
                error.message,
            )

    async def _call(self, change: Change) -> None:
        try:
            outcome = self._callback(change)
            if isinstance(outcome, Awaitable):
                await outcome
        except Exception as failure:  # noqa: BLE001  (it is not the watch's trouble)
            logger.warning(
                "a callback for changes of %s failed: %s", self._what, type(failure).__name__
            )


def _for(name: str) -> str:
    return f" for {shown(name)}" if name else ""
