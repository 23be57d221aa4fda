"""A process that kills itself in the middle of its work: ``python -m tests.sealing.killed``.

``upload DIRECTORY`` dies in an upload, with parts kept; ``rewrap DIRECTORY COUNT`` after it has
moved so many objects, or (0) while it writes the first.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

from skykeep import Cloud
from skykeep.interfaces import object_writing
from skykeep.providers.local.settings import LocalSettings
from skykeep.sealing.rewrapping import Rewrapped
from skykeep.settings.guarding import EncryptionSettings
from skykeep.settings.model import Environment

PART = 200_000
BODY = bytes(range(256)) * 4000


def cloud_in(directory: Path, **encryption: object) -> Cloud:
    """Secrets, keys and objects in a directory."""
    target = LocalSettings(
        backend="local",
        path=str(directory / "vault.db"),
        key_file=str(directory / "vault.key"),
        objects=str(directory / "objects"),
    )
    given = EncryptionSettings(**{"kek": "main", **encryption})  # type: ignore[arg-type]  # of different types
    return Cloud(Environment(primary=target, encryption=given), environ={})


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


async def upload(directory: Path) -> None:
    """Replace ``o``, and die when the store has two parts."""
    object_writing.PART = PART  # type: ignore[misc]  # many parts at no cost

    def watch(done: int, total: int | None) -> None:
        if done >= 2 * PART:
            die()

    async with cloud_in(directory) as cloud:
        await cloud.objects.put("o", BODY, progress=watch)


async def rewrap(directory: Path, count: int) -> None:
    """Move objects, and die."""
    object_writing.PART = PART  # type: ignore[misc]  # see above

    def watch(done: Rewrapped) -> None:
        if count and done.objects.moved >= count:
            die()

    async with cloud_in(directory) as cloud:
        if not count:
            send = object_writing._Parts._one

            async def once(*given: object) -> str:
                await send(*given)  # type: ignore[arg-type]  # as it was called
                die()
                return ""

            object_writing._Parts._one = once  # type: ignore[method-assign,assignment]
        await cloud.rewrap(secrets=None, progress=watch)


if __name__ == "__main__":
    what, where, *more = sys.argv[1:]
    if what == "upload":
        asyncio.run(upload(Path(where)))
    else:
        asyncio.run(rewrap(Path(where), int(more[0])))
