"""``skykeep models rm``."""

from __future__ import annotations

import sys

import click

from skykeep.apps.cli import prompt
from skykeep.apps.cli.command import command as command_of
from skykeep.apps.cli.commands.models.shared import ModelName, ModelVersion, run
from skykeep.apps.cli.console import counted, is_terminal, printable
from skykeep.apps.cli.exit_codes import DIFFERS, DONE
from skykeep.apps.cli.invocation import Invocation, pass_invocation


@command_of(
    examples="""
    skykeep models rm toxicity 1.3.0 --yes
    skykeep models rm org/classifier --yes
    """
)
@click.argument("name", type=ModelName())
@click.argument("version", type=ModelVersion(), required=False)
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@pass_invocation
def command(invocation: Invocation, /, *, name: str, version: str | None, yes: bool) -> int:
    """Remove a version, or all of a model, from the store for ever.

    Asks on a terminal and needs --yes elsewhere. The latest version is removed only with all
    of the model, or after another one was made the latest. Hosts that have it keep their copy
    until they need the room.
    """
    console = invocation.console
    what = f"version {version} of {name}" if version else f"all versions of {name}"
    if not yes:
        if not is_terminal(sys.stdin):
            raise click.UsageError("this removes for ever: add --yes")
        if not prompt.confirmed(printable(f"Remove {what} for ever?")):
            console.note("nothing was removed")
            return DIFFERS
    removed = run(invocation.open(), lambda models: models.remove(name, version))
    if console.json:
        document = {"versions": list(removed.versions), "objects": removed.objects}
        console.document({"name": name, **document})
    else:
        objects = counted(removed.objects, "object")
        console.text(printable(f"{what}: removed for ever ({objects})"))
    return DONE
