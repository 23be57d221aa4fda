"""``skykeep lock``."""

from __future__ import annotations

import click

from skykeep.apps.cli.command import command as command_of
from skykeep.apps.cli.commands.vault.shared import vault_of
from skykeep.apps.cli.invocation import Invocation, pass_invocation


@command_of(
    examples="""
    skykeep lock
    skykeep lock --all
    """
)
@click.option("--all", "everything", is_flag=True, help="Every vault that the kernel keeps.")
@pass_invocation
def command(invocation: Invocation, /, *, everything: bool) -> None:
    """Forget what `skykeep unlock` keeps, at once.

    Programs that have the vault open go on; the next to open it needs the passphrase.
    """
    from skykeep.providers.local import unlocked
    from skykeep.providers.local.session import read_header
    from skykeep.providers.local.unlock import spare_keyring
    from skykeep.providers.local.vault import vault_path

    if everything:
        count = unlocked.forget_all()
    else:
        settings, context = vault_of(invocation)
        header = read_header(vault_path(settings, context))
        count = int(unlocked.forget(header, spare_keyring(header, settings, context)))
    if invocation.console.json:
        invocation.console.document({"locked": count})
    elif everything:
        invocation.console.text(f"{count} vaults were unlocked and are locked")
    else:
        invocation.console.text("locked" if count else "it was locked")
