"""``skykeep models pull``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from skykeep.apps.cli.command import command as command_of
from skykeep.apps.cli.commands.models.shared import ModelName, ModelVersion, Tell, with_bar
from skykeep.apps.cli.console import printable
from skykeep.apps.cli.invocation import Invocation, pass_invocation
from skykeep.apps.cli.transfers.bar import sized
from skykeep.errors import Unavailable

if TYPE_CHECKING:
    from skykeep.models.pulling import Model
    from skykeep.models.store import ModelStore


@command_of(
    examples="""
    skykeep models pull toxicity
    skykeep models pull toxicity 1.4.0
    cat "$(skykeep models pull toxicity)" | wc -c
    """
)
@click.argument("name", type=ModelName())
@click.argument("version", type=ModelVersion(), required=False)
@click.option("--sha256", metavar="DIGEST", help="Only if its manifest has this digest.")
@click.option("--fresh", is_flag=True, help="Ask the store for a version that is known, too.")
@click.option("--fail-if-stale", is_flag=True, help="Fail if the store could not be asked.")
@pass_invocation
def command(
    invocation: Invocation,
    /,
    *,
    name: str,
    version: str | None,
    sha256: str | None,
    fresh: bool,
    fail_if_stale: bool,
) -> None:
    """Print the path of a model on this disk, verified; it is downloaded if it is not there.

    Without VERSION it is the latest, or the object NAME.onnx of a model without versions. A
    download that breaks off is gone on with by the same command, and is made once for all
    processes of this host. If the store cannot be reached, what was the latest before is
    printed, with a warning.
    """

    async def pull(models: ModelStore, tell: Tell) -> Model:
        return await models.fetch(name, version, sha256=sha256, fresh=fresh, progress=tell)

    model = with_bar(invocation, pull, ask=False)
    console = invocation.console
    if model.stale and fail_if_stale:  # that it is stale is in the log: it is a warning
        raise Unavailable(
            f"'{name}' {model.version} is on this disk, and the store could not be asked",
            hint="without --fail-if-stale it is used",
            resource=name,
        )
    if console.json:
        console.document(
            {
                "name": model.name,
                "version": model.version,
                "path": str(model.path),
                "digest": model.digest,
                "bytes": model.size,
                "downloaded": model.downloaded,
                "vouched": model.vouched,
                "stale": model.stale,
            }
        )
        return
    if model.downloaded:
        known = "" if model.vouched == "manifest" else "; no manifest vouches for it"
        console.note(
            printable(f"{model.name} {model.version}: {sized(model.downloaded)} fetched{known}")
        )
    console.text(printable(str(model.path)))
