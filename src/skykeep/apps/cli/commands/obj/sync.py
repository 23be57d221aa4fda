"""``skykeep obj sync``."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import click

from skykeep.apps.cli.command import command as command_of
from skykeep.apps.cli.commands.obj.shared import (
    PlaceText,
    agreed,
    beside,
    jobs_option,
    run,
    to_env_option,
    yes_option,
)
from skykeep.apps.cli.console import Console, Progress, counted, printable
from skykeep.apps.cli.exit_codes import DIFFERS, DONE
from skykeep.apps.cli.invocation import Invocation, pass_invocation
from skykeep.errors import Invalid

if TYPE_CHECKING:
    from skykeep.apps.cli.commands.obj.copying import Transfer
    from skykeep.apps.cli.transfers.places import FilePlace, KeyPlace
    from skykeep.apps.cli.transfers.sides import Entry, Side
    from skykeep.interfaces.objects import Objects

_REMOVED_AT_ONCE = 1000


@command_of(
    examples="""
    skykeep obj sync reports :reports --dry-run
    skykeep obj sync reports :reports --delete --yes
    skykeep obj sync :reports copy-of-reports
    skykeep --env development obj sync :models :models --to-env production
    """
)
@click.argument("source", metavar="SRC", type=PlaceText())
@click.argument("target", metavar="DST", type=PlaceText())
@click.option("--delete", is_flag=True, help="Remove what is in DST and not in SRC.")
@click.option("--dry-run", is_flag=True, help="Show what would be done.")
@click.option("--quick", is_flag=True, help="Compare sizes and times only.")
@to_env_option()
@jobs_option()
@yes_option()
@pass_invocation
def command(
    invocation: Invocation,
    /,
    *,
    source: str,
    target: str,
    delete: bool,
    dry_run: bool,
    quick: bool,
    to_env: str | None,
    jobs: int,
    yes: bool,
) -> int:
    """Make DST like SRC: a directory and a prefix (':KEY', ':' for all), or two prefixes.

    Compared by size and SHA-256: a file is read, and an object has its SHA-256 from the store
    or from cp and sync, which keep it as metadata. What is the same is left, so a sync that
    broke off is gone on with by the same command. With --quick nothing is read: a source
    that is newer is copied.

    Nothing is removed without --delete, which asks, and needs --yes where nobody can be
    asked. It removes nothing when SRC has nothing, and nothing when a copy failed.
    """
    from skykeep.apps.cli.commands.obj.syncing import places

    first, second = places(source, target, to_env)
    cloud = invocation.open()
    syncing = _Syncing(
        invocation.console,
        delete=delete,
        dry_run=dry_run,
        quick=quick,
        jobs=jobs,
        yes=yes,
    )

    async def work(objects: Objects) -> bool:
        async with AsyncExitStack() as others:
            into = objects
            if to_env is not None:
                other = beside(invocation, cloud, to_env)
                await others.enter_async_context(other)
                into = other.objects
            return await syncing.run(
                first,
                second,
                objects,
                into,
                store=f"{cloud.environment.name}:{cloud.environment.scope}",
            )

    return DONE if run(cloud, work) else DIFFERS


class _Syncing:
    def __init__(
        self,
        console: Console,
        *,
        delete: bool,
        dry_run: bool,
        quick: bool,
        jobs: int,
        yes: bool,
    ) -> None:
        self._console = console
        self._delete = delete
        self._dry_run = dry_run
        self._quick = quick
        self._jobs = jobs
        self._yes = yes

    async def run(
        self,
        source: KeyPlace | FilePlace,
        target: KeyPlace | FilePlace,
        objects: Objects,
        into: Objects,
        *,
        store: str,
    ) -> bool:
        """Plan, ask, copy, remove; False if somebody says no to the removal."""
        from skykeep.apps.cli.commands.obj.copying import Transfer, Transfers, below, warn_of
        from skykeep.apps.cli.transfers.comparing import compared
        from skykeep.apps.cli.transfers.places import FilePlace
        from skykeep.apps.cli.transfers.sides import Files, Keys
        from skykeep.apps.cli.transfers.uploading import Kept

        one = Files(source) if isinstance(source, FilePlace) else Keys(source, objects)
        other = (
            Files(target, may_be_missing=True)
            if isinstance(target, FilePlace)
            else Keys(target, into)
        )
        progress = Progress("compared", self._console)
        try:
            plan = await compared(
                one, other, quick=self._quick, jobs=self._jobs, progress=progress
            )
        finally:
            progress.end()
        warn_of(self._console, one.passed_over)
        transfers = [
            Transfer(
                below(source, change.entry.name),
                below(target, change.entry.name),
                change.entry.size,
                change.why,
            )
            for change in plan.changes
        ]
        extra = plan.extra if self._delete else []
        if extra and not plan.same and not transfers:
            raise Invalid(
                f"'{source}' has nothing: all {len(extra):,} below '{target}' would be removed",
                hint="if that is meant: skykeep obj rm -r, or rm -r",
            )
        if self._dry_run:
            self._show(transfers, [str(below(target, entry.name)) for entry in extra])
            self._sum_up(len(transfers), transfers, len(extra), plan.same, would=True)
            return True
        if extra and not self._agreed_to(extra, str(target), other.noun):
            self._console.note("nothing was copied and nothing was removed")
            return False
        work = Transfers(objects, into, store, Kept(), self._console, self._jobs)
        await work.make(transfers)
        await self._remove(other, extra)
        self._sum_up(len(transfers), transfers, len(extra), plan.same, would=False)
        return True

    def _agreed_to(self, extra: Sequence[Entry], target: str, noun: str) -> bool:
        what = f"{counted(len(extra), noun)} below '{target}' (as '{extra[0].name}')"
        return self._yes or agreed(
            printable(f"Remove {what} for ever?"), f"{what} would be removed for ever"
        )

    async def _remove(self, side: Side, extra: Sequence[Entry]) -> None:
        from skykeep.apps.cli.commands.obj.copying import below

        for at in range(0, len(extra), _REMOVED_AT_ONCE):
            some = extra[at : at + _REMOVED_AT_ONCE]
            failed = await side.remove(some)
            for entry in some:
                if entry.name not in failed:
                    self._tell_removed(str(below(side.place, entry.name)))
            for name, error in failed.items():
                error.message = f"'{name}' was not removed: {error.message}"
                raise error

    def _tell_removed(self, place: str) -> None:
        if self._console.json:
            self._console.line({"removed": place})
        else:
            self._console.text(printable(f"{place}: removed"))

    def _show(self, transfers: Sequence[Transfer], extra: Sequence[str]) -> None:
        from skykeep.apps.cli.commands.obj.copying import document

        console = self._console
        for each in transfers:
            if console.json:
                console.line(document(each, each.size, None))
            else:
                console.text(
                    printable(
                        f"{each.source} -> {each.target} ({each.size:,} bytes, {each.why})"
                    )
                )
        for place in extra:
            if console.json:
                console.line({"removed": place})
            else:
                console.text(printable(f"{place}: to be removed"))

    def _sum_up(
        self,
        count: int,
        transfers: Sequence[Transfer],
        removed: int,
        same: int,
        *,
        would: bool,
    ) -> None:
        size = sum(each.size for each in transfers)
        what = "to copy" if would else "copied"
        gone = "to remove" if would else "removed"
        self._console.note(
            f"{count:,} {what} ({size:,} bytes), {removed:,} {gone}, {same:,} the same"
        )
