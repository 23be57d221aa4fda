"""Commands over several targets: one may be away, and all get what is written."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Final

from skykeep.apps.cli.console import Console, counted
from skykeep.errors import SkykeepError, Throttled, Unavailable

if TYPE_CHECKING:
    from skykeep.cloud import Cloud
    from skykeep.layers.telemetry import Event

SECONDS: Final = 2.0
"""That a command waits, after its work, for targets other than the one that it wrote to."""

_READS: Final = frozenset(f"secrets.{each}" for each in ("get", "describe", "list", "versions"))


async def connect(cloud: Cloud, of_targets: bool) -> None:
    """Open the primary; one of another host gets the time of a try for it. That it is away is
    no error yet: another target may answer. What else opening raises is raised, unless the
    work is ``of_targets``.
    """
    from skykeep import registry

    environment = cloud.environment
    # What is in this process may be asking for a passphrase.
    embedded = registry.provider(environment.primary.backend).embedded
    try:
        async with asyncio.timeout(None if embedded else environment.attempt_seconds):
            await cloud.connect()
    except (TimeoutError, Unavailable, Throttled):
        pass
    except SkykeepError:
        if not of_targets:
            raise


class Settling:
    """Around a command's work: notices whether it writes. What only reads ends as it did."""

    def __init__(self, cloud: Cloud, console: Console) -> None:
        self._cloud = cloud
        self._console = console
        self._wrote = False
        cloud.listen(self._heard)

    def _heard(self, event: Event) -> None:
        if event.error is None and event.operation not in _READS:
            self._wrote |= event.operation.startswith("secrets.")

    async def __aenter__(self) -> None:
        pass

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # An error does not undo what was written before it. Ctrl-C does not wait.
        if self._wrote and (kind is None or issubclass(kind, Exception)):
            await self._settle()

    async def _settle(self) -> None:
        """Bring it to the other targets; say what they still have to get.

        Raises nothing: the write is kept, whatever becomes of this.
        """
        try:
            owed = await self._cloud.replication.settle(SECONDS)
        except SkykeepError as error:
            self._console.warn(f"what other targets are owed is not known: {error.message}")
            return
        if owed:
            self._console.warn(still_owed(owed))


def still_owed(owed: Mapping[str, int]) -> str:
    """``1 write is still owed to backup (azure): …``."""
    told = " and ".join(
        f"{counted(count, 'write')} {'is' if count == 1 else 'are'} still owed to {target}"
        for target, count in sorted(owed.items())
    )
    return f"{told}: kept in this host's journal; bring it with: skykeep reconcile"
