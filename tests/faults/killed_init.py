"""Forks a process that makes a vault and its key file, kills it, looks; again.

``python -m tests.faults.killed_init DIRECTORY ROUNDS``
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

from skykeep.errors import Conflict
from tests.providers.local.vaults import Place, keep, listed, read


def killed(place: Place, after: float) -> None:
    """Begin to make the vault; be killed after so many seconds, or have ended."""
    child = os.fork()
    if child == 0:
        place.create()
        os._exit(0)
    time.sleep(after)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


async def usable(place: Place) -> None:
    """Raise unless the vault is complete and empty, and can be written."""
    async with place.opened() as driver:
        if await listed(driver):
            raise SystemExit("a new vault is not empty")
        await keep(driver, "a/b", b"value")
        if await read(driver, "a/b") != b"value" or await listed(driver, "a") != ["a/b"]:
            raise SystemExit("a new vault does not keep")


def main() -> None:
    directory, rounds = Path(sys.argv[1]), int(sys.argv[2])
    begun = time.perf_counter()
    directory.mkdir()
    Place(directory / "first").create()
    took = time.perf_counter() - begun
    seen = {"nothing": 0, "key file only": 0, "vault": 0}
    for number in range(rounds):
        place = Place(directory / str(number))
        killed(place, 1.5 * took * number / rounds)
        if place.key_path.exists() and place.key_path.stat().st_size != 32:
            raise SystemExit("a key file without 32 bytes")
        made = place.path.exists()
        seen[
            "vault" if made else "key file only" if place.key_path.exists() else "nothing"
        ] += 1
        with suppress(Conflict):
            place.create()
            if made:
                raise SystemExit("a second vault was made over the first")
        asyncio.run(usable(place))
    sys.stdout.write(json.dumps(seen) + "\n")


if __name__ == "__main__":
    main()
