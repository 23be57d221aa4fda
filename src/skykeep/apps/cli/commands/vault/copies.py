"""``skykeep vault backup|restore``."""

from __future__ import annotations

from pathlib import Path

import click

from skykeep.apps.cli.command import command
from skykeep.apps.cli.commands.vault.shared import tell, vault_of, with_progress
from skykeep.apps.cli.console import printable
from skykeep.apps.cli.invocation import Invocation, pass_invocation


@command(
    examples="""
    skykeep vault backup vault-backup.db
    """,
)
@click.argument("file", type=click.Path(path_type=Path))
@pass_invocation
def backup(invocation: Invocation, /, *, file: Path) -> None:
    """Copy the vault, as it is now, to FILE, and verify the copy.

    FILE must not be there. It is sealed like the vault and opens with the keys that the
    vault has now: a passphrase that is changed later still opens it.
    """
    from skykeep.providers.local.backup import backup as copied

    settings, context = vault_of(invocation)
    counts = with_progress(invocation, lambda step: copied(settings, context, file, step))
    tell(invocation, f"{printable(str(file))}: verified", {"file": str(file)}, counts)


@command(
    examples="""
    skykeep vault restore vault-backup.db
    skykeep vault restore vault-backup.db --replace
    """,
)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--replace", is_flag=True, help="Replace a vault; a copy is kept beside it.")
@pass_invocation
def restore(invocation: Invocation, /, *, file: Path, replace: bool) -> None:
    """Put the backup FILE in the vault's place, after verifying it.

    The configured key must open the backup.
    """
    from skykeep.providers.local.backup import restore as restored

    settings, context = vault_of(invocation)
    done = with_progress(
        invocation,
        lambda step: restored(settings, context, file, replace=replace, progress=step),
    )
    saved = None if done.saved is None else str(done.saved)
    text = f"{printable(str(file))}: restored"
    if saved is not None:
        text += f"; the vault before it is kept in {printable(saved)}"
    tell(invocation, text, {"file": str(file), "saved": saved}, done.counts)
