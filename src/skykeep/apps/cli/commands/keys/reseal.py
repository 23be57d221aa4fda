"""``skykeep keys reseal``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from skykeep.apps.cli.command import command as command_of
from skykeep.apps.cli.console import Console, Progress, counted, printable
from skykeep.apps.cli.exit_codes import DONE
from skykeep.apps.cli.failures import document, failure_of
from skykeep.apps.cli.invocation import Invocation, pass_invocation

if TYPE_CHECKING:
    from skykeep.cloud import Cloud
    from skykeep.sealing.rewrapping import Count, Rewrapped


@command_of(
    examples="""
    skykeep keys reseal
    skykeep keys reseal team --only secrets
    """
)
@click.argument("prefix", default="", required=False)
@click.option(
    "--only", type=click.Choice(["secrets", "objects"]), help="Move these, and no others."
)
@pass_invocation
def command(invocation: Invocation, /, *, prefix: str, only: str | None) -> int:
    """Move what is encrypted before upload under the newest key.

    After a key got a new version, or 'kek' of 'encryption' became another one and the former
    one stands in 'retired_keks'. With 'plain: read' what is not encrypted is. Others may read
    and write meanwhile; ended at any moment, it goes on when it is begun again.

    Objects keep their bodies as they are; secrets get a new version, and their older versions
    stay under the former key. What fails is told and left as it is.
    """
    console = invocation.console
    progress = Progress("secrets and objects looked at", console)

    def tell(done: Rewrapped) -> None:
        progress.at(_looked_at(done.secrets) + _looked_at(done.objects))

    async def work(cloud: Cloud) -> Rewrapped:
        try:
            return await cloud.rewrap(
                secrets=None if only == "objects" else prefix,
                objects=None if only == "secrets" else prefix,
                progress=tell,
            )
        finally:
            progress.end()

    done = invocation.run(invocation.open(), work)
    both = {"secrets": done.secrets, "objects": done.objects}
    if console.json:
        console.document({what: _document(count) for what, count in both.items()})
    else:
        for what, count in both.items():
            if only in {None, what}:
                _show(what, count, console)
    errors = [error for count in both.values() for error in count.failed.values()]
    return failure_of(errors[0]).exit_code if errors else DONE


def _looked_at(count: Count) -> int:
    return count.moved + count.newest + count.gone + len(count.failed)


def _document(count: Count) -> dict[str, Any]:
    return {
        "moved": count.moved,
        "newest": count.newest,
        "gone": count.gone,
        "failed": [
            {"name": name, "error": document(failure_of(error))}
            for name, error in count.failed.items()
        ],
    }


def _show(what: str, count: Count, console: Console) -> None:
    parts = [f"{counted(count.moved, what[:-1])} moved", f"{count.newest:,} had the newest key"]
    if count.failed:
        parts.append(f"{len(count.failed):,} failed")
    console.text(", ".join(parts))
    for name, error in count.failed.items():
        console.warn(f"{printable(name)}: {printable(str(error))}")
