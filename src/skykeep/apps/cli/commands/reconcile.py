"""``skykeep reconcile``."""

from __future__ import annotations

import click

from skykeep.apps.cli.arguments import SecretName
from skykeep.apps.cli.command import command as command_of
from skykeep.apps.cli.invocation import Invocation, pass_invocation
from skykeep.apps.cli.target_text import TargetText


@command_of(
    examples="""
    skykeep reconcile
    skykeep reconcile --dry-run
    skykeep --env production reconcile --output json
    skykeep reconcile --keep failover db/password
    """
)
@click.option(
    "--keep",
    metavar="TARGET",
    type=TargetText(),
    help="End the conflict of each NAME: what TARGET holds is brought to all.",
)
@click.option("--dry-run", is_flag=True, help="Show what is owed, bring nothing.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask before --keep.")
@click.argument("names", type=SecretName(), nargs=-1, metavar="[NAME...]")
@pass_invocation
def command(
    invocation: Invocation,
    /,
    *,
    keep: str | None,
    dry_run: bool,
    yes: bool,
    names: tuple[str, ...],
) -> int:
    """Bring all targets the writes that this host still owes them.

    Programs that have the environment open do so by themselves; this is for hosts where none
    runs, and for who does not want to wait. What is left is shown with its reason. Of a name
    that two sides have written both are shown, by version and digest (#), never by value;
    nothing is overwritten until --keep says which one stays. What the others held stays as an
    older version, where a store keeps versions.

    TARGET is a target's name, its role ('failover') or its place ('failover[1]'). The exit
    code is 0 if nothing is owed any more, and 1 if something is.
    """
    from skykeep.apps.cli.reconciling import Reconciling

    if names and keep is None:
        raise click.UsageError("NAME goes with --keep TARGET")
    if keep is not None and (dry_run or not names):
        raise click.UsageError(
            "--keep does not go with --dry-run" if dry_run else "--keep needs a NAME"
        )
    cloud = invocation.open()
    run = Reconciling(
        invocation.console, keep, tuple(dict.fromkeys(names)), dry_run=dry_run, yes=yes
    )
    invocation.run(cloud, run, of_targets=True)
    return run.tell(cloud.environment.name)
