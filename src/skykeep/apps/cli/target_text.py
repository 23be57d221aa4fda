"""A target of the environment on the command line."""

from __future__ import annotations

from collections.abc import Iterable

from skykeep.apps.cli.configured_text import ConfiguredText
from skykeep.apps.cli.invocation import Invocation


class TargetText(ConfiguredText):
    """A target by name, role or place."""

    name = "target"

    def words(self, invocation: Invocation, incomplete: str) -> Iterable[str]:
        """The names of the targets that the configuration has."""
        from skykeep.replication.naming import named

        return [each.label for each in named(invocation.environment())]
