"""``skykeep keys list``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from skykeep.apps.cli.command import command as command_of
from skykeep.apps.cli.commands.keys.shared import KeyName, info_document, run
from skykeep.apps.cli.console import columns, printable, short_moment
from skykeep.apps.cli.invocation import Invocation, pass_invocation

if TYPE_CHECKING:
    from skykeep.interfaces.key_driver import KeyInfo
    from skykeep.interfaces.keys import Keys


@command_of(
    examples="""
    skykeep keys list
    skykeep keys list team --long
    skykeep keys list --output json
    """
)
@click.argument("prefix", default="", required=False, type=KeyName())
@click.option("-l", "--long", "detailed", is_flag=True, help="With purpose, state and version.")
@pass_invocation
def command(invocation: Invocation, /, *, prefix: str, detailed: bool) -> None:
    """List the names of keys, sorted, one a line.

    PREFIX is one or more whole parts of a name: 'team' lists team/backup, and neither
    teams/backup nor team itself.
    """

    async def work(keys: Keys) -> list[KeyInfo]:
        found = [info async for info in keys.list(prefix)]
        return sorted(found, key=lambda info: info.name)

    console = invocation.console
    found = run(invocation.open(), work)
    if console.json:
        console.document([info_document(info) for info in found])
    elif not found:
        console.note("nothing found")
    elif detailed:
        rows = [
            (
                info.name,
                info.algorithm or info.purpose,
                info.state,
                info.version or "-",
                short_moment(info.created_at),
            )
            for info in found
        ]
        console.text(columns(("NAME", "USE", "STATE", "VERSION", "CREATED"), rows))
    else:
        console.text("\n".join(printable(info.name) for info in found))
