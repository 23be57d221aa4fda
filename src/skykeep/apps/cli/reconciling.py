"""What ``skykeep reconcile`` does: end conflicts, bring what is owed, tell the rest."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

from skykeep.apps.cli.console import Console, Progress, counted, printable
from skykeep.apps.cli.exit_codes import DIFFERS, DONE
from skykeep.errors import SkykeepError
from skykeep.interfaces.names import shown

if TYPE_CHECKING:
    from skykeep.cloud import Cloud
    from skykeep.replication.conflicts import Conflict
    from skykeep.replication.face import Replication
    from skykeep.replication.waiting import Waiting

_GLANCE = 0.1
"""Seconds between two looks at how much is left, for the progress that is shown."""


class Reconciling:
    """One run. Called with the cloud it does the work; ``tell`` shows what came of it."""

    def __init__(
        self,
        console: Console,
        keep: str | None,
        names: tuple[str, ...],
        *,
        dry_run: bool,
        yes: bool,
    ) -> None:
        self._console = console
        self._keep = keep
        self._names = names
        self._dry_run = dry_run
        self._yes = yes
        self._kept: list[str] = []
        self._brought: Counter[str] = Counter()
        self._settled = 0
        self._away: dict[str, str] = {}
        self._waiting: list[Waiting] = []
        self._conflicts: list[Conflict] = []
        self._alone = False

    async def __call__(self, cloud: Cloud) -> None:
        """Raises what the journal raises, and for ``--keep`` what ``Replication.resolve``
        raises."""
        from skykeep.apps.cli.targets_told import is_conflict

        replication = cloud.replication
        self._alone = not (cloud.environment.failover or cloud.environment.backups)
        if self._keep is not None and not self._agreed(cloud, self._keep):
            self._console.note("nothing was decided")
            self._names = ()
        if not self._dry_run:
            async with self._progress(replication):
                await self._rounds(replication)  # it is this that finds conflicts
                for name in self._names:
                    await replication.resolve(name, self._keep or "")
                    self._kept.append(name)
                if self._kept:
                    await self._rounds(replication)
        self._waiting = replication.waiting()
        self._conflicts = [each for each in await replication.conflicts() if is_conflict(each)]

    def _agreed(self, cloud: Cloud, keep: str) -> bool:
        from skykeep.apps.cli.commands.obj.shared import agreed
        from skykeep.replication.naming import find

        label = find(cloud.environment, keep).label  # a wrong one is said before it is asked
        many = len(self._names)
        what = shown(self._names[0]) if many == 1 else f"{many:,} secrets"
        stays = f"what {label} holds of {what} would be written to all targets"
        return self._yes or agreed(f"Write to all targets what {label} holds of {what}?", stays)

    async def _rounds(self, replication: Replication) -> None:
        """Until nothing moves."""
        while True:
            done = await replication.reconcile()
            self._brought.update(done.brought)
            self._settled += done.settled
            self._away |= done.away
            if not (done.brought or done.settled):
                return

    @asynccontextmanager
    async def _progress(self, replication: Replication) -> AsyncIterator[None]:
        progress = Progress("writes still owed", self._console)

        async def watch() -> None:
            while True:
                await asyncio.sleep(_GLANCE)
                with suppress(SkykeepError):
                    progress.at(sum(replication.owed().values()))

        watching = asyncio.create_task(watch())
        try:
            yield
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
            progress.end()

    def tell(self, environment: str | None) -> int:
        """Show what was done and what is left; returns the exit code."""
        if self._console.json:
            self._console.document(self._document(environment))
        else:
            self._show()
        return DIFFERS if self._waiting else DONE

    def _show(self) -> None:
        from skykeep.apps.cli.targets_told import conflict_text, waiting_table

        console = self._console
        for name in self._kept:
            console.text(f"{printable(name)}: what {self._keep} held is kept")
        for target, count in sorted(self._brought.items()):
            console.text(f"{target}: {counted(count, 'write')} brought")
        if self._settled:
            console.text(f"{counted(self._settled, 'write')} no longer in doubt")
        if not self._waiting:
            console.text(
                "nothing is owed: the environment has one target"
                if self._alone
                else "nothing is owed: this host has brought all that it wrote"
            )
            return
        console.text(waiting_table(self._waiting, self._away))
        for each in self._conflicts:
            console.text()
            console.text(conflict_text(each))
        if self._conflicts:
            name = printable(self._conflicts[0].name)
            console.note(f"keep one side: skykeep reconcile --keep TARGET {name}")
        if self._dry_run:
            console.note("nothing was brought")

    def _document(self, environment: str | None) -> dict[str, Any]:
        from skykeep.apps.cli.targets_told import conflict_document, waiting_document

        return {
            "environment": environment,
            "dry_run": self._dry_run,
            "kept": self._kept,
            "brought": dict(sorted(self._brought.items())),
            "settled": self._settled,
            "owed": [waiting_document(each, self._away) for each in self._waiting],
            "away": self._away,
            "conflicts": [conflict_document(each) for each in self._conflicts],
        }
