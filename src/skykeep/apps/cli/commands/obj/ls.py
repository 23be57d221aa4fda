"""``skykeep obj ls``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from skykeep.apps.cli.command import command as command_of
from skykeep.apps.cli.commands.obj.shared import Key, info_document, run
from skykeep.apps.cli.console import Console, printable, short_moment
from skykeep.apps.cli.invocation import Invocation, pass_invocation
from skykeep.errors import NotFound

if TYPE_CHECKING:
    from skykeep.interfaces.object_driver import ObjectInfo, ObjectPage
    from skykeep.interfaces.objects import Objects


@command_of(
    examples="""
    skykeep obj ls
    skykeep obj ls -l models
    skykeep obj ls -r --limit 100
    skykeep obj ls -r --output json
    """
)
@click.argument("prefix", default="", required=False, type=Key())
@click.option("-l", "--long", "detailed", is_flag=True, help="With size and time.")
@click.option("-r", "--recursive", is_flag=True, help="All below, not one level.")
@click.option(
    "--limit", type=click.IntRange(1), metavar="N", help="At most so many, then a note."
)
@pass_invocation
def command(
    invocation: Invocation,
    /,
    *,
    prefix: str,
    detailed: bool,
    recursive: bool,
    limit: int | None,
) -> None:
    """List the keys of objects, one a line, as the store orders them.

    PREFIX is one or more whole parts of a key: 'models' lists models/a, not models2/a. What
    has more below it ends with '/'. With --output json each line is a document.
    """
    console = invocation.console
    shown = _Rows(console, limit, detailed=detailed)

    async def work(objects: Objects) -> None:
        listing = objects.list(prefix, delimiter=not recursive)
        while not shown.full and (page := await listing.next_page()) is not None:
            shown.page(page)
        if shown.cut:
            console.note(f"there are more than {limit:,}")
        elif not shown.count:
            await _the_object_itself(objects, prefix, shown)

    run(invocation.open(), work)


async def _the_object_itself(objects: Objects, prefix: str, shown: _Rows) -> None:
    """As ls lists a file that it is given."""
    try:
        if prefix and not prefix.endswith("/"):
            shown.object(await objects.head(prefix))
            return
    except NotFound:
        pass
    shown.console.note("nothing found")


class _Rows:
    """Writes a listing as it comes: nothing of it is held."""

    def __init__(self, console: Console, limit: int | None, *, detailed: bool) -> None:
        self.console = console
        self.count = 0
        self.cut = False
        self._limit = limit
        self._detailed = detailed

    @property
    def full(self) -> bool:
        """Whether the limit is reached and there was more."""
        return self.cut

    def page(self, page: ObjectPage) -> None:
        """Objects and prefixes, in the order of their bytes."""
        entries: list[tuple[bytes, ObjectInfo | str]] = [
            (info.key.encode(), info) for info in page.items
        ]
        entries += [(f"{prefix}/".encode(), prefix) for prefix in page.prefixes]
        for _, entry in sorted(entries, key=lambda pair: pair[0]):
            if self.count == self._limit:
                self.cut = True
                return
            if isinstance(entry, str):
                self._prefix(entry)
            else:
                self.object(entry)

    def object(self, info: ObjectInfo) -> None:
        """One object."""
        self.count += 1
        if self.console.json:
            self.console.line(info_document(info))
        else:
            self._row(f"{info.size:,}", short_moment(info.modified_at), info.key)

    def _prefix(self, prefix: str) -> None:
        self.count += 1
        if self.console.json:
            self.console.line({"prefix": f"{prefix}/"})
        else:
            self._row("-", "-", f"{prefix}/")

    def _row(self, size: str, at: str, key: str) -> None:
        details = f"{size:>15}  {at:20}  " if self._detailed else ""
        self.console.text(details + printable(key))
