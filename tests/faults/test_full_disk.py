"""No space: ``Quota``, nothing was written, all that was there is readable; then it goes on."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from skykeep.errors import Quota
from skykeep.providers.local import committing, session
from skykeep.providers.local.secrets import LocalSecrets
from tests.faults import programs
from tests.providers.local.vaults import Place, change, keep, listed, made, read
from tests.small_disk import grow, small_disk_at


async def full(place: Place, room: int) -> int:
    """Write until ``Quota``, then look; returns how many secrets are kept."""
    async with place.opened() as driver:
        kept: dict[str, bytes] = {}
        while True:
            name, value = f"group/{len(kept)}", os.urandom(3000)
            try:
                await keep(driver, name, value)
            except Quota as error:
                assert_says_so(error)
                break
            kept[name] = value
            assert len(kept) * 3000 < room * 2, "the disk does not get full"
        assert kept
        await holds(place, kept, driver)
        with pytest.raises(Quota):
            await keep(driver, "large", os.urandom(300_000))
        with pytest.raises(Quota):
            await change(driver, "group/0", os.urandom(300_000))
        await holds(place, kept, driver)
    return len(kept)


def assert_says_so(error: Quota) -> None:
    assert "nothing was written" in str(error)
    assert error.hint


async def holds(place: Place, kept: dict[str, bytes], driver: LocalSecrets) -> None:
    assert sorted(await listed(driver)) == sorted(kept)
    assert sorted(await listed(driver, "group")) == sorted(kept)
    for name, value in kept.items():
        assert await read(driver, name) == value


@pytest.mark.asyncio
async def test_no_page_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = made(tmp_path / "vault")
    pages = 40

    def connect(path: Path, *, read_only: bool) -> sqlite3.Connection:
        connection = session.connect(path, read_only=read_only)
        connection.execute(f"PRAGMA max_page_count = {pages}")
        return connection

    monkeypatch.setattr(committing, "connect", connect)
    kept = await full(place, 4096 * pages)
    monkeypatch.undo()
    async with place.opened() as driver:
        await keep(driver, "with/room", bytes(300_000))
        assert len(await listed(driver)) == kept + 1


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk_at(tmp_path / "disk") as disk:
        yield disk


def test_a_full_disk(small_disk: Path) -> None:
    place = made(small_disk / "vault")
    kept = asyncio.run(full(place, 1024 * 1024))
    grow(small_disk)

    async def go_on() -> None:
        async with place.opened() as driver:
            await keep(driver, "with/room", bytes(300_000))
            assert len(await listed(driver)) == kept + 1
            assert await read(driver, "with/room") == bytes(300_000)

    asyncio.run(go_on())


def test_a_disk_that_is_full_before_the_vault_is_opened(small_disk: Path) -> None:
    place = made(small_disk / "vault")

    async def write_and_look() -> None:
        async with place.opened() as driver:
            await keep(driver, "new", b"value")

    async def fill() -> None:
        async with place.opened() as driver:
            await keep(driver, "kept", b"kept value")

    asyncio.run(fill())
    ballast = small_disk / "ballast"
    with pytest.raises(OSError, match="No space"):
        ballast.write_bytes(bytes(2 * 1024 * 1024))
    with pytest.raises(Quota) as caught:
        asyncio.run(write_and_look())
    assert_says_so(caught.value)
    ballast.unlink()
    asyncio.run(write_and_look())


def test_no_room_for_a_vault_or_its_key(small_disk: Path) -> None:
    ballast = small_disk / "ballast"
    with pytest.raises(OSError, match="No space"):
        ballast.write_bytes(bytes(2 * 1024 * 1024))
    place = Place(small_disk)
    with pytest.raises(Quota) as caught:
        place.create()
    assert_says_so(caught.value)
    assert sorted(small_disk.iterdir()) == [ballast]
    ballast.unlink()
    place.key_path.write_bytes(os.urandom(32))
    place.key_path.chmod(0o600)
    with pytest.raises(OSError, match="No space"):
        ballast.write_bytes(bytes(2 * 1024 * 1024))
    with pytest.raises(Quota):
        place.create()
    assert sorted(small_disk.iterdir()) == [ballast, place.key_path]
    ballast.unlink()
    assert place.create().path == place.path


def test_a_limit_on_the_size_of_files(tmp_path: Path) -> None:
    place = made(tmp_path / "vault")
    said = programs.run("unwritable", place.directory, "file-size")
    # SQLite tells a full disk from other failures to write by the system's error alone.
    for operation in ("write", "again"):
        assert str(said[operation]).startswith(("Quota: ", "Unavailable: ")), said[operation]
    assert str(said["get it"]).startswith("NotFound: ")
    assert said["read"] == "done: b'before'"
    assert str(said["write with room"]).startswith("done: ")
    assert said["whole"] == "True"
