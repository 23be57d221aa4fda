"""``skykeep import``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from skykeep.apps.cli import prompt
from skykeep.apps.cli.command import command as command_of
from skykeep.apps.cli.console import Console, Progress, columns, is_terminal
from skykeep.apps.cli.exit_codes import DIFFERS, DONE
from skykeep.apps.cli.invocation import Invocation, pass_invocation
from skykeep.dialects.table import READ

if TYPE_CHECKING:
    from skykeep.apps.cli.import_plan import Step
    from skykeep.cloud import Cloud


@command_of(
    examples="""
    skykeep import .env --dry-run
    skykeep import .env --prefix app/
    skykeep import secrets.xml --format keepass
    skykeep import bitwarden_export.json --yes --output json
    skykeep import ~/.password-store --prefix pass/
    """
)
@click.argument("file")
@click.option(
    "--format",
    "dialect",
    type=click.Choice(["auto", *READ, "pass"]),
    default="auto",
    show_default=True,
    help="How the file is written.",
)
@click.option("--prefix", metavar="PREFIX", default="", help="Put before every name.")
@click.option("--dry-run", is_flag=True, help="Show the plan and write nothing.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask before the plan is carried out.")
@pass_invocation
def command(
    invocation: Invocation,
    /,
    *,
    file: str,
    dialect: str,
    prefix: str,
    dry_run: bool,
    yes: bool,
) -> int:
    """Keep the secrets of FILE: a file in one of the forms, '-', or a folder.

    A folder is a tree of .env files or a store of pass. A plan is shown first: what is new,
    changed, unchanged or in conflict, by name and never with values. It is asked about on a
    terminal and needs --yes elsewhere. With a conflict nothing is written. Unchanged values
    get no new version, and nothing is ever deleted.
    """
    from skykeep.apps.cli import import_plan, import_sources
    from skykeep.dialects.naming import named
    from skykeep.errors import Conflict
    from skykeep.interfaces.names import check_prefix

    console = invocation.console
    prefix = check_prefix(prefix)
    cloud = invocation.open()  # a wrong configuration shows before a passphrase is asked
    dialect, items = import_sources.items(file, dialect, console)
    wanted = named(items, prefix)
    written: list[Step] = []
    steps: list[Step] = []
    progress = Progress(f"secrets written, of {len(wanted):,}", console)

    def note(step: Step) -> None:
        written.append(step)
        progress.at(len(written))

    async def work(cloud: Cloud) -> int:
        steps.extend(await import_plan.planned(cloud, wanted))
        if not console.json:
            _show(steps, console)
        count = sum(step.state == "conflict" for step in steps)
        if count:
            raise Conflict(
                f"{count:,} of {len(steps):,} names are in conflict; nothing was written",
                hint="mend the file, restore or purge the names, or choose another --prefix",
            )
        writes = sum(step.state in {"new", "changed"} for step in steps)
        if dry_run or not writes:
            return DONE
        if not yes and not _agreed(writes):
            return DIFFERS
        try:
            await import_plan.carried_out(cloud, steps, note)
        finally:
            progress.end()
        return DONE

    def end() -> None:
        if console.json:
            console.document(_document(steps, written, dialect, dry_run=dry_run))
        elif not dry_run:
            console.note(f"{len(written):,} written")

    try:
        code = invocation.run(cloud, work)
    except BaseException as error:
        # The plan says what is in conflict, and what was written before an error.
        if written or (console.json and steps and isinstance(error, Conflict)):
            end()
        raise
    end()
    return code


def _show(steps: Sequence[Step], console: Console) -> None:
    rows = [
        (
            step.state,
            step.name,
            step.reason or ("" if step.origin == step.name else step.origin),
        )
        for step in steps
    ]
    if rows:
        console.text(columns(("STATE", "NAME", "FROM"), rows))
    counts = _counts(steps)
    console.note(", ".join(f"{count:,} {state}" for state, count in counts.items() if count))


def _counts(steps: Sequence[Step]) -> dict[str, int]:
    from skykeep.apps.cli.import_plan import STATES

    return {state: sum(step.state == state for step in steps) for state in STATES}


def _document(
    steps: Sequence[Step], written: Sequence[Step], dialect: str, *, dry_run: bool
) -> dict[str, Any]:
    return {
        "format": dialect,
        "dry_run": dry_run,
        "written": len(written),
        "counts": _counts(steps),
        "plan": [
            {
                "name": step.name,
                "from": step.origin,
                "state": step.state,
                "reason": step.reason or None,
            }
            for step in steps
        ],
    }


def _agreed(count: int) -> bool:
    if not is_terminal(sys.stdin):
        raise click.UsageError("the plan would be carried out: add --yes, or --dry-run")
    return prompt.confirmed(f"Write {count:,} secrets?")
