"""``skykeep restore``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from skykeep.apps.cli.arguments import SecretName
from skykeep.apps.cli.command import command as command_of
from skykeep.apps.cli.console import Console, printable
from skykeep.apps.cli.invocation import Invocation, pass_invocation

if TYPE_CHECKING:
    from skykeep.cloud import Cloud


@command_of(
    examples="""
    skykeep ls --deleted
    skykeep restore db/password
    """
)
@click.argument(
    "names", type=SecretName(deleted=True), nargs=-1, required=True, metavar="NAME..."
)
@pass_invocation
def command(invocation: Invocation, /, *, names: tuple[str, ...]) -> None:
    """Bring back deleted secrets, with their versions. The first that fails ends it."""
    done: list[str] = []

    async def bring_back(cloud: Cloud) -> None:
        for name in dict.fromkeys(names):
            await cloud.secrets.restore(name)
            done.append(name)

    try:
        invocation.run(invocation.open(), bring_back)
    except BaseException:
        if done:  # what is back is said although a later one failed
            _show(done, invocation.console)
        raise
    _show(done, invocation.console)


def _show(done: list[str], console: Console) -> None:
    if console.json:
        console.document({"restored": [{"name": name} for name in done]})
    else:
        console.text("\n".join(f"{printable(name)}: restored" for name in done))
