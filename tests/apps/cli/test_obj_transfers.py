"""Bodies on their way: broken off and gone on with, changed on the way, damaged."""

# ruff: noqa: ASYNC230, ASYNC240  (files are what is tested, and nobody else is on the loop)

from __future__ import annotations

import asyncio
import errno
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from skykeep.apps.cli.transfers import downloading, partial
from skykeep.apps.cli.transfers.files import failure_of, walked
from skykeep.apps.cli.transfers.partial import Partial
from skykeep.errors import (
    Conflict,
    Corrupt,
    Denied,
    Invalid,
    NotFound,
    Quota,
    SkykeepError,
    Unavailable,
)
from skykeep.interfaces.object_driver import ObjectInfo
from tests.apps.cli.obj_home import names
from tests.apps.cli.obj_room import BODY, MIB, OTHER, Room


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Room:
    monkeypatch.chdir(tmp_path)
    return Room()


def note() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path("a.skykeep-part.json").read_text())
    return found


@pytest.mark.asyncio
async def test_a_transfer_that_broke_off_is_gone_on_with(room: Room) -> None:
    await room.objects.put("a", BODY)
    await room.broken()
    assert names() == ["a.skykeep-part", "a.skykeep-part.json"]
    have = note()["have"]
    assert 8 * MIB <= have <= 24 * MIB
    assert Path("a.skykeep-part").read_bytes() == BODY[:have]
    before = room.bar.bytes
    await room.get()
    assert room.store.starts[0] == have
    assert min(room.store.starts) == have
    assert Path("a").read_bytes() == BODY
    assert names() == ["a"]
    assert room.bar.bytes - before == len(BODY)
    assert not len(room.tasks)


@pytest.mark.asyncio
async def test_one_that_is_interrupted_is_gone_on_with(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also if it is interrupted while a thread writes: that is waited for."""
    await room.objects.put("a", BODY)
    task: asyncio.Task[ObjectInfo]
    add = Partial.add

    def interrupted(self: Partial, data: bytes) -> None:
        if self.have >= 16 * MIB:
            loop.call_soon_threadsafe(task.cancel)
        add(self, data)

    loop = asyncio.get_running_loop()
    with monkeypatch.context() as patch:
        patch.setattr(Partial, "add", interrupted)
        task = asyncio.ensure_future(room.get())
        with pytest.raises(asyncio.CancelledError):
            await task
    assert note()["have"] == 24 * MIB
    await room.get()
    assert room.store.starts[0] == 24 * MIB
    assert Path("a").read_bytes() == BODY


@pytest.mark.asyncio
async def test_it_begins_anew_if_the_object_is_another(room: Room) -> None:
    await room.objects.put("a", BODY)
    await room.broken()
    await room.objects.put("a", OTHER)
    await room.get()
    assert room.store.starts[1] == 0
    assert Path("a").read_bytes() == OTHER
    assert names() == ["a"]


@pytest.mark.asyncio
async def test_a_damaged_part_is_noticed_and_got_again(room: Room) -> None:
    Path("from").write_bytes(BODY)
    await room.put("from")
    room.store.tells = False
    await room.broken()
    with Path("a.skykeep-part").open("r+b") as file:
        file.write(b"damaged")
    await room.get()
    assert Path("a").read_bytes() == BODY
    assert names() == ["a", "from"]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda: Path("a.skykeep-part.json").write_text("no note"),
        lambda: Path("a.skykeep-part.json").write_text("[]"),
        lambda: Path("a.skykeep-part.json").write_text(json.dumps(note() | {"have": "9"})),
        lambda: Path("a.skykeep-part.json").write_text(json.dumps(note() | {"have": -1})),
        lambda: Path("a.skykeep-part.json").write_text(json.dumps(note() | {"etag": None})),
        lambda: Path("a.skykeep-part.json").write_text(json.dumps(note() | {"source": "t:a"})),
        lambda: Path("a.skykeep-part.json").unlink(),
        lambda: os.truncate("a.skykeep-part", 9),
        lambda: Path("a.skykeep-part").unlink(),
    ],
)
@pytest.mark.asyncio
async def test_what_cannot_be_gone_on_with_begins_anew(
    room: Room, spoil: Callable[[], object]
) -> None:
    await room.objects.put("a", BODY)
    await room.broken()
    spoil()
    await room.get()
    assert room.store.starts[0] == 0
    assert Path("a").read_bytes() == BODY
    assert names() == ["a"]


@pytest.mark.asyncio
async def test_what_was_not_on_the_disk_when_the_power_failed_is_not_relied_on(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that dies without a word: the note says what had been put onto the disk."""
    await room.objects.put("a", BODY)
    monkeypatch.setattr(partial, "SAVED", 16 * MIB)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Partial, "close", lambda self, *, keep: self._file.close())
        await room.broken(at=24 * MIB)
    have = note()["have"]
    assert have == 16 * MIB
    length = Path("a.skykeep-part").stat().st_size
    assert length > have
    with Path("a.skykeep-part").open("r+b") as file:
        file.seek(have)
        file.write(bytes(length - have))
    await room.get()
    assert room.store.starts[0] == have
    assert Path("a").read_bytes() == BODY


@pytest.mark.asyncio
async def test_a_small_one_leaves_nothing_when_it_breaks_off(room: Room) -> None:
    await room.objects.put("a", BODY[: 5 * MIB])
    room.store.broken_from = 0
    with pytest.raises(Unavailable):
        await room.get()
    room.store.broken_from = len(BODY)
    with pytest.raises(NotFound):
        await room.get("none")
    assert names() == []


@pytest.mark.asyncio
async def test_what_came_is_held_against_the_digest(room: Room) -> None:
    await room.objects.put("a", b"body", metadata={"sha256": "0" * 64})
    room.store.tells = False
    Path("a").write_text("as it was")
    with pytest.raises(Corrupt, match="not what was kept"):
        await room.get()
    assert names() == ["a"]
    assert Path("a").read_text() == "as it was"


@pytest.mark.asyncio
async def test_a_second_process_is_refused(room: Room) -> None:
    await room.objects.put("a", b"body")
    first = Partial(Path("a").absolute(), "s:a")
    with pytest.raises(Conflict, match="another process"):
        await room.get()
    first.close(keep=False)
    await room.get()
    assert names() == ["a"]


@pytest.mark.parametrize("third", [False, True])
def test_whoever_waits_for_the_lock_of_a_finished_file_takes_another(
    room: Room, monkeypatch: pytest.MonkeyPatch, third: bool
) -> None:
    """The other process renames the part between our opening and our lock; a third one may
    have begun a part of its own by then."""
    Path("a.skykeep-part").write_text("the other's, whole")
    opened = os.open

    def racing(path: Any, *args: Any, **kwargs: Any) -> int:
        descriptor = opened(path, *args, **kwargs)
        if not Path("a").exists():
            Path("a.skykeep-part").rename("a")
            if third:
                Path("a.skykeep-part").touch()
        return descriptor

    monkeypatch.setattr(os, "open", racing)
    found = Partial(Path("a").absolute(), "s:a")
    found.recall()
    assert Path("a").read_text() == "the other's, whole"
    assert Path("a.skykeep-part").read_text() == ""
    found.close(keep=False)


@pytest.mark.asyncio
async def test_what_stands_behind_the_noted_bytes_is_cut_off(room: Room) -> None:
    await room.objects.put("a", BODY)
    await room.broken()
    with Path("a.skykeep-part").open("ab") as file:
        file.write(bytes(len(BODY)))
    await room.get()
    assert Path("a").read_bytes() == BODY


@pytest.mark.asyncio
async def test_a_link_in_the_parts_place_is_not_followed(room: Room) -> None:
    await room.objects.put("a", b"body")
    Path("victim").write_text("untouched")
    Path("a.skykeep-part").symlink_to("victim")
    with pytest.raises(Invalid, match="symbolic link"):
        await room.get()
    assert Path("victim").read_text() == "untouched"


@pytest.mark.parametrize("length", [233, 234, 255])
@pytest.mark.asyncio
async def test_the_longest_names(room: Room, length: int) -> None:
    name = "n" * length
    await room.objects.put(name, BODY)
    room.store.broken_from = 24 * MIB
    with pytest.raises(Unavailable):
        await room.get(name, name)
    room.store.broken_from = len(BODY) * 2
    await room.get(name, name)
    assert room.store.starts[0] > 0
    assert names() == [name]


@pytest.mark.asyncio
async def test_a_file_that_came_meanwhile_is_not_clobbered(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    await room.objects.put("a", b"body")
    looked = downloading._target_of

    def then_it_comes(path: Path) -> tuple[Path, str]:
        found = looked(path)
        path.write_text("quicker")
        return found

    monkeypatch.setattr(downloading, "_target_of", then_it_comes)
    with pytest.raises(Conflict, match="there already"):
        await room.get(replace=False)
    assert Path("a").read_text() == "quicker"
    assert names() == ["a"]
    monkeypatch.setattr(downloading, "_target_of", looked)
    await room.get(path="b", replace=False)
    assert Path("b").read_text() == "body"


# -- files


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (errno.ENOENT, NotFound),
        (errno.EACCES, Denied),
        (errno.EPERM, Denied),
        (errno.EROFS, Denied),
        (errno.ENOSPC, Quota),
        (errno.EDQUOT, Quota),
        (errno.EFBIG, Quota),
        (errno.ENOTDIR, Conflict),
        (errno.EISDIR, Conflict),
        (errno.EEXIST, Conflict),
        (errno.ENAMETOOLONG, Invalid),
        (errno.ELOOP, Invalid),
        (errno.EIO, Unavailable),
        (errno.EMFILE, Unavailable),
    ],
)
def test_what_the_file_system_says(number: int, kind: type[SkykeepError]) -> None:
    error = failure_of(OSError(number, os.strerror(number)), Path("file"))
    assert type(error) is kind
    assert "'file'" in error.message


def test_files_that_are_being_received_are_no_files_yet(room: Room) -> None:
    for name in ("a", "b.skykeep-part", "b.skykeep-part.json", "c.skykeep-part.json.new"):
        Path(name).write_text("")
    assert [file.name for file in walked(Path(), [])] == ["a"]
