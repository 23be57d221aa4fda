"""``skykeep sync``."""

from __future__ import annotations

from skykeep.apps.cli.carrying import Carrying, arguments
from skykeep.apps.cli.command import command as command_of
from skykeep.apps.cli.invocation import Invocation, pass_invocation


@command_of(
    examples="""
    skykeep sync primary failover --dry-run
    skykeep sync staging production --prefix db/
    skykeep sync production:primary production:backup --yes --output json
    """
)
@arguments()
@pass_invocation
def command(
    invocation: Invocation, /, *, a: str, b: str, prefix: str, dry_run: bool, yes: bool
) -> int:
    """Make B hold the secrets that A holds.

    A and B are named as for diff. The plan is shown first; it is asked about on a terminal and
    needs --yes elsewhere. Current values go across, with metadata, tags and expiry where B
    keeps them. Each is written only if B still holds what the plan saw, and read back. What is
    only in B stays: nothing is deleted. Broken off, it is gone on with by the same command.

    The exit code is 1 if something was skipped.
    """
    return Carrying(invocation, (a, b), prefix, dry_run=dry_run, yes=yes, verify=False).run()
