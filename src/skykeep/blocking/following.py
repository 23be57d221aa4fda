"""What follows changes of secrets, without an event loop."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from skykeep.blocking.waiting import LoopThread, Waiting, blocking
from skykeep.errors import SkykeepError
from skykeep.interfaces.secret_changes import Change
from skykeep.interfaces.secret_driver import Secret
from skykeep.interfaces.secret_holding import HeldSecret
from skykeep.interfaces.secret_value import SecretValue
from skykeep.interfaces.secret_watching import Watch, Watching


class BlockingWatch:
    """``Watch``, as a plain iterator for ``with``; waits for the next change."""

    def __init__(self, watch: Watch, thread: LoopThread) -> None:
        self._watch = watch
        self._thread = thread

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Change:
        change = self._thread.run(self._next())
        if change is None:
            raise StopIteration
        return change

    async def _next(self) -> Change | None:
        return await anext(self._watch, None)

    def close(self) -> None:
        """End the iteration, also while another thread waits in it. May be called twice."""
        self._thread.run(self._watch.aclose())

    def __enter__(self) -> Self:
        self._thread.run(self._watch.__aenter__())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class BlockingWatching(Waiting[Watching]):
    """``Watching``, each method waited for. The callback is called on the loop's thread."""

    begun = blocking(Watching.begun)

    @property
    def error(self) -> SkykeepError | None:
        """What ended it, or None."""
        return self._waited_for.error

    def close(self) -> None:
        """Call it no more; see ``Watching.close``."""

        async def close() -> None:  # on the loop: the task belongs to it
            self._waited_for.close()

        self._thread.run(close())


class BlockingHeldSecret(Waiting[HeldSecret]):
    """``HeldSecret``, each method waited for; its value may be read from any thread."""

    refused = blocking(HeldSecret.refused)

    @property
    def secret(self) -> Secret:
        """The newest that was seen."""
        return self._waited_for.secret

    @property
    def value(self) -> SecretValue:
        """Its value."""
        return self._waited_for.value

    def close(self) -> None:
        """Look no more; see ``HeldSecret.close``."""

        async def close() -> None:  # on the loop: the task belongs to it
            self._waited_for.close()

        self._thread.run(close())
