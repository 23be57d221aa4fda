"""``skykeep models …``: the table of its commands. Each is imported when it is called."""

from __future__ import annotations

from importlib import import_module
from typing import cast

import click

from skykeep.apps.cli.command import examples

COMMANDS = ("pull", "push", "list", "verify", "promote", "rm", "gc")
"""The command ``NAME`` is ``command`` in ``NAME.py`` beside this file (``list_.py``)."""


class _Section(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        file = f"{cmd_name}_" if cmd_name == "list" else cmd_name  # a name of Python's
        return cast("click.Command", import_module(f"{__name__}.{file}").command)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        examples(
            formatter,
            """
            skykeep models push toxicity 1.5.0 model.onnx
            skykeep models pull toxicity
            skykeep models list
            """,
        )


@click.group(cls=_Section, no_args_is_help=False)
def command() -> None:
    """Keep versions of models, and use them from this disk.

    A version never changes. Each of its files is known by its SHA-256, and what does not
    match is never handed out.
    """
