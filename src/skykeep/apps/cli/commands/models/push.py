"""``skykeep models push``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from skykeep.apps.cli.arguments import Pair, as_mapping
from skykeep.apps.cli.command import command as command_of
from skykeep.apps.cli.commands.models.shared import ModelName, ModelVersion, Tell, with_bar
from skykeep.apps.cli.console import counted, printable
from skykeep.apps.cli.invocation import Invocation, pass_invocation
from skykeep.apps.cli.transfers.bar import sized

if TYPE_CHECKING:
    from skykeep.models.pushing import Pushed
    from skykeep.models.store import ModelStore


@command_of(
    examples="""
    skykeep models push toxicity 1.5.0 model.onnx
    skykeep models push toxicity 1.5.0 model.onnx --metadata trained=2026-11
    skykeep models push org/classifier 7 classifier --no-latest
    """
)
@click.argument("name", type=ModelName())
@click.argument("version", type=ModelVersion())
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "--metadata", metavar="KEY=VALUE", type=Pair(), multiple=True, help="Free text; repeatable."
)
@click.option("--no-latest", is_flag=True, help="Leave the latest version what it is.")
@pass_invocation
def command(
    invocation: Invocation,
    /,
    *,
    name: str,
    version: str,
    path: Path,
    metadata: tuple[tuple[str, str], ...],
    no_latest: bool,
) -> None:
    """Keep a file, or a directory with all that is in it, as a version of a model.

    Nobody sees the version until all of it is there; a push that breaks off is gone on with
    by the same command. The same content again changes nothing, other content is a conflict:
    a version never changes.
    """
    said = as_mapping(metadata, "--metadata")

    async def push(models: ModelStore, tell: Tell) -> Pushed:
        return await models.push(
            name, version, path, metadata=said, latest=not no_latest, progress=tell
        )

    pushed = with_bar(invocation, push)
    manifest, console = pushed.manifest, invocation.console
    if console.json:
        console.document(
            {
                "name": name,
                "version": version,
                "digest": pushed.digest,
                "bytes": manifest.size,
                "files": len(manifest.files),
                "made": pushed.made,
                "latest": pushed.latest,
            }
        )
        return
    what = f"{counted(len(manifest.files), 'file')}, {sized(manifest.size)}"
    done = "kept" if pushed.made else "there already"
    latest = ", the latest" if pushed.latest else ""
    console.text(printable(f"{name} {version}: {done}{latest} ({what})"))
    console.text(f"manifest sha256 {pushed.digest}")
