"""A vault that is opened twice in one process keeps the locks of the first time."""

from __future__ import annotations

import gc
import os
from pathlib import Path

import pytest

from skykeep.durable import link
from skykeep.durable.database import journal_of
from skykeep.providers.local.session import connect
from tests.faults import programs
from tests.providers.local.vaults import keep, listed, made

pytestmark = pytest.mark.asyncio


async def test_another_process_does_not_take_itself_for_the_last_one(tmp_path: Path) -> None:
    place = made(tmp_path)
    async with place.opened() as first:
        await keep(first, "shared/counter", b"0")
        await listed(first)
        async with place.opened() as second:
            assert await listed(second) == ["shared/counter"]
        programs.run("many_writers", place.directory, "write", 1, 20)
        assert journal_of(place.path).exists(), "the journal was taken away under the first"
        await keep(first, "kept", b"acknowledged")
        programs.run("many_writers", place.directory, "write", 2, 20)
        async with place.opened() as third:
            assert "kept" in await listed(third)
            assert await listed(first) == await listed(third)


async def test_a_link_that_nobody_closed_is_no_longer_counted(tmp_path: Path) -> None:
    place = made(tmp_path)
    connected = link._descriptors._connected
    forgotten = link.Link(lambda: connect(place.path, read_only=True))
    with forgotten as connection:
        assert link._descriptors._connected == connected + 1
    connection.close()
    del forgotten, connection
    gc.collect()
    assert link._descriptors._connected == connected


async def test_descriptors_are_closed_with_the_last_connection(tmp_path: Path) -> None:
    place = made(tmp_path)
    connected = link._descriptors._connected
    before = set(link._descriptors._open.values())
    async with place.opened() as first:
        await listed(first)
        async with place.opened() as second:
            await listed(second)
        async with place.opened() as second:
            await listed(second)
        held = set(link._descriptors._open.values()) - before
        assert len(held) == 1
        with link.beside_sqlite(place.path) as file:
            assert {file} == held
            assert os.pread(file, 6, 0) == b"SQLite"
    assert link._descriptors._connected == connected
    if connected == 0:
        assert link._descriptors._open == {}
