"""``skykeep history``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from skykeep.apps.cli.arguments import SecretName
from skykeep.apps.cli.command import command as command_of
from skykeep.apps.cli.console import columns, moment, short_moment
from skykeep.apps.cli.invocation import Invocation, pass_invocation

if TYPE_CHECKING:
    from skykeep.cloud import Cloud
    from skykeep.interfaces.secret_driver import Version


@command_of(
    examples="""
    skykeep history db/password
    skykeep get db/password --version 2
    """
)
@click.argument("name", type=SecretName())
@pass_invocation
def command(invocation: Invocation, /, *, name: str) -> None:
    """Show the versions of the secret NAME, the newest first."""

    async def read(cloud: Cloud) -> Sequence[Version]:
        return await cloud.secrets.versions(name)

    versions = invocation.run(invocation.open(), read)
    if invocation.console.json:
        listed = [
            {
                "id": version.id,
                "created_at": moment(version.created_at),
                "stages": list(version.stages),
                "available": version.available,
                "size": version.size,
            }
            for version in versions
        ]
        invocation.console.document({"name": name, "versions": listed})
        return
    rows = [
        (
            version.id,
            short_moment(version.created_at),
            "-" if version.size is None else f"{version.size:,}",
            ", ".join(version.stages) + ("" if version.available else " (unavailable)"),
        )
        for version in versions
    ]
    invocation.console.text(columns(("VERSION", "CREATED", "BYTES", "STAGES"), rows))
