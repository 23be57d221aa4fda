"""``skykeep obj rm``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import click

from skykeep.apps.cli.command import command as command_of
from skykeep.apps.cli.commands.obj.shared import JOBS, Key, agreed, run, yes_option
from skykeep.apps.cli.console import Console, Progress, counted, printable
from skykeep.apps.cli.exit_codes import DIFFERS, DONE
from skykeep.apps.cli.invocation import Invocation, pass_invocation
from skykeep.errors import NotFound, SkykeepError

if TYPE_CHECKING:
    from skykeep.interfaces.objects import Objects


@command_of(
    examples="""
    skykeep obj rm reports/today.json
    skykeep obj rm -r reports/2025 --yes
    """
)
@click.argument("keys", type=Key(), nargs=-1, required=True, metavar="KEY...")
@click.option("-r", "--recursive", is_flag=True, help="All that is below KEY.")
@click.option("--missing-ok", is_flag=True, help="What is not there is no error.")
@yes_option()
@pass_invocation
def command(
    invocation: Invocation,
    /,
    *,
    keys: tuple[str, ...],
    recursive: bool,
    missing_ok: bool,
    yes: bool,
) -> int:
    """Remove objects for ever.

    Asks on a terminal and needs --yes elsewhere. With -r what is below each KEY is removed,
    and an object KEY itself is not.
    """
    removing = _Removing(invocation.console, missing_ok=missing_ok, yes=yes)

    async def work(objects: Objects) -> bool:
        return await (removing.below if recursive else removing.each)(
            objects, list(dict.fromkeys(keys))
        )

    if run(invocation.open(), work):
        return DONE
    invocation.console.note("nothing was removed")
    return DIFFERS


class _Removing:
    def __init__(self, console: Console, *, missing_ok: bool, yes: bool) -> None:
        self._console = console
        self._missing_ok = missing_ok
        self._yes = yes

    async def each(self, objects: Objects, keys: Sequence[str]) -> bool:
        """Remove these; False if somebody says no. Raises ``NotFound`` before any is."""
        from skykeep.interfaces.side_by_side import side_by_side

        there = await side_by_side(objects.exists, keys, JOBS)
        missing = [key for key, found in zip(keys, there, strict=True) if not found]
        if missing and not self._missing_ok:
            raise NotFound(
                f"there is no object '{missing[0]}'; nothing was removed",
                hint="what is below it is removed with -r; see: skykeep obj ls",
                resource=missing[0],
            )
        found = [key for key in keys if key not in missing]
        if not found:
            return True
        what = f"'{found[0]}'" if len(found) == 1 else counted(len(found), "object")
        if not self._agreed(what):
            return False
        self._tell(found, await objects.delete_many(found))
        return True

    async def below(self, objects: Objects, prefixes: Sequence[str]) -> bool:
        """Remove what is below these, a page at a time; False if somebody says no."""
        counts = [await self._count(objects, prefix) for prefix in prefixes]
        for prefix, (count, _) in zip(prefixes, counts, strict=True):
            if not count and not self._missing_ok:
                raise NotFound(
                    f"there are no objects below '{prefix}'; nothing was removed",
                    hint="one object is removed without -r",
                    resource=prefix,
                )
        total = sum(count for count, _ in counts)
        size = sum(size for _, size in counts)
        if not total:
            return True
        if not self._agreed(f"{counted(total, 'object')} ({size:,} bytes)"):
            return False
        for prefix in prefixes:
            listing = objects.list(prefix)
            while (page := await listing.next_page()) is not None:
                keys = [info.key for info in page.items]
                self._tell(keys, await objects.delete_many(keys))
        return True

    async def _count(self, objects: Objects, prefix: str) -> tuple[int, int]:
        progress = Progress("objects found", self._console)
        count = size = 0
        try:
            async for info in objects.list(prefix):
                count, size = count + 1, size + info.size
                progress.at(count)
        finally:
            progress.end()
        return count, size

    def _agreed(self, what: str) -> bool:
        return self._yes or agreed(
            printable(f"Remove {what} for ever?"), "this removes for ever"
        )

    def _tell(self, keys: Sequence[str], failed: Mapping[str, SkykeepError]) -> None:
        """Say what is gone. Raises the first failure."""
        for key in keys:
            if key in failed:
                continue
            if self._console.json:
                self._console.line({"key": key, "removed": True})
            else:
                self._console.text(printable(f"{key}: removed for ever"))
        for key, error in failed.items():
            error.message = (
                f"{len(failed):,} of {len(keys):,} were not removed; '{key}': {error.message}"
            )
            raise error
