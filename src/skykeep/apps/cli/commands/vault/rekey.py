"""``skykeep vault rekey``."""

from __future__ import annotations

from typing import Any

import click

from skykeep.apps.cli.command import command
from skykeep.apps.cli.commands.vault.shared import sizes, tell, vault_of
from skykeep.apps.cli.console import Progress, counted, printable
from skykeep.apps.cli.invocation import Invocation, pass_invocation


@command(
    examples="""
    skykeep vault rekey
    skykeep vault rekey --restart
    """,
)
@click.option(
    "--drop",
    multiple=True,
    type=click.Choice(["passphrase", "key-file", "keyring"]),
    help="A kind of key that shall no longer unlock the vault.",
)
@click.option("--restart", is_flag=True, help="Do not go on with a run that was ended early.")
@pass_invocation
def rekey(invocation: Invocation, /, *, drop: Any, restart: bool) -> None:
    """Seal everything in the vault anew, under new keys.

    The thing to do when a key or a copy of the file has leaked. A key that leaked goes on
    unlocking the vault unless it is replaced first: skykeep vault passphrase, skykeep vault
    key-file. Old copies and backups stay readable with the old keys: change the values
    themselves if somebody has both.

    Each kind of key that the vault has is needed. Other processes go on reading and writing
    meanwhile. Ended at any moment, the vault is as before, and the next run goes on.
    """
    from skykeep.providers.local.rekey import rekey as rekeyed
    from skykeep.providers.local.vault import vault_path

    settings, context = vault_of(invocation)
    copying = Progress("secrets sealed anew", invocation.console)
    verifying = Progress("secrets verified", invocation.console)
    try:
        done = rekeyed(
            settings,
            context,
            drop=drop,
            restart=restart,
            copying=lambda count, total: copying.at(count),
            verifying=lambda count, total: verifying.at(count),
        )
    finally:
        copying.end()
        verifying.end()
    path = str(vault_path(settings, context))
    held = f"{counted(done.secrets, 'secret')}, {sizes(done.bytes)}"
    text = f"{printable(path)}: has new keys ({held})"
    if done.resumed:
        text += "; went on with the run before"
    document = {
        "path": path,
        "epoch": done.epoch,
        "resumed": done.resumed,
        "dropped": sorted(set(drop)),
        "secrets": done.secrets,
        "bytes_before": done.bytes.before,
        "bytes_after": done.bytes.after,
    }
    tell(invocation, text, document)
