"""Keys of objects for the shell's completion: from this machine only, and never a question."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from skykeep.apps.cli.invocation import Invocation

if TYPE_CHECKING:
    from skykeep.interfaces.objects import Objects

_MOST = 1000


def keys(ctx: click.Context, incomplete: str) -> list[str]:
    """The keys that begin so, at most 1,000; none if the store is remote."""
    from skykeep.apps.cli.commands.obj.shared import run

    invocation = Invocation()
    # While completing, click parses the words before and runs no command.
    given = ctx.find_root().params
    invocation.flags = {
        name: value
        for name, value in given.items()
        if value is not None and name in {"config", "env", "namespace", "tenant"}
    }

    async def found(objects: Objects) -> list[str]:
        matching: list[str] = []
        async for info in objects.list(incomplete.rpartition("/")[0]):
            if info.key.startswith(incomplete):
                matching.append(info.key)
                if len(matching) == _MOST:
                    break
        return matching

    try:
        from skykeep import registry

        cloud = invocation.open(ask=False)
        target = cloud.environment.objects or cloud.environment.primary
        if not registry.provider(target.backend).embedded:
            return []
        return run(cloud, found)
    except Exception:  # noqa: BLE001  (a shell that completes cannot show an error)
        return []
