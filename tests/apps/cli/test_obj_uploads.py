"""Files become objects: with their digest, whole, or not at all."""

# ruff: noqa: ASYNC230, ASYNC240  (files are what is tested, and nobody else is on the loop)

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from skykeep.apps.cli.transfers import uploading
from skykeep.apps.cli.transfers.digests import known_of, of_file
from skykeep.errors import (
    Corrupt,
    Invalid,
)
from skykeep.interfaces.object_driver import (
    ALWAYS,
    NO_ATTRIBUTES,
    Condition,
    ObjectAttributes,
    ObjectCapabilities,
    ObjectInfo,
)
from skykeep.providers.memory.objects import MemoryObjects
from tests.apps.cli.obj_room import BODY, MIB, Room, silent


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Room:
    monkeypatch.chdir(tmp_path)
    return Room()


# -- upwards


@pytest.mark.parametrize("size", [100, 20 * MIB])
@pytest.mark.asyncio
async def test_the_digest_is_kept_and_known(room: Room, size: int) -> None:
    Path("from").write_bytes(BODY[:size])
    info = await room.put("from", metadata={"k": "v"})
    assert known_of(silent(info)) == known_of(info) is not None
    assert info.metadata["k"] == "v"
    assert (await room.put("from", metadata={"sha256": "mine"})).metadata["sha256"] == "mine"


@pytest.mark.asyncio
async def test_without_room_for_it_the_digest_is_left_out(room: Room) -> None:
    Path("from").write_bytes(b"x")
    full = {"k": "v" * 1950}
    assert (await room.put("from", metadata=full)).metadata == full
    room.store.capabilities = ObjectCapabilities(presign=False, metadata=False)
    assert (await room.put("from", "b")).metadata == {}


@pytest.mark.asyncio
async def test_a_file_that_is_changed_while_it_is_sent_is_not_kept(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = Path("from")
    path.write_bytes(BODY)

    async def then_changed(given: Path) -> str:
        digest = await of_file(given)
        with path.open("r+b") as file:
            file.seek(20 * MIB)
            file.write(b"changed")
        return digest

    monkeypatch.setattr(uploading, "of_file", then_changed)
    with pytest.raises(Invalid, match="changed while it was sent"):
        await room.put("from")
    assert not await room.objects.exists("a")
    assert room.store.store.begun == {}


@pytest.mark.asyncio
async def test_a_file_that_grows_between_two_looks(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("from").write_bytes(b"small")
    monkeypatch.setattr(uploading, "SMALL", 5)
    await room.put("from")
    status = Path("from").stat()
    Path("from").write_bytes(b"larger")
    monkeypatch.setattr(Path, "stat", lambda self, **_: status)
    with pytest.raises(Invalid, match="changed while it was sent"):
        await room.put("from")


@pytest.mark.asyncio
async def test_a_store_that_keeps_something_else_is_noticed(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def damaging(
        self: MemoryObjects,
        key: str,
        data: bytes,
        attributes: ObjectAttributes = NO_ATTRIBUTES,
        condition: Condition = ALWAYS,
    ) -> ObjectInfo:
        return await MemoryObjects.write(self, key, data[::-1], attributes, condition)

    Path("from").write_bytes(b"body")
    monkeypatch.setattr(type(room.store), "write", damaging)
    with pytest.raises(Corrupt, match="SHA-256"):
        await room.put("from")


@pytest.mark.asyncio
async def test_an_upload_that_is_cancelled_leaves_no_parts(room: Room) -> None:
    Path("from").write_bytes(BODY)
    begun = asyncio.Event()

    async def never(key: str, upload: str, number: int, data: bytes) -> str:
        begun.set()
        await asyncio.Event().wait()
        return ""

    room.store.write_part = never  # type: ignore[method-assign]  # a part that takes for ever
    task = asyncio.ensure_future(room.put("from"))
    await begun.wait()
    assert len(room.store.store.begun) == 1
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert room.store.store.begun == {}
