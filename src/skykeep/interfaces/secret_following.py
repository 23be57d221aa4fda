"""The methods of ``Secrets`` that follow what happens: watch, on_change, hold."""

from __future__ import annotations

from abc import ABC, abstractmethod

from skykeep.errors import Invalid
from skykeep.interfaces.names import check_prefix, shown
from skykeep.interfaces.secret_changes import Source, Survey
from skykeep.interfaces.secret_driver import Secret
from skykeep.interfaces.secret_holding import REFUSED_EVERY, HeldSecret
from skykeep.interfaces.secret_watching import EVERY, OnChange, OnError, Watch, Watching
from skykeep.interfaces.tasks import Tasks


class FollowedSecrets(ABC):
    """What ``Secrets`` has of it. All of it looks at the store every so often."""

    _tasks: Tasks

    @abstractmethod
    def _source(self) -> Source:
        """How a look asks."""

    @abstractmethod
    def _resource(self, name: str) -> str:
        """The name with its scope. Raises ``Invalid``."""

    @abstractmethod
    async def get(self, name: str, *, fresh: bool = False) -> Secret:
        """The current value."""

    def watch(
        self,
        *names: str,
        prefix: str | None = None,
        every: float = EVERY,
        values: bool = True,
        initial: bool = False,
        on_error: OnError | None = None,
    ) -> Watch:
        """What changes from now on: an async iterator of ``Change``, for ``async with``.

        A look every ``every`` seconds, 20 % more or less. It asks the home of each secret: what
        a replica or a cache tells is no change, and what does not answer is none either. A
        prefix is looked at by its listing where that tells versions, else secret by secret.
        What is said of a secret besides its value is not watched.

        Args:
            names: secrets, there or not.
            prefix: all under it, as for ``list``; ``""`` is all.
            every: seconds.
            values: changes come with the new value; without it the store is not asked for
                values, where it tells a change otherwise.
            initial: begin with what is there, as ``created``.
            on_error: told of each failure that does not end the watch.
        """
        if not names and prefix is None:
            raise Invalid("nothing to watch: give names, a prefix or both")
        for name in names:
            self._resource(name)
        if prefix is not None and (prefix := check_prefix(prefix)):
            self._resource(prefix)
        survey = Survey(self._source(), names, prefix, values=values, initial=initial)
        return Watch(survey, _words(names, prefix), every, on_error=on_error)

    def on_change(
        self,
        name: str,
        callback: OnChange,
        *,
        every: float = EVERY,
        on_error: OnError | None = None,
    ) -> Watching:
        """Call back with each ``Change`` of a secret, until what this gives is closed.

        Or the cloud is. The callback may be a coroutine function; while it runs no other change
        is told. One that fails is logged by the class of its error, and called again. Needs a
        running event loop.
        """
        watch = self.watch(name, every=every, on_error=on_error)
        return Watching(watch, shown(name), callback, self._tasks)

    async def hold(
        self, name: str, *, every: float = EVERY, refused_every: float = REFUSED_EVERY
    ) -> HeldSecret:
        """A secret whose ``value`` is always the newest that was seen, until it is closed.

        ``refused()`` of it reads the value afresh after it was refused somewhere, at most once
        in ``refused_every`` seconds. Raises ``NotFound``, ``VersionUnavailable``.
        """
        secret = await self.get(name, fresh=True)
        return HeldSecret(
            secret, self._source(), self._tasks, every=every, refused_every=refused_every
        )


def _words(names: tuple[str, ...], prefix: str | None) -> str:
    """What is watched, for the log."""
    parts = [shown(names[0])] if len(names) == 1 else [f"{len(names)} secrets"] if names else []
    if prefix is not None:
        parts.append(f"all secrets under {shown(prefix)}" if prefix else "all secrets")
    return " and ".join(parts)
