"""``skykeep models gc``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from skykeep.apps.cli.command import command as command_of
from skykeep.apps.cli.commands.models.shared import run
from skykeep.apps.cli.console import counted
from skykeep.apps.cli.invocation import Invocation, pass_invocation
from skykeep.apps.cli.transfers.bar import sized

if TYPE_CHECKING:
    from skykeep.models.cache.room import Freed
    from skykeep.models.store import ModelStore


@command_of(
    examples="""
    skykeep models gc
    skykeep models gc --all
    skykeep models gc --store
    """
)
@click.option("--all", "everything", is_flag=True, help="All that no process uses.")
@click.option(
    "--store", is_flag=True, help="Also what killed pushes left in the store a day ago."
)
@pass_invocation
def command(invocation: Invocation, /, *, everything: bool, store: bool) -> None:
    """Make room on this disk: what killed processes left, then what is over the limit.

    The limit is object_storage.model_cache.max_bytes; what was not used for the longest time
    goes first, and what a process uses stays.
    """

    async def collect(models: ModelStore) -> tuple[Freed, int | None]:
        freed = await models.gc(everything=everything)
        return freed, await models.gc_store() if store else None

    freed, objects = run(invocation.open(), collect, ask=store)
    if invocation.console.json:
        document: dict[str, Any] = {
            "models": freed.models,
            "parts": freed.parts,
            "bytes": freed.freed,
            "left": freed.left,
            "objects": objects,
        }
        invocation.console.document(document)
        return
    models = counted(freed.models, "model")
    text = f"{models} removed, {sized(freed.freed)} freed, {sized(freed.left)} left"
    if objects is not None:
        text += f"; {counted(objects, 'object')} removed from the store"
    invocation.console.text(text)
