"""Words of the command line that a configuration completes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import click

from skykeep.apps.cli.invocation import Invocation

if TYPE_CHECKING:
    _ParamType = click.ParamType[Any]
else:
    _ParamType = click.ParamType  # before 8.5 it took no type arguments


class ConfiguredText(_ParamType, ABC):
    """A word. Whether the configuration has it is found out where it is used."""

    @abstractmethod
    def words(self, invocation: Invocation, incomplete: str) -> Iterable[str]:
        """What it may be. Whatever it raises, there is nothing to complete then."""

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[click.shell_completion.CompletionItem]:
        """Those that begin so."""
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
            words = [*self.words(invocation, incomplete)]
        except Exception:  # noqa: BLE001  (a shell that completes cannot show an error)
            return []
        return [CompletionItem(word) for word in words if word.startswith(incomplete)]
