"""``skykeep keys …``: the table of its commands. Each is imported when it is called."""

from __future__ import annotations

from importlib import import_module
from typing import cast

import click

from skykeep.apps.cli.command import examples

COMMANDS = (
    "create",
    "list",
    "describe",
    "rotate",
    "wrap",
    "unwrap",
    "rewrap",
    "reseal",
    "sign",
    "verify",
)
"""The command ``NAME`` is ``command`` in ``NAME.py`` beside this file (``list`` in
``list_.py``: a module of that name would hide the built-in one here)."""


class _Section(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        file = "list_" if cmd_name == "list" else cmd_name
        return cast("click.Command", import_module(f"{__name__}.{file}").command)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        examples(
            formatter,
            """
            skykeep keys create team/backup
            skykeep keys wrap team/backup @data.key > data.key.wrapped
            skykeep keys unwrap team/backup @data.key.wrapped > data.key
            skykeep keys rotate team/backup
            """,
        )


@click.group(cls=_Section, no_args_is_help=False)
def command() -> None:
    """Wrap and unwrap other keys, encrypt small values, sign; the keys stay in their store."""
