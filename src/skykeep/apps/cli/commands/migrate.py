"""``skykeep migrate``."""

from __future__ import annotations

from skykeep.apps.cli.carrying import Carrying, arguments
from skykeep.apps.cli.command import command as command_of
from skykeep.apps.cli.invocation import Invocation, pass_invocation


@command_of(
    examples="""
    skykeep migrate staging production --dry-run
    skykeep migrate production:primary production:failover --yes
    skykeep migrate staging production --prefix db/ --yes --output json
    """
)
@arguments()
@pass_invocation
def command(
    invocation: Invocation, /, *, a: str, b: str, prefix: str, dry_run: bool, yes: bool
) -> int:
    """Bring the secrets of A to B, verify them all, and say whether A can be retired.

    As sync, and afterwards every value is read from both stores and compared, those that B had
    before, too. The exit code is 0 if B holds the current value of every secret of A, and 1 if
    it does not. A is left as it is. Older versions and deleted secrets stay in A alone.
    """
    return Carrying(invocation, (a, b), prefix, dry_run=dry_run, yes=yes, verify=True).run()
