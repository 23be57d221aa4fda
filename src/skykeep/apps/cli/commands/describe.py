"""``skykeep describe``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from skykeep.apps.cli.arguments import SecretName
from skykeep.apps.cli.command import command as command_of
from skykeep.apps.cli.console import pairs, printable, short_moment
from skykeep.apps.cli.documents import info_document
from skykeep.apps.cli.freshness import warn_of_origins
from skykeep.apps.cli.invocation import Invocation, pass_invocation

if TYPE_CHECKING:
    from skykeep.cloud import Cloud
    from skykeep.interfaces.secret_driver import SecretInfo


@command_of(
    examples="""
    skykeep describe db/password
    skykeep describe db/password --output json
    """
)
@click.argument("name", type=SecretName())
@pass_invocation
def command(invocation: Invocation, /, *, name: str) -> None:
    """Show what is known of the secret NAME, without its value. Deleted ones are known, too."""

    async def read(cloud: Cloud) -> SecretInfo:
        return await cloud.secrets.describe(name)

    info = invocation.run(invocation.open(), read)
    if invocation.console.json:
        invocation.console.document(info_document(info))
        return
    warn_of_origins([info], invocation.console)
    lines = [
        ("name", info.name),
        ("version", info.version or "-"),
        ("created", short_moment(info.created_at)),
        ("updated", short_moment(info.updated_at)),
        ("expires", short_moment(info.expires_at) + (" (expired)" if info.expired else "")),
        ("metadata", pairs(info.metadata)),
        ("tags", pairs(info.tags)),
    ]
    if info.deleted_at is not None:
        lines.append(("deleted", short_moment(info.deleted_at)))
    invocation.console.text("\n".join(f"{key:<9}{printable(text)}" for key, text in lines))
