"""Every call as one event; whoever wants to know listens.

Exporters, the log and users' own callbacks are listeners. A listener that fails is
logged and does not disturb the call.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from skykeep.errors import SkykeepError
from skykeep.interfaces.call import Answer, Call, Next, Try

T = TypeVar("T")
logger = logging.getLogger("skykeep")


@dataclass(frozen=True, slots=True)
class Event:
    """What happened to one call. Holds names, never values.

    Attributes:
        operation, resource, principal: as the call had them.
        seconds: from the application's call to its answer.
        error: the class name of the error that the caller got, or None. A cancelled call
            has ``"CancelledError"``.
        source: the target that answered, or None.
        cached, stale, degraded: as the answer had them.
        tries: what was tried below, in order.
    """

    operation: str
    resource: str
    principal: str | None
    seconds: float
    error: str | None
    source: str | None
    cached: bool
    stale: bool
    degraded: bool
    tries: tuple[Try, ...]


Listener = Callable[[Event], None]


class Telemetry:
    """Tells listeners of each call, after it."""

    def __init__(self) -> None:
        self.listeners: list[Listener] = []

    async def __call__(self, call: Call[T], next: Next[T], /) -> Answer[T]:
        """Answer by ``next``; then tell, whatever the outcome was."""
        if not self.listeners:
            return await next(call)
        begun = time.perf_counter()
        try:
            answer = await next(call)
        except BaseException as error:
            self._tell(call, begun, type(error).__name__, None)
            raise
        self._tell(call, begun, None, answer)
        return answer

    def _tell(
        self, call: Call[T], begun: float, error: str | None, answer: Answer[T] | None
    ) -> None:
        event = Event(
            call.operation,
            call.resource,
            call.principal,
            time.perf_counter() - begun,
            error,
            answer.source if answer else None,
            answer.cached if answer else False,
            answer.stale if answer else False,
            answer.degraded if answer else False,
            tuple(call.trace),
        )
        for listener in tuple(self.listeners):
            try:
                listener(event)
            except Exception as failure:  # noqa: BLE001  (not the caller's problem)
                logger.warning("a telemetry listener failed: %s", type(failure).__name__)


def log_event(event: Event) -> None:
    """A listener: one DEBUG line a call."""
    if logger.isEnabledFor(logging.DEBUG):
        logger.debug(
            "%s %s: %s in %.1f ms, source=%s%s%s",
            event.operation,
            event.resource or "(all)",
            event.error or "ok",
            event.seconds * 1000,
            event.source,
            " cached" if event.cached else "",
            f" tries={len(event.tries)}" if len(event.tries) > 1 else "",
        )


class NameTheCall:
    """Puts operation and resource on the errors that pass, so that each says what failed."""

    async def __call__(self, call: Call[T], next: Next[T], /) -> Answer[T]:
        """Answer by ``next``."""
        try:
            return await next(call)
        except SkykeepError as error:
            error.located(operation=call.operation, resource=call.resource)
            raise
