"""``skykeep ls``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from skykeep.apps.cli.command import command as command_of
from skykeep.apps.cli.console import Console, Progress, columns, printable, short_moment
from skykeep.apps.cli.invocation import Invocation, pass_invocation

if TYPE_CHECKING:
    from skykeep.cloud import Cloud
    from skykeep.interfaces.secret_driver import SecretInfo


@command_of(
    examples="""
    skykeep ls
    skykeep ls db/
    skykeep ls --long
    skykeep ls --deleted
    skykeep ls --output json
    """
)
@click.argument("prefix", default="", required=False)
@click.option("-l", "--long", "detailed", is_flag=True, help="With version, change and expiry.")
@click.option("--deleted", is_flag=True, help="The deleted secrets that can be restored.")
@pass_invocation
def command(invocation: Invocation, /, *, prefix: str, detailed: bool, deleted: bool) -> None:
    """List the names of secrets, sorted, one a line.

    PREFIX is one or more whole parts of a name: 'db' lists db/password, and neither
    dbx/password nor db itself.
    """
    console = invocation.console
    progress = Progress("names read", console)

    async def listed(cloud: Cloud) -> list[SecretInfo]:
        found: list[SecretInfo] = []
        listing = cloud.secrets.list(prefix, deleted=deleted)
        try:
            while (page := await listing.next_page()) is not None:
                found += page
                progress.at(len(found))
        finally:
            progress.end()
        # The store's order is its own; a listing that is compared or cut needs one.
        found.sort(key=lambda info: info.name)
        return found

    _show(
        invocation.run(invocation.open(), listed), console, detailed=detailed, deleted=deleted
    )


def _show(found: list[SecretInfo], console: Console, *, detailed: bool, deleted: bool) -> None:
    if console.json:
        from skykeep.apps.cli.documents import info_document

        console.document([info_document(info) for info in found])
    elif not found:
        console.note("nothing found")
    elif detailed:
        last = "DELETED" if deleted else "EXPIRES"
        rows = [
            (
                info.name,
                info.version or "-",
                short_moment(info.updated_at),
                short_moment(info.deleted_at)
                if deleted
                else short_moment(info.expires_at) + (" (expired)" if info.expired else ""),
            )
            for info in found
        ]
        console.text(columns(("NAME", "VERSION", "UPDATED", last), rows))
    else:
        console.text("\n".join(printable(info.name) for info in found))
