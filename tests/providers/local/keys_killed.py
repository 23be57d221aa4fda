"""A process that uses keys of a vault and can be killed at a certain moment.

``python -m tests.providers.local.keys_killed DIRECTORY MOMENT``; MOMENT is ``never``,
``before`` or ``after`` the third commit.
"""

from __future__ import annotations

import asyncio
import base64
import os
import signal
import sqlite3
import sys
from pathlib import Path

from skykeep.interfaces.secret_value import SecretValue
from skykeep.providers.local.keys import open_keys
from skykeep.providers.local.rollback import Guard
from tests.providers.local.vaults import Place

COMMITS = 3


def die_at(moment: str) -> None:
    """Let this process be killed at its third commit."""
    seen = 0

    def count() -> None:
        nonlocal seen
        seen += 1
        if seen == COMMITS:
            os.kill(os.getpid(), signal.SIGKILL)

    step, committed = Guard.step, Guard.committed

    def before(guard: Guard, connection: sqlite3.Connection) -> None:
        step(guard, connection)  # all is written, nothing is committed
        count()

    def after(guard: Guard) -> None:
        count()  # it is committed, the anchor does not know
        committed(guard)

    if moment == "before":
        setattr(Guard, "step", before)  # noqa: B010  (a plain assignment is typed as a method)
    if moment == "after":
        setattr(Guard, "committed", after)  # noqa: B010  (as above)


async def rotate(place: Place) -> None:
    """Rotate for ever; say each version and a ciphertext of it, once it is acknowledged."""
    driver = await open_keys(place.settings, place.context)
    while True:
        info = await driver.rotate("key")
        value = SecretValue(f"of version {info.version}")
        ciphertext = await driver.encrypt("key", value, {})
        sys.stdout.write(f"{info.version} {base64.b64encode(ciphertext).decode()}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    die_at(sys.argv[2])
    asyncio.run(rotate(Place(Path(sys.argv[1]), keep_versions=1)))
