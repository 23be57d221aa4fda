"""``skykeep purge``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from skykeep.apps.cli import prompt
from skykeep.apps.cli.arguments import SecretName
from skykeep.apps.cli.command import command as command_of
from skykeep.apps.cli.console import is_terminal, printable
from skykeep.apps.cli.exit_codes import DIFFERS, DONE
from skykeep.apps.cli.invocation import Invocation, pass_invocation

if TYPE_CHECKING:
    from skykeep.cloud import Cloud


@command_of(
    examples="""
    skykeep purge db/password
    skykeep purge db/password --yes
    """
)
@click.argument("name", type=SecretName(deleted=True))
@click.option("-y", "--yes", is_flag=True, help="Do not ask for the name to be typed.")
@pass_invocation
def command(invocation: Invocation, /, *, name: str, yes: bool) -> int:
    """Remove the secret NAME with all its versions for ever, deleted before or not.

    On a terminal the name has to be typed; elsewhere --yes is needed.
    """

    async def remove(cloud: Cloud) -> bool:
        # A name that is not there is said before anybody types it.
        await cloud.secrets.describe(name)
        if not yes and not _typed(name):
            return False
        await cloud.secrets.purge(name)
        return True

    removed = invocation.run(invocation.open(), remove)
    console = invocation.console
    if console.json:
        console.document({"name": name, "removed": removed})
    elif removed:
        console.text(f"{printable(name)}: removed for ever")
    if not removed:
        console.note("nothing was removed")
    return DONE if removed else DIFFERS


def _typed(name: str) -> bool:
    if not is_terminal(sys.stdin):
        raise click.UsageError("this removes for ever: add --yes")
    return prompt.answer(f"To remove it for ever, type {printable(name)}: ") == name
