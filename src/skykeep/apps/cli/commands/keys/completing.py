"""Names of keys for the shell's completion: from this machine only, and never a question."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from skykeep.apps.cli.invocation import Invocation

if TYPE_CHECKING:
    from skykeep.interfaces.keys import Keys

_MOST = 1000


def names(ctx: click.Context, incomplete: str) -> list[str]:
    """The names that begin so, at most 1,000; none if the store is remote or locked."""
    from skykeep.apps.cli.commands.keys.shared import run

    invocation = Invocation()
    # While completing, click parses the words before and runs no command.
    given = ctx.find_root().params
    invocation.flags = {
        name: value
        for name, value in given.items()
        if value is not None and name in {"config", "env", "namespace", "tenant", "key_file"}
    }

    async def found(keys: Keys) -> list[str]:
        matching: list[str] = []
        async for info in keys.list(incomplete.rpartition("/")[0]):
            if info.name.startswith(incomplete):
                matching.append(info.name)
                if len(matching) == _MOST:
                    break
        return sorted(matching)

    try:
        from skykeep import registry

        cloud = invocation.open(ask=False)
        target = cloud.environment.keys or cloud.environment.primary
        if not registry.provider(target.backend).embedded:
            return []
        return run(cloud, found)
    except Exception:  # noqa: BLE001  (a shell that completes cannot show an error)
        return []
