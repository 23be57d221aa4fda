"""``skykeep edit``."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from skykeep.apps.cli.arguments import SecretName
from skykeep.apps.cli.command import command as command_of
from skykeep.apps.cli.console import printable
from skykeep.apps.cli.invocation import Invocation, pass_invocation
from skykeep.errors import Invalid

if TYPE_CHECKING:
    from skykeep.cloud import Cloud
    from skykeep.interfaces.secret_driver import Written


@command_of(
    examples="""
    skykeep edit app/config
    EDITOR=nano skykeep edit app/config
    """
)
@click.argument("name", type=SecretName())
@click.option("--allow-disk", is_flag=True, help="Where nothing is kept in memory, use a disk.")
@pass_invocation
def command(invocation: Invocation, /, *, name: str, allow_disk: bool) -> None:
    """Change the value of the secret NAME in $VISUAL or $EDITOR.

    The file is in memory (a tmpfs) and readable by you alone; it is overwritten and removed
    afterwards, with what the editor left beside it. A value that did not change makes no
    new version. If somebody else changed the secret meanwhile, nothing is written
    (conflict). A last newline that the editor adds is taken off again.
    """
    from skykeep.apps.cli.child import environment
    from skykeep.apps.cli.private_file import edited, editor, folder

    words = editor(os.environ)
    place = folder(os.environ, allow_disk=allow_disk)
    # What opens the vault is none of the editor's business.
    variables = environment({}, pristine=False, keep_unlock=False)

    async def change(cloud: Cloud) -> Written:
        from skykeep.interfaces.secret_driver import Written

        secret = await cloud.secrets.get(name, fresh=True)
        secret.value.text()  # an editor would damage what is no text
        before = secret.value.reveal()
        after = edited(before, words, place, variables)
        if not before.endswith(b"\n") and after.endswith(b"\n"):
            after = after.removesuffix(b"\n")
        if not after:
            raise Invalid("the file is empty; nothing was written")
        if after == before:
            return Written(secret.version, changed=False)
        decides = (await cloud.secrets.capabilities()).compare_and_set
        return await cloud.secrets.update(
            name, after, expects=secret.version if decides else None
        )

    written = invocation.run(invocation.open(), change)
    if invocation.console.json:
        invocation.console.document(
            {"name": name, "version": written.version, "changed": written.changed}
        )
    else:
        unchanged = "" if written.changed else " (unchanged)"
        invocation.console.text(f"{printable(name)}: version {written.version}{unchanged}")
