"""``skykeep vault compact``."""

from __future__ import annotations

from skykeep.apps.cli.command import command
from skykeep.apps.cli.commands.vault.shared import sizes, tell, vault_of
from skykeep.apps.cli.console import printable
from skykeep.apps.cli.invocation import Invocation, pass_invocation


@command(
    examples="""
    skykeep vault compact
    skykeep vault compact --output json
    """,
)
@pass_invocation
def compact(invocation: Invocation) -> None:
    """Write the vault's file anew, without unused space.

    What was purged or replaced leaves nothing behind in the file, sealed remains included.
    It needs no key. Readers go on, writers wait. Backups and copies of the disk are not
    reached by this.
    """
    from skykeep.providers.local.compact import compact as compacted
    from skykeep.providers.local.vault import vault_path

    settings, context = vault_of(invocation)
    done = compacted(settings, context)
    path = str(vault_path(settings, context))
    document = {"path": path, "bytes_before": done.before, "bytes_after": done.after}
    tell(invocation, f"{printable(path)}: compact ({sizes(done)})", document)
