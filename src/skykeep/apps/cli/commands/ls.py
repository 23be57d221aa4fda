"""``skykeep ls``."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from skykeep.apps.cli.arguments import Expiry
from skykeep.apps.cli.command import command as command_of
from skykeep.apps.cli.console import Console, columns, printable, short_moment
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
    skykeep ls --expiring 30d --long
    skykeep ls --output json
    """
)
@click.argument("prefix", default="", required=False)
@click.option("-l", "--long", "detailed", is_flag=True, help="With version, change and expiry.")
@click.option("--deleted", is_flag=True, help="The deleted secrets that can be restored.")
@click.option(
    "--expiring",
    metavar="WHEN",
    type=Expiry(),
    help="Those that expire until then (30d, 2027-01-01), or have expired.",
)
@pass_invocation
def command(
    invocation: Invocation,
    /,
    *,
    prefix: str,
    detailed: bool,
    deleted: bool,
    expiring: datetime | None,
) -> None:
    """List the names of secrets, sorted, one a line.

    PREFIX is one or more whole parts of a name: 'db' lists db/password, and neither
    dbx/password nor db itself.
    """
    console = invocation.console
    until = click.get_current_context().get_parameter_source("expiring")
    if until is ParameterSource.COMMANDLINE and expiring is None:
        raise click.UsageError("--expiring takes a time; nothing expires 'never'")

    async def names(cloud: Cloud) -> list[SecretInfo]:
        from skykeep.apps.cli.listing import listed

        return await listed(cloud, prefix, console, deleted=deleted)

    found = invocation.run(invocation.open(), names)
    if any(info.provenance is not None for info in found):
        from skykeep.apps.cli.freshness import warn_of_origins

        warn_of_origins(found, console)
    if expiring is not None:
        found = [info for info in found if info.expires_at and info.expires_at <= expiring]
    _show(found, console, detailed=detailed, deleted=deleted)


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
