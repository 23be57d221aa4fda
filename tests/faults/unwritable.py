"""Uses a vault as a user who may not write everything, or on a disk that has no room.

``python -m tests.faults.unwritable DIRECTORY other-user``: gives up root's rights first
``python -m tests.faults.unwritable DIRECTORY file-size``: no file may grow over a limit
Prints the class and the text of what each operation raised, or what it gave.
"""

from __future__ import annotations

import asyncio
import concurrent.futures.thread  # noqa: F401  (now: another user may not read it later)
import json
import os
import resource
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from skykeep.errors import SkykeepError
from skykeep.interfaces.secret_driver import Attributes
from skykeep.interfaces.secret_value import SecretValue
from skykeep.providers.local.rollback import watch
from skykeep.providers.local.session import read_header
from skykeep.providers.local.unlock import anchor_of, unlock
from skykeep.providers.local.vault import Created
from tests.providers.local.vaults import Place, keep, read

NOBODY = 65534


def told(error: SkykeepError) -> str:
    return f"{type(error).__name__}: {error}"


async def outcome(work: Callable[[], Awaitable[object]]) -> str:
    try:
        return f"done: {await work()!r}"
    except SkykeepError as error:
        return told(error)


async def as_other_user(place: Place) -> dict[str, str]:
    async def reading() -> object:
        async with place.opened() as driver:
            return await read(driver, "kept")

    async def writing() -> object:
        async with place.opened() as driver:
            return await keep(driver, "new", b"value")

    async def making() -> Created:
        return Place(place.directory / "another").create()

    async def making_beside() -> object:
        beside = Place(place.directory)
        beside.environ = {"SKYKEEP_KEY_FILE": str(place.directory / "another.key")}
        beside.key_file = False
        return beside.create()

    works = {"read": reading, "write": writing, "make": making, "make beside": making_beside}
    return {name: await outcome(work) for name, work in works.items()}


def watched(place: Place) -> dict[str, str]:
    """Whether the other user would notice a copy that is put back."""
    header = read_header(place.path)
    keys = unlock(header, place.settings, place.context)
    try:
        seen = watch(place.path, keys, anchor_of(header, place.settings, place.context))
    except SkykeepError as error:
        return {"watch": told(error), "hint": error.hint}
    return {"watch": seen.reason, "where": seen.where, "number": str(seen.number)}


async def with_small_files(place: Place) -> dict[str, str]:
    """Write until the journal may not grow any more; then again without the limit."""
    said: dict[str, str] = {}
    async with place.opened() as driver:
        await keep(driver, "before", b"before")
        size = place.path.with_name("vault.db-wal").stat().st_size
        _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 100_000, hard))
        big = SecretValue(os.urandom(300_000))
        said["write"] = await outcome(lambda: driver.create("big", big, Attributes()))
        said["again"] = await outcome(lambda: driver.create("big", big, Attributes()))
        said["get it"] = await outcome(lambda: driver.get("big"))
        said["read"] = await outcome(lambda: read(driver, "before"))
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
        said["write with room"] = await outcome(lambda: driver.create("big", big, Attributes()))
        kept = (await driver.get("big")).value.reveal()
        said["whole"] = str(kept == big.reveal())
    return said


def main() -> None:
    place = Place(Path(sys.argv[1]))
    if sys.argv[2] in {"other-user", "watch"}:
        if len(sys.argv) > 3:  # the key file lies elsewhere
            place.key_file = False
            place.environ = {"SKYKEEP_KEY_FILE": sys.argv[3]}
        if os.getuid() == 0:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
        said = watched(place) if sys.argv[2] == "watch" else asyncio.run(as_other_user(place))
    else:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        said = asyncio.run(with_small_files(place))
    sys.stdout.write(json.dumps(said) + "\n")


if __name__ == "__main__":
    main()
