"""``skykeep keys describe``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from skykeep.apps.cli.command import command as command_of
from skykeep.apps.cli.commands.keys.shared import KeyName, info_document, run
from skykeep.apps.cli.console import printable, short_moment
from skykeep.apps.cli.invocation import Invocation, pass_invocation

if TYPE_CHECKING:
    from skykeep.interfaces.key_driver import KeyInfo
    from skykeep.interfaces.keys import Keys


@command_of(
    examples="""
    skykeep keys describe team/backup
    skykeep keys describe team/backup --output json
    """
)
@click.argument("key", type=KeyName())
@pass_invocation
def command(invocation: Invocation, /, *, key: str) -> None:
    """Show what is known of a key.

    What KEY is for, whether it can be used, and its version.
    """

    async def work(keys: Keys) -> KeyInfo:
        return await keys.describe(key)

    info = run(invocation.open(), work)
    if invocation.console.json:
        invocation.console.document(info_document(info))
        return
    lines = [
        ("name", info.name),
        ("purpose", info.purpose),
        ("algorithm", info.algorithm or "-"),
        ("state", info.state.replace("_", " ")),
        ("version", info.version or "-"),
        ("created", short_moment(info.created_at)),
        ("native", info.native or "-"),
    ]
    invocation.console.text("\n".join(f"{name:<11}{printable(text)}" for name, text in lines))
