"""``skykeep obj …``: the table of its commands. Each is imported when it is called."""

from __future__ import annotations

from importlib import import_module
from typing import cast

import click

from skykeep.apps.cli.command import examples

COMMANDS = ("cp", "cat", "ls", "stat", "rm", "sync", "presign", "gc", "lifecycle")
"""The command ``NAME`` is ``command`` in ``NAME.py`` beside this file."""


class _Section(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        return cast("click.Command", import_module(f"{__name__}.{cmd_name}").command)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        examples(
            formatter,
            """
            skykeep obj cp model.onnx :models/toxicity/1.onnx
            skykeep obj ls -l models
            skykeep obj sync reports :reports --dry-run
            """,
        )


@click.group(cls=_Section, no_args_is_help=False)
def command() -> None:
    """Keep files in a store of objects: copy, list, compare, share.

    An object has a key: parts joined by '/'. Where a file could stand as well (cp, sync) it
    is written ':KEY', and a file whose name begins with a colon './:NAME'.
    """
