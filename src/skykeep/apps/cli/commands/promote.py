"""``skykeep promote``."""

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
    skykeep set db/password --generate 32 --stage pending
    skykeep promote db/password 4
    skykeep promote db/password 4 --expects 3
    """
)
@click.argument("name", type=SecretName())
@click.argument("version")
@click.option("--expects", metavar="ID", help="Only if this version is current.")
@pass_invocation
def command(invocation: Invocation, /, *, name: str, version: str, expects: str | None) -> None:
    """Make VERSION of the secret NAME current; what was current becomes the previous one.

    If somebody else changes the secret meanwhile, nothing is done (conflict).
    """

    async def forward(cloud: Cloud) -> Move:
        from skykeep.apps.cli.moving import move

        return await move(cloud, name, version, expects)

    invocation.run(invocation.open(), forward).show(invocation.console)
