"""``skykeep obj lifecycle show|apply``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from skykeep.apps.cli.command import Command, examples
from skykeep.apps.cli.commands.obj.shared import agreed, run, yes_option
from skykeep.apps.cli.console import Console, columns, counted
from skykeep.apps.cli.exit_codes import DIFFERS, DONE
from skykeep.apps.cli.invocation import Invocation, pass_invocation
from skykeep.errors import Unsupported
from skykeep.interfaces.object_driver import LifecycleRule

if TYPE_CHECKING:
    from skykeep.interfaces.objects import Objects
    from skykeep.settings.model import Environment

_HEADER = ("", "PREFIX", "INFREQUENT", "ARCHIVE", "EXPIRES", "UPLOADS")


class _Section(click.Group):
    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        examples(
            formatter,
            """
            skykeep obj lifecycle show
            skykeep obj lifecycle apply --dry-run
            """,
        )


@click.group(cls=_Section, no_args_is_help=False)
def command() -> None:
    """Compare and set the rules by which the store ages objects.

    The rules are 'object_storage: lifecycle:' of the configuration. Rules of the bucket that
    skykeep did not make stay as they are.
    """


@command.command(
    cls=Command,
    examples="""
    skykeep obj lifecycle show
    skykeep obj lifecycle show --output json
    """,
)
@pass_invocation
def show(invocation: Invocation) -> int:
    """Show the rules of the store beside those of the configuration; 1 if they differ.

    '=' is in both, '-' in the store only, '+' in the configuration only. Times are days
    after an object was written.
    """
    cloud = invocation.open()
    wanted = _configured(cloud.environment)
    found = run(cloud, _found)
    _show(invocation.console, found, wanted)
    return DONE if _same(found, wanted) else DIFFERS


@command.command(
    cls=Command,
    examples="""
    skykeep obj lifecycle apply --dry-run
    skykeep obj lifecycle apply --yes
    """,
)
@click.option("--dry-run", is_flag=True, help="Show what would be changed.")
@yes_option()
@pass_invocation
def apply(invocation: Invocation, /, *, dry_run: bool, yes: bool) -> int:
    """Make the rules of the configuration those of the store.

    Shows the plan and asks: a rule that expires removes objects, and nobody asks again.
    """
    console = invocation.console
    cloud = invocation.open()
    wanted = _configured(cloud.environment)

    async def work(objects: Objects) -> tuple[Sequence[LifecycleRule], bool]:
        found = await _found(objects)
        if dry_run or _same(found, wanted):
            return found, True
        if not console.json:
            _show(console, found, wanted)
        if not yes and not agreed("Make these the rules of the store?", "this changes rules"):
            return found, False
        await objects.set_lifecycle(wanted)
        return found, True

    found, done = run(cloud, work)
    changed = done and not dry_run and not _same(found, wanted)
    if console.json:
        console.document({**_document(found, wanted), "changed": changed})
    elif changed:
        console.text(f"{counted(len(wanted), 'rule')} set")
    elif not done:
        console.note("nothing was changed")
    elif _same(found, wanted):
        console.text(f"{counted(len(wanted), 'rule')}, as they are in the store")
    else:
        _show(console, found, wanted)
    return DONE if done else DIFFERS


async def _found(objects: Objects) -> Sequence[LifecycleRule]:
    if not (await objects.capabilities()).lifecycle:
        raise Unsupported("this store ages nothing by rules", hint="nothing happened")
    return await objects.lifecycle()


def _configured(environment: Environment) -> list[LifecycleRule]:
    return [
        LifecycleRule(
            prefix=rule.prefix.removesuffix("/"),
            infrequent_after_days=rule.infrequent_after_days,
            archive_after_days=rule.archive_after_days,
            expire_after_days=rule.expire_after_days,
            abort_uploads_after_days=rule.abort_uploads_after_days,
        )
        for rule in environment.object_storage.lifecycle
    ]


def _same(found: Sequence[LifecycleRule], wanted: Sequence[LifecycleRule]) -> bool:
    return set(found) == set(wanted)


def _document(
    found: Sequence[LifecycleRule], wanted: Sequence[LifecycleRule]
) -> dict[str, Any]:
    return {
        "store": [asdict(rule) for rule in found],
        "configuration": [asdict(rule) for rule in wanted],
        "same": _same(found, wanted),
    }


def _show(
    console: Console, found: Sequence[LifecycleRule], wanted: Sequence[LifecycleRule]
) -> None:
    if console.json:
        console.document(_document(found, wanted))
        return
    rules = {*found, *wanted}
    if not rules:
        console.note("there are no rules")
        return
    rows = []
    for rule in sorted(rules, key=lambda rule: (rule.prefix, rule in wanted)):
        mark = "=" if rule in found and rule in wanted else "+" if rule in wanted else "-"
        days = (
            rule.infrequent_after_days,
            rule.archive_after_days,
            rule.expire_after_days,
            rule.abort_uploads_after_days,
        )
        shown = ["-" if number is None else f"{number:,}" for number in days]
        rows.append((mark, rule.prefix or "(all)", *shown))
    console.text(columns(_HEADER, rows))
