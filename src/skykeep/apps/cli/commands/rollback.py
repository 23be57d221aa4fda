"""``skykeep rollback``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from skykeep.apps.cli.arguments import SecretName
from skykeep.apps.cli.command import command as command_of
from skykeep.apps.cli.invocation import Invocation, pass_invocation

if TYPE_CHECKING:
    from skykeep.apps.cli.moving import Move
    from skykeep.cloud import Cloud


@command_of(
    examples="""
    skykeep rollback db/password
    skykeep rollback db/password --to 2
    """
)
@click.argument("name", type=SecretName())
@click.option("--to", "version", metavar="ID", help="This version; see: skykeep history NAME.")
@pass_invocation
def command(invocation: Invocation, /, *, name: str, version: str | None) -> None:
    """Make the previous version of the secret NAME current again.

    What was current becomes the previous one, so that a second rollback undoes the first.
    If somebody else changes the secret meanwhile, nothing is done (conflict).
    """

    async def back(cloud: Cloud) -> Move:
        from skykeep.apps.cli.moving import move

        return await move(cloud, name, version, None)

    invocation.run(invocation.open(), back).show(invocation.console)
