"""``skykeep vault …``: the table of its commands. Each is imported when it is called."""

from __future__ import annotations

from importlib import import_module
from typing import cast

import click

from skykeep.apps.cli.command import examples

COMMANDS = {
    "verify": "verify",
    "backup": "copies",
    "restore": "copies",
    "passphrase": "keys",
    "key-file": "keys",
    "keyring": "keys",
    "forget": "keys",
    "accept": "accept",
    "rekey": "rekey",
    "compact": "compact",
}
"""Name -> the file beside this one that has it, as ``NAME`` (``-`` becomes ``_``)."""


class _Section(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"{__name__}.{COMMANDS[cmd_name]}")
        return cast("click.Command", getattr(module, cmd_name.replace("-", "_")))

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        examples(
            formatter,
            """
            skykeep vault verify
            skykeep vault backup vault-backup.db
            skykeep vault passphrase
            """,
        )


@click.group(cls=_Section, no_args_is_help=False)
def command() -> None:
    """Look after the local vault: verify it, back it up, change its keys."""
