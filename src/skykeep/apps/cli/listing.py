"""The names of a store, all of them, with progress for those who wait."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skykeep.apps.cli.console import Console, Progress

if TYPE_CHECKING:
    from skykeep.cloud import Cloud
    from skykeep.interfaces.secret_driver import SecretInfo


async def listed(
    cloud: Cloud, prefix: str, console: Console, *, deleted: bool = False
) -> list[SecretInfo]:
    """What is under the prefix, by name."""
    progress = Progress("names read", console)
    found: list[SecretInfo] = []
    listing = cloud.secrets.list(prefix, deleted=deleted)
    try:
        while (page := await listing.next_page()) is not None:
            found += page
            progress.at(len(found))
    finally:
        progress.end()
    # The store's order is its own; a listing that is compared or cut needs one.
    found.sort(key=lambda info: info.name)
    return found
