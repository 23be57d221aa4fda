"""A target of the environment on the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from skykeep.apps.cli.invocation import Invocation

if TYPE_CHECKING:
    _ParamType = click.ParamType[Any]
else:
    _ParamType = click.ParamType  # before 8.5 it took no type arguments


class TargetText(_ParamType):
    """A target by name, role or place. Whether there is one is found out where it is used."""

    name = "target"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[click.shell_completion.CompletionItem]:
        """The names of the targets that the configuration has."""
        from click.shell_completion import CompletionItem

        invocation = Invocation()
        # While completing, click parses the words before and runs no command.
        given = ctx.find_root().params
        invocation.flags = {
            name: value
            for name, value in given.items()
            if value is not None and name in {"config", "env", "namespace", "tenant"}
        }
        try:
            from skykeep.replication.naming import named

            labels = [each.label for each in named(invocation.environment())]
        except Exception:  # noqa: BLE001  (a shell that completes cannot show an error)
            return []
        return [CompletionItem(label) for label in labels if label.startswith(incomplete)]
