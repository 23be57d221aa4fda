"""``skykeep vault verify``."""

from __future__ import annotations

from skykeep.apps.cli.command import command
from skykeep.apps.cli.commands.vault.shared import tell, vault_of, with_progress
from skykeep.apps.cli.console import printable
from skykeep.apps.cli.invocation import Invocation, pass_invocation


@command(
    examples="""
    skykeep vault verify
    skykeep vault verify --output json
    """,
)
@pass_invocation
def verify(invocation: Invocation) -> None:
    """Open everything in the vault and hold all of it against each other.

    Finds what no single read would meet, and whether the vault is older than when it was
    last used here. Writers are not held up.
    """
    from skykeep.providers.local.rollback import watch
    from skykeep.providers.local.session import read_header
    from skykeep.providers.local.unlock import anchor_of, unlock
    from skykeep.providers.local.vault import vault_path
    from skykeep.providers.local.verify import verify as verified

    settings, context = vault_of(invocation)
    path = vault_path(settings, context)
    header = read_header(path)
    keys = unlock(header, settings, context)
    seen = watch(path, keys, anchor_of(header, settings, context))
    counts = with_progress(invocation, lambda step: verified(path, keys, step))
    counter = {"number": seen.number, "kept": seen.where, "why": seen.reason}
    document = {"path": str(path), "counter": counter}
    tell(invocation, f"{printable(str(path))}: whole", document, counts)
    if seen.reason and not invocation.console.json:
        why = printable(seen.reason)
        invocation.console.text(f"an older copy in its place would not be noticed: {why}")
