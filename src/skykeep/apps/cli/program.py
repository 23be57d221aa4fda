"""The table of commands, the options that come before them, and how a run ends.

A command is imported when it is called, not to list it: the short helps are here.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any, cast

import click

from skykeep.apps.cli.command import examples, output_option
from skykeep.apps.cli.invocation import Invocation

COMMANDS = {
    "init": "Make an encrypted local vault.",
    "set": "Keep a secret.",
    "get": "Read a secret.",
    "copy": "Put a value on the clipboard for a while.",
    "edit": "Change a value in an editor.",
    "ls": "List the names of secrets.",
    "tree": "Show the names of secrets as a tree.",
    "search": "Find secrets by name, metadata or tag.",
    "rm": "Delete secrets.",
    "restore": "Bring back deleted secrets.",
    "purge": "Remove a secret for ever.",
    "history": "Show the versions of a secret.",
    "rollback": "Make the previous version current again.",
    "promote": "Make a version current.",
    "tag": "Put tags on a secret or take them off.",
    "expire": "Say when a secret should no longer be used.",
    "describe": "Show what is known of a secret, without its value.",
    "watch": "Show what happens to secrets while it happens.",
    "run": "Start a command with secrets in its environment.",
    "redact": "Mask every known value in a stream.",
    "scan": "Look for secrets in files or in a git diff.",
    "export": "Write secrets in a form that other programs read.",
    "import": "Keep the secrets that are in a file or a folder.",
    "inject": "Fill secrets into a template.",
    "diff": "Compare the secrets of two stores.",
    "sync": "Make one store hold the secrets of another.",
    "migrate": "Bring all secrets to another store, and verify them.",
    "health": "Show how each target is: who answers, who is behind.",
    "reconcile": "Bring all targets what this host still owes them.",
    "obj": "Keep files in a store of objects: copy, list, compare, share.",
    "keys": "Wrap and unwrap other keys, encrypt small values, sign.",
    "models": "Keep versions of models, and use them from this disk.",
    "config": "Check, show and find the configuration.",
    "backup": "Back up the configuration file, and restore it.",
    "vault": "Look after the local vault: verify, back up, change its keys.",
    "unlock": "Keep the vault unlocked for a while.",
    "lock": "Forget what unlock keeps.",
    "doctor": "Find out what is wrong and how to mend it.",
    "version": "Show the version.",
    "completion": "Print the completion script for a shell.",
}
"""Name -> short help. The command ``NAME`` is ``command`` in ``commands/NAME.py``
(``import`` in ``import_.py``)."""

COMPLETE = "_SKYKEEP_COMPLETE"


class Program(click.Group):
    """The commands of the table, imported one by one."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order of the table: what is needed first comes first."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command."""
        if cmd_name not in COMMANDS:
            return None
        file = f"{cmd_name}_" if cmd_name == "import" else cmd_name  # a word of Python's
        module = import_module(f"skykeep.apps.cli.commands.{file}")
        return cast("click.Command", module.command)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Say the nearest name for one that is not there."""
        name = args[0]
        if name not in COMMANDS and not name.startswith("-") and not ctx.resilient_parsing:
            import difflib

            near = difflib.get_close_matches(name, COMMANDS, n=1)
            meant = f"; did you mean '{near[0]}'?" if near else ""
            ctx.fail(f"there is no command {name!r}{meant}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List them without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The examples."""
        examples(
            formatter,
            """
            skykeep init --key-file ~/.skykeep.key
            skykeep set db/password
            skykeep get db/password
            skykeep run --prefix db/ -- ./server
            skykeep --backend aws --region us-east-1 set api-key "sk-1234567890"
            """,
        )

    def shell_complete(
        self, ctx: click.Context, incomplete: str
    ) -> list[click.shell_completion.CompletionItem]:
        """Command names from the table; options as ever."""
        from click.shell_completion import CompletionItem

        found = [
            CompletionItem(name, help=text)
            for name, text in COMMANDS.items()
            if name.startswith(incomplete)
        ]
        return found + click.Command.shell_complete(self, ctx, incomplete)


def _show_version(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        from skykeep.apps.cli.commands.version import show

        show(ctx.ensure_object(Invocation))
        ctx.exit()


@click.command(
    cls=Program, no_args_is_help=False, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.option("--config", metavar="FILE", help="The configuration file.")
@click.option("--env", metavar="NAME", help="The environment in the configuration file.")
@click.option("--namespace", metavar="NAME", help="A scope, put before every name.")
@click.option("--tenant", metavar="NAME", help="A scope around the namespace.")
@click.option("--backend", metavar="NAME", help="The provider of the primary target.")
@click.option("--region", metavar="NAME", help="The region of the primary target.")
@click.option("--vault-url", metavar="URL", help="The address of an Azure Key Vault.")
@click.option(
    "--secret-prefix", metavar="TEXT", help="Put before every name in the primary target."
)
@click.option("--key-file", metavar="PATH", help="The key file of the local vault.")
@click.option("--cache-ttl", metavar="SECONDS", help="How long reads are kept; 0 is off.")
@output_option()
@click.option("--no-color", is_flag=True, help="No colours (also: NO_COLOR=1).")
@click.option(
    "--version",
    is_flag=True,
    is_eager=False,
    expose_value=False,
    callback=_show_version,
    help="Show the version and exit.",
)
@click.pass_context
def program(ctx: click.Context, /, *, no_color: bool, **flags: str | None) -> None:
    """Keep secrets, and use them from any shell, script or program.

    Without a configuration file they are kept in an encrypted vault on this machine.
    """
    invocation = ctx.ensure_object(Invocation)
    invocation.flags = {name: value for name, value in flags.items() if value is not None}
    invocation.console.color = not no_color


def run(args: Sequence[str]) -> int:
    """Run a command line from its arguments to its exit code."""
    if instruction := os.environ.get(COMPLETE):
        from click.shell_completion import shell_complete

        return shell_complete(program, {}, "skykeep", COMPLETE, instruction)
    invocation = Invocation()
    console = invocation.console
    try:
        code = _invoke(args, invocation)
        if sys.stdout is not None:
            sys.stdout.flush()
        return code
    except BaseException as error:  # noqa: BLE001  (the outermost place: all is shown here)
        # What shows errors is imported when there is one: `skykeep version` starts faster.
        from skykeep.apps.cli.endings import end

        return end(error, args, console)


def _invoke(args: Sequence[str], invocation: Invocation) -> int:
    if not args:
        invocation.console.note(_help())
        return 2
    try:
        with program.make_context("skykeep", list(args), obj=invocation) as ctx:
            code: Any = program.invoke(ctx)
    except click.exceptions.Exit as done:
        return done.exit_code
    return code if isinstance(code, int) else 0


def _help() -> str:
    with program.make_context("skykeep", [], resilient_parsing=True) as ctx:
        return program.get_help(ctx)
