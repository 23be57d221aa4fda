"""What ``skykeep watch`` does with changes: shows them, and runs a command."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

from skykeep.apps.cli import child
from skykeep.apps.cli.console import Console, moment, printable, short_moment
from skykeep.apps.cli.failures import Stop

if TYPE_CHECKING:
    from skykeep.interfaces.secret_changes import Change

T = TypeVar("T")

CHANGED = "SKYKEEP_CHANGED"
"""The variable with the names of what has changed, one a line."""


class Shown:
    """One line a change."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def __call__(self, change: Change) -> None:
        """Write it, with the time at which it was seen. Raises ``BrokenPipeError``."""
        seen = datetime.now(UTC)
        if self._console.json:
            self._console.line(
                {
                    "at": moment(seen),
                    "name": change.name,
                    "kind": change.kind,
                    "version": change.version,
                }
            )
        else:
            name, version = printable(change.name), printable(change.version or "-")
            self._console.text(
                f"{short_moment(seen)}  {change.kind:<7}  {name}  version {version}"
            )


class AfterChanges:
    """Runs a command after changes: one run at a time, with all that came since the last one.

    Use it as an async context manager. Left by an error it ends the command, else it waits
    until it has run for all. ``stop`` is called if it cannot be started, and that is raised at
    the end.
    """

    def __init__(
        self,
        words: Sequence[str],
        console: Console,
        stop: Callable[[], Awaitable[None]],
        *,
        keep_unlock: bool,
    ) -> None:
        self._words = words
        self._console = console
        self._stop = stop
        self._keep_unlock = keep_unlock
        self._pending: dict[str, None] = {}
        self._running: asyncio.Task[None] | None = None
        self.code = 0
        """How the last run ended."""

    def __call__(self, names: Sequence[str]) -> None:
        """These have changed."""
        if not self._words:
            return
        self._pending |= dict.fromkeys(names)
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._run())

    async def __aenter__(self) -> AfterChanges:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        if self._running is None:
            return
        if kind is not None:
            self._running.cancel()
            with suppress(asyncio.CancelledError):
                await self._running
        else:
            await self._running

    async def _run(self) -> None:
        while self._pending:
            names, self._pending = list(self._pending), {}
            try:
                process = self._start(names)
            except Stop:
                await self._stop()
                raise
            # In a thread: asyncio's own processes are reaped twice when they are ended.
            ended = asyncio.ensure_future(asyncio.to_thread(process.wait))
            try:
                code = await asyncio.shield(ended)
            except asyncio.CancelledError:
                process.terminate()
                await ended
                raise
            self.code = code if code >= 0 else 128 - code
            if self.code:
                self._console.warn(f"the command ended with code {self.code}")

    def _start(self, names: Sequence[str]) -> subprocess.Popen[bytes]:
        """The command, running. Raises ``Stop``."""
        variables = child.environment(
            {CHANGED: "\n".join(names).encode()},
            pristine=False,
            keep_unlock=self._keep_unlock,
        )
        try:
            return subprocess.Popen(  # noqa: S603  (what the command line asks for)
                self._words,
                env=variables,
                stdin=subprocess.DEVNULL,
                # Lines of JSON are for whoever reads standard output, and nothing else is.
                stdout=2 if self._console.json else None,
            )
        except OSError as error:
            raise child.cannot_start(self._words[0], error) from None


async def until_told(work: Callable[[], Awaitable[T]], seconds: float | None) -> T | None:
    """The work, ended by SIGTERM, which raises ``Stop``, or after some seconds: None."""
    ended = False

    def end() -> None:
        nonlocal ended
        ended = True
        task.cancel()

    async def limited() -> T:
        async with asyncio.timeout(seconds):
            return await work()

    task = asyncio.ensure_future(limited())
    with _at_sigterm(end):
        try:
            return await task
        except TimeoutError:
            return None
        except asyncio.CancelledError:
            if not ended:
                raise
    raise Stop("Interrupted", "ended by SIGTERM")


@contextmanager
def _at_sigterm(end: Callable[[], None]) -> Iterator[None]:
    if os.name == "nt":  # loops have no handlers for signals there
        yield
        return
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, end)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGTERM)
