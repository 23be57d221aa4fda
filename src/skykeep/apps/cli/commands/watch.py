"""``skykeep watch``."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import click

from skykeep.apps.cli.arguments import SPAN, SecretName
from skykeep.apps.cli.command import Command
from skykeep.apps.cli.command import command as command_of
from skykeep.apps.cli.exit_codes import DIFFERS, DONE
from skykeep.apps.cli.invocation import Invocation, pass_invocation

if TYPE_CHECKING:
    from skykeep.cloud import Cloud

_WORDS = f"{__name__}.words"


class _WithWords(Command):
    """What stands after ``--`` is a command, and no name."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        words: list[str] = []
        if "--" in args:
            at = args.index("--")
            args, words = args[:at], args[at + 1 :]
            if not words:
                raise click.UsageError("there is no command after '--'", ctx)
        ctx.meta[_WORDS] = tuple(words)
        return super().parse_args(ctx, args)

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        return [*super().collect_usage_pieces(ctx), "[-- CMD [ARGS]...]"]


@command_of(
    cls=_WithWords,
    examples="""
    skykeep watch db/password --initial --once
    skykeep watch --prefix db/ --initial --once --output json
    skykeep watch db/password --every 15s --initial -- systemctl reload app
    """,
)
@click.argument("names", nargs=-1, type=SecretName())
@click.option("--prefix", metavar="PREFIX", help="All secrets under PREFIX; '' is all.")
@click.option(
    "--every",
    type=SPAN,
    default="30s",
    show_default=True,
    metavar="TIME",
    help="How often the store is asked, 20 % more or less.",
)
@click.option("--initial", is_flag=True, help="Begin with what is there, as created.")
@click.option("--once", is_flag=True, help="End after the first change.")
@click.option(
    "--timeout", type=SPAN, metavar="TIME", help="End after so long; with --once exit code 1."
)
@click.option(
    "--keep-unlock",
    is_flag=True,
    help="Keep SKYKEEP_PASSPHRASE and SKYKEEP_KEY_FILE for the command.",
)
@pass_invocation
def command(
    invocation: Invocation,
    /,
    *,
    names: tuple[str, ...],
    prefix: str | None,
    every: timedelta,
    initial: bool,
    once: bool,
    timeout: timedelta | None,
    keep_unlock: bool,
) -> int:
    """Show what happens to secrets while it happens: created, changed, deleted.

    One line a change, without the value. What changes twice between two looks is shown once.
    A store that does not answer is a warning, and the watch goes on; a refusal ends it.

    CMD is run after each change, with the names of what has changed in SKYKEEP_CHANGED, one a
    line. There is one run at a time: what changes meanwhile is for the next one. What unlocks
    the vault is taken out of its environment. With --once its exit code is that of this
    command; it is 127 if there is no such command and 126 if it cannot be executed.

    Ctrl-C and SIGTERM end it, and a command that is running; the exit code is 130.
    """
    from skykeep.apps.cli import following

    if not names and prefix is None:
        raise click.UsageError("nothing to watch: give NAMES or --prefix")
    console = invocation.console
    words: tuple[str, ...] = click.get_current_context().meta[_WORDS]

    async def follow(cloud: Cloud) -> int:
        watch = cloud.secrets.watch(
            *names,
            prefix=prefix,
            every=every.total_seconds(),
            values=False,
            initial=initial,
        )
        show = following.Shown(console)
        after = following.AfterChanges(words, console, watch.aclose, keep_unlock=keep_unlock)
        async with after, watch:
            while changes := await watch.next_changes():
                changes.sort(key=lambda change: change.name)  # a store's order is its own
                for change in changes:
                    show(change)
                after([change.name for change in changes])
                if once:
                    break
        return after.code if once else DONE

    async def until_told(cloud: Cloud) -> int | None:
        seconds = None if timeout is None else timeout.total_seconds()
        return await following.until_told(lambda: follow(cloud), seconds)

    code = invocation.run(invocation.open(), until_told)
    if code is None:
        code = DIFFERS if once else DONE
    return code
