"""``skykeep models verify``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from skykeep.apps.cli.command import command as command_of
from skykeep.apps.cli.commands.models.shared import ModelName, ModelVersion, Tell, with_bar
from skykeep.apps.cli.console import counted, printable
from skykeep.apps.cli.invocation import Invocation, pass_invocation
from skykeep.apps.cli.transfers.bar import sized

if TYPE_CHECKING:
    from skykeep.models.checking import Verified
    from skykeep.models.store import ModelStore


@command_of(
    examples="""
    skykeep models verify toxicity
    skykeep models verify toxicity 1.4.0 --deep
    """
)
@click.argument("name", type=ModelName())
@click.argument("version", type=ModelVersion(), required=False)
@click.option("--deep", is_flag=True, help="Read all of it from the store.")
@pass_invocation
def command(invocation: Invocation, /, *, name: str, version: str | None, deep: bool) -> None:
    """Look whether a version is what its manifest says, in the store and on this disk.

    Without --deep the store is asked for sizes, and for hashes if it tells them. What is on
    this disk is always read; what is damaged there is taken away. Without VERSION it is the
    latest.
    """

    async def verify(models: ModelStore, tell: Tell) -> Verified:
        return await models.verify(name, version, deep=deep, progress=tell)

    found = with_bar(invocation, verify)
    manifest, console = found.manifest, invocation.console
    if console.json:
        console.document(
            {
                "name": name,
                "version": manifest.version,
                "digest": found.digest,
                "files": len(manifest.files),
                "bytes": manifest.size,
                "read": found.read,
                "cached": found.cached,
            }
        )
        return
    how = f"{sized(found.read)} read" if deep else "not read: see --deep"
    here = "verified on this disk" if found.cached else "not on this disk"
    files = counted(len(manifest.files), "file")
    text = f"{name} {manifest.version}: {files} as they should be in the store ({how}), {here}"
    console.text(printable(text))
