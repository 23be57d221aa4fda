"""``skykeep models list``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from skykeep.apps.cli.command import command as command_of
from skykeep.apps.cli.commands.models.shared import ModelName, run
from skykeep.apps.cli.console import Console, columns, moment, short_moment
from skykeep.apps.cli.invocation import Invocation, pass_invocation
from skykeep.apps.cli.transfers.bar import sized

if TYPE_CHECKING:
    from skykeep.models.reading import ModelInfo, VersionInfo


@command_of(
    examples="""
    skykeep models list
    skykeep models list toxicity
    skykeep models list --output json
    """
)
@click.argument("name", type=ModelName(), required=False)
@pass_invocation
def command(invocation: Invocation, /, *, name: str | None) -> None:
    """List the models, or the versions of one, the newest first."""
    if name is None:
        _models(invocation.console, run(invocation.open(), lambda models: models.list()))
    else:
        versions = run(invocation.open(), lambda models: models.versions(name))
        _versions(invocation.console, versions)


def _models(console: Console, found: Sequence[ModelInfo]) -> None:
    if console.json:
        console.document(
            [
                {
                    "name": info.name,
                    "latest": info.latest,
                    "versions": info.versions,
                    "bare": info.bare,
                }
                for info in found
            ]
        )
    elif not found:
        console.note("nothing found")
    else:
        rows = [
            (
                info.name,
                info.latest or ("(bare object)" if info.bare else "-"),
                str(info.versions),
            )
            for info in found
        ]
        console.text(columns(("NAME", "LATEST", "VERSIONS"), rows))


def _versions(console: Console, found: Sequence[VersionInfo]) -> None:
    if console.json:
        console.document(
            [
                {
                    "version": info.manifest.version,
                    "latest": info.latest,
                    "digest": info.digest,
                    "created_at": moment(info.manifest.created),
                    "bytes": info.manifest.size,
                    "files": len(info.manifest.files),
                    "metadata": dict(info.manifest.metadata),
                }
                for info in found
            ]
        )
        return
    rows = [
        (
            info.manifest.version + (" (latest)" if info.latest else ""),
            short_moment(info.manifest.created),
            str(len(info.manifest.files)),
            sized(info.manifest.size),
            info.digest,
        )
        for info in found
    ]
    console.text(columns(("VERSION", "PUSHED", "FILES", "SIZE", "MANIFEST SHA-256"), rows))
