"""``skykeep rm``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from skykeep.apps.cli import prompt
from skykeep.apps.cli.arguments import SecretName
from skykeep.apps.cli.command import command as command_of
from skykeep.apps.cli.console import Console, is_terminal, printable
from skykeep.apps.cli.exit_codes import DIFFERS, DONE
from skykeep.apps.cli.invocation import Invocation, pass_invocation

if TYPE_CHECKING:
    from skykeep.cloud import Cloud


@command_of(
    examples="""
    skykeep rm db/password
    skykeep rm old/one old/two
    skykeep rm db/password --expects 3
    skykeep rm db/password --purge --yes
    """
)
@click.argument("names", type=SecretName(), nargs=-1, required=True, metavar="NAME...")
@click.option("--purge", is_flag=True, help="Remove it for ever, deleted before or not.")
@click.option("--expects", metavar="ID", help="Only if this version is current.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask before something is lost for ever.")
@pass_invocation
def command(
    invocation: Invocation,
    /,
    *,
    names: tuple[str, ...],
    purge: bool,
    expects: str | None,
    yes: bool,
) -> int:
    """Delete secrets. A deleted secret can be restored until it is purged.

    What would be lost for ever (--purge, or a store that cannot restore) is asked about on
    a terminal and needs --yes elsewhere. The first that fails ends the command.
    """
    if expects is not None and (purge or len(names) > 1):
        raise click.UsageError("--expects is for deleting one secret, without --purge")
    done: list[dict[str, Any]] = []
    console = invocation.console

    async def remove(cloud: Cloud) -> bool:
        for_ever = purge or not (await cloud.secrets.capabilities()).soft_delete
        if for_ever and not yes and not _agreed(names):
            return False
        for name in dict.fromkeys(names):
            if purge:
                await cloud.secrets.purge(name)
            else:
                await cloud.secrets.delete(name, expects=expects)
            done.append({"name": name, "restorable": not for_ever})
        return True

    try:
        agreed = invocation.run(invocation.open(), remove)
    except BaseException:
        if done:  # what is gone is said although a later one failed
            _show(done, console)
        raise
    if agreed or console.json:
        _show(done, console)
    if not agreed:
        console.note("nothing was removed")
        return DIFFERS
    return DONE


def _show(done: list[dict[str, Any]], console: Console) -> None:
    if console.json:
        console.document({"removed": done})
        return
    for one in done:
        name = printable(one["name"])
        undo = f"deleted; to undo: skykeep restore {name}"
        console.text(f"{name}: {undo if one['restorable'] else 'removed for ever'}")


def _agreed(names: tuple[str, ...]) -> bool:
    if not is_terminal(sys.stdin):
        raise click.UsageError("this removes for ever: add --yes")
    what = names[0] if len(names) == 1 else f"{len(names)} secrets"
    return prompt.confirmed(f"Remove {what} with all versions for ever?")
