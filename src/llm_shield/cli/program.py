"""The commands, the options that come before them, and how a run ends."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NoReturn

import click

from llm_shield.cli import completion, evaluating, scanners, scanning
from llm_shield.cli.console import Console
from llm_shield.cli.endings import end

COMPLETE = "_SHIELD_COMPLETE"


class Program(click.Group):
    """The commands; errors are shown as a message and a hint."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> NoReturn:
        """Run a command line, and end the process with its exit code."""
        given = list(sys.argv[1:] if args is None else args)
        if instruction := os.environ.get(COMPLETE):
            from click.shell_completion import shell_complete

            sys.exit(shell_complete(self, {}, "shield", COMPLETE, instruction))
        console = Console()
        console.json = asks_for_json(given)
        try:
            code = self._run(given, console, extra)
            sys.stdout.flush()
        except BaseException as error:  # the outermost place: all is shown here
            if isinstance(error, SystemExit):
                raise
            code = end(error, console)
        sys.exit(code)

    def _run(self, args: list[str], console: Console, extra: dict[str, Any]) -> int:
        try:
            with self.make_context("shield", args, obj=console, **extra) as ctx:
                code = self.invoke(ctx)
        except click.exceptions.NoArgsIsHelpError as error:
            click.echo(error.format_message(), err=True)
            return 2
        except click.exceptions.Exit as done:
            return done.exit_code
        return code if isinstance(code, int) else 0

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Say the nearest name for one that is not there."""
        name = args[0]
        if name not in self.commands and not name.startswith("-"):
            import difflib

            near = difflib.get_close_matches(name, self.commands, n=1)
            meant = f"; did you mean '{near[0]}'?" if near else ""
            ctx.fail(f"there is no command {name!r}{meant}")
        return super().resolve_command(ctx, args)


def asks_for_json(args: Sequence[str]) -> bool:
    """Whether errors are to be JSON, also those of arguments that cannot be parsed."""
    own = list(args[: args.index("--")] if "--" in args else args)
    return "--output=json" in own or ("--output", "json") in pairwise(own)


def _show_version(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        import skykeep

        ctx.ensure_object(Console).text(f"shield {skykeep.__version__}")
        ctx.exit()


@click.group(cls=Program, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_show_version,
    help="Show the version and exit.",
)
def main() -> None:
    """Scan prompts and answers of language models.

    Exit codes: 0 valid, 1 not valid, 2 usage; the others are in docs/shield/cli.md.
    """


main.add_command(scanning.command, "scan")
main.add_command(scanners.command, "scanners")
main.add_command(evaluating.command, "eval")
main.add_command(completion.command, "completion")
