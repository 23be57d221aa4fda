"""``skykeep models promote``."""

from __future__ import annotations

import click

from skykeep.apps.cli.command import command as command_of
from skykeep.apps.cli.commands.models.shared import ModelName, ModelVersion, run
from skykeep.apps.cli.invocation import Invocation, pass_invocation
from skykeep.apps.cli.moving import Move


@command_of(
    examples="""
    skykeep models promote toxicity 1.3.0
    skykeep models promote toxicity 1.3.0 --expects 1.4.0
    """
)
@click.argument("name", type=ModelName())
@click.argument("version", type=ModelVersion())
@click.option("--expects", metavar="VERSION", help="Only if this version is the latest.")
@pass_invocation
def command(invocation: Invocation, /, *, name: str, version: str, expects: str | None) -> None:
    """Make a version the latest, an older one too."""
    was = run(invocation.open(), lambda models: models.promote(name, version, expects=expects))
    Move(name, version, was).show(invocation.console)
