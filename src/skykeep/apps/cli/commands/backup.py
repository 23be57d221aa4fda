"""``skykeep backup create|list|diff|restore``."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from skykeep.apps.cli import prompt
from skykeep.apps.cli.command import Command, examples
from skykeep.apps.cli.console import columns, is_terminal, moment, printable, short_moment
from skykeep.apps.cli.exit_codes import DIFFERS, DONE
from skykeep.apps.cli.invocation import Invocation, pass_invocation
from skykeep.errors import ConfigError, Invalid

if TYPE_CHECKING:
    from skykeep.config_backup.backup import Backup, ConfigBackup, Restored

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])

_BROKEN = (
    "the file in use opens the store; to restore it when it is broken, open the store with "
    "another one and name this one: --config OTHER … --file FILE"
)


class _Section(click.Group):
    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        examples(
            formatter,
            """
            skykeep backup create
            skykeep backup diff
            skykeep backup restore latest
            """,
        )


@click.group(cls=_Section, no_args_is_help=False)
def command() -> None:
    """Back up the configuration file to the store of objects, and restore it.

    A backup is the file as it is, byte for byte: variables in it stay variables. The local
    vault has backups of its own: skykeep vault backup.
    """


def _file_option() -> Callable[[F], F]:
    return click.option(
        "--file",
        type=click.Path(),
        help="The configuration file, if it is not the one in use.",
    )


@command.command(
    cls=Command,
    examples="""
    skykeep backup create
    skykeep backup create --keep 30
    """,
)
@click.option("--force", is_flag=True, help="Even if the newest backup has this content.")
@click.option(
    "--keep", metavar="N", type=click.IntRange(min=1), help="Remove all but the newest N."
)
@_file_option()
@pass_invocation
def create(
    invocation: Invocation, /, *, force: bool, keep: int | None, file: str | None
) -> None:
    """Back up the configuration file.

    If the newest backup has the same content, there is nothing to do.
    """
    made = _run(invocation, file, lambda backups: backups.backup(force=force, keep=keep))
    console = invocation.console
    if console.json:
        console.document(
            {
                **_document(made.backup),
                "new": made.new,
                "sha256": made.sha256,
                "removed": [each.name for each in made.removed],
            }
        )
        return
    console.text(made.backup.name if made.new else f"{made.backup.name}: has it already")
    for each in made.removed:
        console.note(f"removed {each.name}")


@command.command(
    "list",
    cls=Command,
    examples="""
    skykeep backup list
    skykeep backup list --output json
    """,
)
@_file_option()
@pass_invocation
def list_(invocation: Invocation, /, *, file: str | None) -> None:
    """List the backups, the oldest first."""
    found = _run(invocation, file, lambda backups: backups.list(), any_file=True)
    console = invocation.console
    if console.json:
        console.document([_document(each) for each in found])
    elif not found:
        console.note("there is no backup yet")
    else:
        rows = [(each.name, short_moment(each.at), f"{each.size:,}") for each in found]
        console.text(columns(("NAME", "MADE", "BYTES"), rows))


@command.command(
    cls=Command,
    examples="""
    skykeep backup diff
    skykeep backup diff latest --output json
    """,
)
@click.argument("name", default="latest")
@click.argument("other", required=False)
@_file_option()
@pass_invocation
def diff(invocation: Invocation, /, *, name: str, other: str | None, file: str | None) -> int:
    """Compare the backup NAME with the file as it is, or with the backup OTHER.

    What is or may be secret is masked; equal values have equal numbers. Exit code 0 if they
    are the same, 1 if they differ.
    """
    text = _run(invocation, file, lambda backups: backups.diff(name, other))
    if invocation.console.json:
        invocation.console.document(
            {"before": name, "after": other, "differs": bool(text), "diff": text}
        )
    elif text:
        invocation.console.text(printable(text))
    return DIFFERS if text else DONE


@command.command(
    cls=Command,
    examples="""
    skykeep backup restore latest
    skykeep backup restore latest --yes
    """,
)
@click.argument("name")
@click.option("-y", "--yes", is_flag=True, help="Do not show the difference and ask.")
@_file_option()
@pass_invocation
def restore(invocation: Invocation, /, *, name: str, yes: bool, file: str | None) -> int:
    """Put the backup NAME, or the 'latest', in the configuration file's place.

    It is checked first, as by 'config check'. The file before it is kept beside it, as
    FILE.bak-TIME. On a terminal the difference is shown and a question asked; elsewhere
    --yes is needed.
    """
    console = invocation.console

    async def restored(backups: ConfigBackup) -> Restored | None:
        found = await backups.find(name)  # 'latest' is one backup from here on
        if not yes and not await _agreed(backups, found, invocation):
            return None
        return await backups.restore(found.name)

    done = _run(invocation, file, restored)
    if done is None:
        console.note("nothing was replaced")
        if console.json:
            console.document({"restored": False})
        return DIFFERS
    saved = None if done.saved is None else str(done.saved)
    if console.json:
        console.document(
            {
                "restored": True,
                "name": done.backup.name,
                "file": str(done.path),
                "changed": done.changed,
                "saved": saved,
                "verified": done.verified,
            }
        )
    elif not done.changed:
        console.text(f"{printable(str(done.path))}: has it already")
    else:
        text = f"{done.path}: restored from {done.backup.name}"
        if saved is not None:
            text += f"; the file before it is kept in {saved}"
        console.text(printable(text))
    if not done.verified:
        console.warn(f"{done.backup.name} has no digest that it could be verified by")
    for problem in done.unset:
        console.warn(str(problem))
    return DONE


async def _agreed(backups: ConfigBackup, found: Backup, invocation: Invocation) -> bool:
    """Whether somebody who sees the difference says yes; True where there is none."""
    if not is_terminal(sys.stdin):
        raise click.UsageError("this replaces the configuration file: add --yes")
    try:
        text = await backups.diff(None, found.name)
    except Invalid as error:
        text = str(error)  # what is there is no YAML: a reason to restore
    if not text:
        return True
    invocation.console.note(printable(text))
    return prompt.confirmed(f"Replace {printable(str(backups.path))}?")


def _document(backup: Backup) -> dict[str, Any]:
    return {
        "name": backup.name,
        "key": backup.key,
        "at": moment(backup.at),
        "size": backup.size,
    }


def _run(
    invocation: Invocation,
    file: str | None,
    work: Callable[[ConfigBackup], Awaitable[T]],
    *,
    any_file: bool = False,
) -> T:
    """Do the work; no store of secrets is opened for it.

    With ``any_file`` there need be no configuration file.
    """
    import asyncio

    from skykeep.config_backup.backup import ConfigBackup

    try:
        cloud = invocation.open()
    except ConfigError as error:
        error.hint = error.hint or _BROKEN
        raise

    async def done() -> T:
        async with cloud:
            path = file or cloud.environment.origin
            if path is None and any_file:
                path = "skykeep.yaml"  # it is not read
            return await work(ConfigBackup(cloud, path=path))

    return asyncio.run(done())
