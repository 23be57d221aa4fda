"""``skykeep vault accept``."""

from __future__ import annotations

from skykeep.apps.cli.command import command
from skykeep.apps.cli.commands.vault.shared import tell, vault_of
from skykeep.apps.cli.invocation import Invocation, pass_invocation


@command(
    examples="""
    skykeep vault accept
    """,
)
@pass_invocation
def accept(invocation: Invocation) -> None:
    """Take the vault as it is for the newest, after you put an older copy in its place.

    Where a key file or the keyring unlocks the vault, an older copy that is put back is
    noticed and refused. This tells skykeep that it was you. Only this copy is accepted: an
    older one that is put back later is noticed again. `skykeep vault restore` needs none of
    this.
    """
    from skykeep.providers.local.rollback import accept as accepted

    settings, context = vault_of(invocation)
    seen = accepted(settings, context)
    text = "the vault is accepted as it is"
    if seen.reason:
        text += f"; an older copy will not be noticed: {seen.reason}"
    tell(invocation, text, {"number": seen.number, "kept": seen.where, "why": seen.reason})
