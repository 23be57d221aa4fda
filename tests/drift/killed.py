"""A sync that kills itself: ``python -m tests.drift.killed DIRECTORY COUNT``.

Between two local vaults. It dies when so many secrets were written and read back, with others
under way.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

from skykeep import Cloud, drift
from skykeep.errors import SkykeepError
from skykeep.interfaces.provider import OpenContext
from skykeep.providers.local import vault
from skykeep.providers.local.settings import LocalSettings
from skykeep.settings.model import Environment

SECRETS = 400


def settings(directory: Path, name: str) -> LocalSettings:
    return LocalSettings(
        backend="local",
        path=str(directory / f"{name}.db"),
        key_file=str(directory / f"{name}.key"),
    )


def clouds(directory: Path) -> tuple[Cloud, Cloud]:
    """A and B."""
    a, b = (Cloud(Environment(primary=settings(directory, name)), environ={}) for name in "ab")
    return a, b


def make(directory: Path) -> None:
    """Both vaults."""
    for name in "ab":
        made = settings(directory, name)
        environ = {"SKYKEEP_KEY_FILE": str(made.key_file)}
        vault.create(made, OpenContext("test", environ, lambda: directory))


async def fill(directory: Path) -> None:
    """A gets its secrets; some are in B, with another value."""
    a, b = clouds(directory)
    async with a, b:
        await asyncio.gather(
            *(
                a.secrets.put(f"n/{number}", f"value {number}", tags={"n": str(number)})
                for number in range(SECRETS)
            )
        )
        for number in range(0, SECRETS, 10):
            await b.secrets.put(f"n/{number}", "an older one")


async def sync(directory: Path, count: int) -> None:
    """Sync, and die in the middle."""
    written = 0

    def tell(step: drift.Step, error: SkykeepError | None) -> None:
        nonlocal written
        written += error is None
        if written == count:
            os.kill(os.getpid(), signal.SIGKILL)

    a, b = clouds(directory)
    async with a, b:
        plan = await drift.plan(a.secrets, b.secrets)
        await drift.carry_out(plan, a.secrets, b.secrets, tell=tell)


if __name__ == "__main__":
    asyncio.run(sync(Path(sys.argv[1]), int(sys.argv[2])))
