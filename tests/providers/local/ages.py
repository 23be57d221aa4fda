"""What tests of the vault's counter share: vaults that were used, put back and killed."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from skykeep.durable.database import journal_of
from skykeep.errors import Corrupt
from skykeep.providers.local import counter
from skykeep.providers.local.rollback import Watch, watch
from skykeep.providers.local.secrets import open_secrets
from skykeep.providers.local.session import connect, read_header
from skykeep.providers.local.unlock import anchor_of, unlock
from tests.providers.local.vaults import Place, change, keep, listed


async def used(place: Place, times: int = 3) -> None:
    """Change the vault so many times."""
    async with place.opened() as driver:
        for number in range(times):
            if await listed(driver):
                await change(driver, "top", os.urandom(8) + bytes([number]))
            else:
                await keep(driver, "top", b"first")


def in_file(place: Place) -> int:
    keys = unlock(read_header(place.path), place.settings, place.context)
    with closing(connect(place.path, read_only=True)) as connection:
        return counter.number_in(connection, keys)


def in_anchor(place: Place) -> int:
    line = place.counter_path.read_text()
    assert line.startswith("skykeep counter 1 ")
    assert line.endswith("\n")
    return int(line.split()[-1])


def in_child(work: Callable[[], object]) -> None:
    """Do it in a forked child, which then ends without closing anything, as if killed."""
    child = os.fork()
    if child == 0:
        try:
            work()
            os._exit(0)
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def written_and_killed(place: Place) -> None:
    async def write() -> None:
        driver = await open_secrets(place.settings, place.context)
        await change(driver, "top", b"acknowledged")

    in_child(lambda: asyncio.new_event_loop().run_until_complete(write()))
    assert journal_of(place.path).stat().st_size > 0


def names_in(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def watched(place: Place) -> Watch:
    header = read_header(place.path)
    keys = unlock(header, place.settings, place.context)
    return watch(place.path, keys, anchor_of(header, place.settings, place.context))


async def refusal(place: Place) -> Corrupt:
    with pytest.raises(Corrupt) as caught:
        async with place.opened():
            pass
    with pytest.raises(Corrupt):
        watched(place)
    return caught.value


def put_pages_back(place: Path, older: Path) -> None:
    """Give the file at ``place`` the content of the other, as a whole, in a transaction."""
    with closing(sqlite3.connect(older)) as source, closing(sqlite3.connect(place)) as target:
        source.backup(target)
