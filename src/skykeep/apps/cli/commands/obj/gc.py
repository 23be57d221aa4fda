"""``skykeep obj gc``."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import click

from skykeep.apps.cli.arguments import SPAN
from skykeep.apps.cli.command import command as command_of
from skykeep.apps.cli.commands.obj.shared import Key, run
from skykeep.apps.cli.console import counted
from skykeep.apps.cli.invocation import Invocation, pass_invocation

if TYPE_CHECKING:
    from skykeep.interfaces.objects import Objects


@command_of(
    examples="""
    skykeep obj gc
    skykeep obj gc models --older-than 7d
    """
)
@click.argument("prefix", default="", required=False, type=Key())
@click.option(
    "--older-than",
    type=SPAN,
    default="1d",
    show_default=True,
    metavar="TIME",
    help="Leave those that were begun since: they may be under way.",
)
@pass_invocation
def command(invocation: Invocation, /, *, prefix: str, older_than: timedelta) -> None:
    """End the uploads that nobody ended, of which parts are kept and paid for.

    Their writers died: skykeep ends an upload that fails. No object is touched. An upload
    whose age the store does not tell is ended, too.
    """

    async def work(objects: Objects) -> int:
        return await objects.collect(prefix, older_than=older_than)

    ended = run(invocation.open(), work)
    if invocation.console.json:
        invocation.console.document({"ended": ended})
    else:
        invocation.console.text(f"{counted(ended, 'upload')} ended")
