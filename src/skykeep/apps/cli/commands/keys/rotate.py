"""``skykeep keys rotate``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from skykeep.apps.cli.command import command as command_of
from skykeep.apps.cli.commands.keys.shared import KeyName, info_document, run
from skykeep.apps.cli.console import printable
from skykeep.apps.cli.invocation import Invocation, pass_invocation

if TYPE_CHECKING:
    from skykeep.interfaces.key_driver import KeyInfo
    from skykeep.interfaces.keys import Keys


@command_of(
    examples="""
    skykeep keys rotate team/backup
    skykeep keys rotate team/backup --output json
    """
)
@click.argument("key", type=KeyName())
@pass_invocation
def command(invocation: Invocation, /, *, key: str) -> None:
    """Make a new version of a key.

    It is used from now on. What older versions of KEY encrypted still opens; rewrap moves it
    under the new one.
    """

    async def work(keys: Keys) -> KeyInfo:
        return await keys.rotate(key)

    info = run(invocation.open(), work)
    if invocation.console.json:
        invocation.console.document(info_document(info))
    else:
        now = f"version {info.version}" if info.version else "a new version"
        invocation.console.text(printable(f"{info.name}: {now}"))
