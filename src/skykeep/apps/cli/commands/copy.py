"""``skykeep copy``."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from skykeep.apps.cli.arguments import SecretName
from skykeep.apps.cli.command import command as command_of
from skykeep.apps.cli.console import counted, printable
from skykeep.apps.cli.invocation import Invocation, pass_invocation
from skykeep.errors import Invalid

if TYPE_CHECKING:
    from skykeep.cloud import Cloud
    from skykeep.interfaces.secret_driver import Secret


@command_of(
    examples="""
    skykeep copy db/password
    skykeep copy db/password --clear-after 10
    """
)
@click.argument("name", type=SecretName())
@click.option(
    "--clear-after",
    type=click.IntRange(1, 3600),
    default=45,
    show_default=True,
    metavar="SECONDS",
    help="Empty the clipboard then.",
)
@pass_invocation
def command(invocation: Invocation, /, *, name: str, clear_after: int) -> None:
    """Put the value of the secret NAME on the clipboard, for a while.

    The clipboard is emptied after some seconds, if it still holds the value. Programs that
    keep a history of the clipboard may keep the value, too. A last newline is left out.

    Needs wl-clipboard (Wayland), xclip or xsel (X11); macOS has what it needs.
    """
    from skykeep.apps.cli import clipboard

    found = clipboard.find(os.environ)

    async def read(cloud: Cloud) -> Secret:
        return await cloud.secrets.get(name)

    value = invocation.run(invocation.open(), read).value
    data = value.text().encode().removesuffix(b"\n")
    if not data:
        raise Invalid("the value is empty: there is nothing to copy")
    # First: a clipboard that nobody empties would be worse than one emptied in vain.
    clipboard.empty_later(data, clear_after)
    found.put(data)
    if invocation.console.json:
        invocation.console.document({"name": name, "clear_after": clear_after})
    else:
        invocation.console.text(
            f"{printable(name)}: on the clipboard for {counted(clear_after, 'second')}"
        )
