"""``skykeep tag``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from skykeep.apps.cli.arguments import Pair, SecretName, as_mapping
from skykeep.apps.cli.command import Command
from skykeep.apps.cli.command import command as command_of
from skykeep.apps.cli.console import pairs, printable
from skykeep.apps.cli.invocation import Invocation, pass_invocation

if TYPE_CHECKING:
    from skykeep.cloud import Cloud


class _Removing(Command):
    """Takes ``-KEY`` for ``--remove KEY``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, [_long(arg) for arg in args])


def _long(arg: str) -> str:
    # `-h` is the help; a tag of that name is taken off with --remove.
    short = len(arg) > 1 and arg[0] == "-" and arg[1] != "-" and arg != "-h"
    return f"--remove={arg[1:]}" if short else arg


@command_of(
    cls=_Removing,
    examples="""
    skykeep tag db/password team=web tier=1
    skykeep tag db/password -tier
    skykeep tag db/password team=core --remove tier
    """,
)
@click.argument("name", type=SecretName())
@click.argument("tags", type=Pair(), nargs=-1, metavar="[KEY=VALUE]...")
@click.option("--remove", metavar="KEY", multiple=True, help="Take it off; also: -KEY.")
@pass_invocation
def command(
    invocation: Invocation,
    /,
    *,
    name: str,
    tags: Sequence[tuple[str, str]],
    remove: tuple[str, ...],
) -> None:
    """Put tags on the secret NAME or take them off (-KEY). Other tags stay."""
    added = as_mapping(tags, "the tag")
    if not added and not remove:
        raise click.UsageError("nothing to change: give KEY=VALUE or -KEY")
    if both := sorted(added.keys() & set(remove)):
        raise click.UsageError(f"the tag {both[0]!a} is both put on and taken off")

    async def change(cloud: Cloud) -> tuple[dict[str, str], bool]:
        info = await cloud.secrets.describe(name)
        wanted = {
            key: text for key, text in {**info.tags, **added}.items() if key not in remove
        }
        changed = wanted != dict(info.tags)
        if changed:
            can = await cloud.secrets.capabilities()
            expects = info.version if can.conditional_changes else None
            await cloud.secrets.annotate(name, tags=wanted, expects=expects)
        return wanted, changed

    now, changed = invocation.run(invocation.open(), change)
    if invocation.console.json:
        invocation.console.document({"name": name, "tags": now, "changed": changed})
    else:
        line = f"{name}: {pairs(now)}{'' if changed else ' (unchanged)'}"
        invocation.console.text(printable(line))
