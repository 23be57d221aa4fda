"""A vault gets new keys while others work in it, and while the process is killed."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import cast

import pytest

from skykeep.errors import Unavailable
from skykeep.providers.local.rekey import rekey
from skykeep.providers.local.session import read_header
from skykeep.providers.local.unlock import unlock
from skykeep.providers.local.verify import verify
from tests.faults import programs
from tests.faults.many_writers import COUNTER
from tests.faults.test_many_processes import check_all
from tests.faults.values import made_for
from tests.providers.local.vaults import keep, made

WRITERS = 3
WRITES = 900


@pytest.mark.slow
def test_60_kills_while_a_vault_gets_new_keys(tmp_path: Path) -> None:
    told = programs.run("killed_rekey", tmp_path / "vault", 60, 20240607)
    assert cast("int", told["killed before the swap"]) > 20
    assert cast("int", told["killed after the swap"]) > 3
    assert cast("int", told["done"]) > 5


@pytest.mark.slow
@pytest.mark.parametrize("key_file", [True, False], ids=["key file", "passphrase"])
def test_writers_and_readers_lose_nothing(tmp_path: Path, key_file: bool) -> None:
    place = made(tmp_path / "vault")
    if not key_file:
        place = made(tmp_path / "passphrase", key_file=False)

    async def prepare() -> None:
        async with place.opened() as driver:
            await keep(driver, COUNTER, b"0")
            for number in range(300):
                await keep(driver, f"ballast/{number}", made_for(f"ballast/{number}", 1))

    asyncio.run(prepare())
    reader = programs.start("many_writers", place.directory, "read", key_file)
    writers = [
        programs.start("many_writers", place.directory, "write", number, WRITES, key_file)
        for number in range(WRITERS)
    ]
    swaps_under_load = 0
    while any(writer.poll() is None for writer in writers):
        with suppress(Unavailable):  # writers were quicker for as long as it waits; again
            rekey(place.settings, place.context)
        swaps_under_load += any(writer.poll() is None for writer in writers)
    told = [programs.report(writer) for writer in writers]
    looked = programs.report(reader, "enough\n")
    assert cast("int", looked["reads"]) > 100
    assert swaps_under_load, "nobody wrote meanwhile"
    assert read_header(place.path).epoch > 1
    asyncio.run(check_all(place, told, WRITES))
    keys = unlock(read_header(place.path), place.settings, place.context)
    assert verify(place.path, keys).secrets > 300
