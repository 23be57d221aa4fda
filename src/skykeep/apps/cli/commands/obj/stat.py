"""``skykeep obj stat``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from skykeep.apps.cli.command import command as command_of
from skykeep.apps.cli.commands.obj.shared import Key, info_document, run
from skykeep.apps.cli.console import pairs, printable, short_moment
from skykeep.apps.cli.invocation import Invocation, pass_invocation

if TYPE_CHECKING:
    from skykeep.interfaces.object_driver import ObjectInfo
    from skykeep.interfaces.objects import Objects


@command_of(
    examples="""
    skykeep obj stat models/toxicity/1.onnx
    skykeep obj stat models/toxicity/1.onnx --output json
    """
)
@click.argument("key", type=Key())
@pass_invocation
def command(invocation: Invocation, /, *, key: str) -> None:
    """Show what is known of the object KEY, without its body."""

    async def work(objects: Objects) -> tuple[ObjectInfo, Mapping[str, str]]:
        info = await objects.head(key)
        can = await objects.capabilities()
        return info, await objects.tags(key) if can.tags else {}

    info, tags = run(invocation.open(), work)
    if invocation.console.json:
        invocation.console.document(
            {
                **info_document(info),
                "content_type": info.content_type,
                "metadata": dict(info.metadata),
                "tags": dict(tags),
                "checksums": dict(info.checksums),
            }
        )
        return
    lines = [
        ("key", info.key),
        ("size", f"{info.size:,} bytes"),
        ("modified", short_moment(info.modified_at)),
        ("etag", info.etag),
        ("content type", info.content_type or "-"),
        ("storage class", info.storage_class or "-"),
        ("metadata", pairs(info.metadata)),
        ("tags", pairs(tags)),
        *sorted(info.checksums.items()),
    ]
    invocation.console.text("\n".join(f"{name:<15}{printable(text)}" for name, text in lines))
