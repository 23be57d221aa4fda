"""Downloads that break off, are continued, are shared, or find no room."""

from __future__ import annotations

import asyncio
import errno
import fcntl
import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from skykeep.errors import Conflict, Corrupt, Denied, Quota, Unavailable
from skykeep.interfaces.object_driver import Fragment
from skykeep.models.cache import locks
from skykeep.models.cache.directory import write_all as really
from skykeep.models.cache.locks import tried
from skykeep.models.store import ModelStore
from skykeep.providers.memory.objects import MemoryObjects
from tests.models.rig import LARGE, MIB, Rig

pytestmark = pytest.mark.asyncio

BODY = random.Random(6).randbytes(LARGE)


class Counted(MemoryObjects):
    """Counts the bytes that are read; may end after some."""

    def __init__(self, rig: Rig) -> None:
        super().__init__(rig.driver.store)
        self.given = 0
        self.starts: list[int] = []
        self.down_after: int | None = None
        self.before: dict[int, Callable[[], object]] = {}

    async def read(
        self,
        key: str,
        *,
        start: int = 0,
        length: int | None = None,
        if_match: str | None = None,
    ) -> Fragment:
        self.before.pop(start, lambda: None)()
        if self.down_after is not None and start >= self.down_after:
            raise Unavailable("the store has stopped")
        found = await super().read(key, start=start, length=length, if_match=if_match)
        if key.endswith(".bin"):
            self.given += len(found.data)
            self.starts.append(start)
        return found


@pytest.fixture
def counted(rig: Rig) -> Counted:
    return Counted(rig)


async def pushed(rig: Rig) -> None:
    await rig.models().push("m", "1", rig.file("m.bin", BODY))


async def broken_off(rig: Rig, counted: Counted, models: ModelStore) -> None:
    """A download of which two ranges have come."""
    await pushed(rig)
    counted.down_after = 16 * MIB
    with pytest.raises(Unavailable, match="has stopped"):
        await models.pull("m")
    assert len(rig.room("parts")) == 2  # the part, and of which object it is
    assert rig.room("trees") == []
    counted.down_after, counted.given, counted.starts = None, 0, []


async def test_a_download_that_broke_off_is_continued(rig: Rig, counted: Counted) -> None:
    models = rig.models(objects=rig.over(counted))
    await broken_off(rig, counted, models)
    told: list[int] = []
    model = await models.fetch("m", progress=lambda done, _: told.append(done))
    assert model.path.read_bytes() == BODY
    assert counted.starts == [16 * MIB]
    assert told == [16 * MIB, LARGE]
    assert rig.room("parts") == []


async def test_a_part_that_is_damaged_is_downloaded_anew(rig: Rig, counted: Counted) -> None:
    models = rig.models(objects=rig.over(counted))
    await broken_off(rig, counted, models)
    (part,) = [path for path in (rig.root / "parts").iterdir() if path.suffix != ".etag"]
    with part.open("r+b") as file:
        file.write(b"\0" * 4096)  # as a power loss leaves it
    assert (await models.pull("m")).read_bytes() == BODY
    assert counted.starts == [16 * MIB, 0, 8 * MIB, 16 * MIB]


async def test_a_part_of_an_object_that_was_replaced_is_downloaded_anew(
    rig: Rig, counted: Counted
) -> None:
    models = rig.models(objects=rig.over(counted))
    await broken_off(rig, counted, models)
    rig.change("m.bin", lambda body: body)  # the same bytes under another etag
    assert (await models.pull("m")).read_bytes() == BODY
    assert counted.starts == [0, 8 * MIB, 16 * MIB]


@pytest.mark.parametrize("left", [b"", b"x" * (LARGE + 1)])
async def test_a_part_that_makes_no_sense_is_downloaded_anew(
    rig: Rig, counted: Counted, left: bytes
) -> None:
    models = rig.models(objects=rig.over(counted))
    await broken_off(rig, counted, models)
    (part,) = [path for path in (rig.root / "parts").iterdir() if path.suffix != ".etag"]
    part.write_bytes(left)
    assert (await models.pull("m")).read_bytes() == BODY
    assert counted.starts[0] == 0


async def test_a_part_that_is_whole_needs_no_store(rig: Rig, counted: Counted) -> None:
    models = rig.models(objects=rig.over(counted))
    await broken_off(rig, counted, models)
    (part,) = [path for path in (rig.root / "parts").iterdir() if path.suffix != ".etag"]
    part.write_bytes(BODY)
    assert (await models.pull("m")).read_bytes() == BODY
    assert counted.starts == []


async def test_an_object_that_is_replaced_while_it_is_read(rig: Rig, counted: Counted) -> None:
    await pushed(rig)
    models = rig.models(objects=rig.over(counted))

    counted.before[16 * MIB] = lambda: rig.change("m.bin", bytes.swapcase)
    with pytest.raises(Conflict):
        await models.pull("m")
    with pytest.raises(Corrupt):
        await models.pull("m")
    assert rig.room("trees") == rig.room("blobs") == []


async def test_a_caller_that_gives_up_leaves_what_can_be_continued(
    rig: Rig, counted: Counted
) -> None:
    await pushed(rig)
    models = rig.models(objects=rig.over(counted))
    begun = asyncio.Event()
    task = asyncio.create_task(models.pull("m", progress=lambda *_: begun.set()))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    for room in ("building", "parts"):
        for name in rig.room(room):
            lock = tried(rig.root / room / name)
            assert lock is not None, f"{room}/{name} is still locked"
            lock.release()
    counted.starts = []
    assert (await models.pull("m")).read_bytes() == BODY
    assert counted.starts[0] > 0


async def test_many_at_once_download_once(rig: Rig, counted: Counted) -> None:
    await pushed(rig)
    stores = [rig.models(objects=rig.over(counted)) for _ in range(8)]
    found = await asyncio.gather(*(store.fetch("m") for store in stores))
    assert sorted(model.downloaded for model in found) == [0] * 7 + [LARGE]
    assert counted.given == LARGE


async def test_who_waits_for_one_that_is_stopped_is_told(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = rig.models()
    model = await models.push("m", "1", rig.file("m.bin", b"m"))
    await models.gc()  # the rooms are there
    monkeypatch.setattr(locks, "PATIENCE", 0.0)
    held = tried(rig.root / "building" / model.digest)
    assert held is not None
    with pytest.raises(Unavailable, match="another process has held"):
        await models.pull("m")
    held.release()
    assert await models.load("m") == b"m"


async def test_a_lock_counts_only_at_its_place(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    one = tried(path)
    assert one is not None
    assert tried(path) is None
    assert tried(path, shared=True) is None
    one.remove()
    two = tried(path)  # another file, another lock
    assert two is not None
    one.release()
    assert tried(path) is None
    two.release()
    shared = [tried(path, shared=True), tried(path, shared=True)]
    assert None not in shared
    assert tried(path) is None


async def test_a_lock_of_a_file_that_was_removed_meanwhile_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, real = tmp_path / "lock", fcntl.flock

    def replaced() -> None:
        path.unlink()
        path.touch()

    removals: list[Callable[[], None]] = [path.unlink, replaced]

    def flock(descriptor: int, how: int) -> None:
        if removals and how & fcntl.LOCK_NB:
            removals.pop()()  # by who held it, between the opening and the lock
        real(descriptor, how)

    monkeypatch.setattr(fcntl, "flock", flock)
    lock = tried(path)
    assert lock is not None
    assert removals == []
    assert os.fstat(lock.descriptor).st_ino == path.stat().st_ino
    lock.release()


# -- the disk


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Bodies cannot be written while the list has an error's number."""
    errors: list[int] = []

    def write_all(descriptor: int, data: bytes) -> None:
        if errors and len(data) > 100:
            really(descriptor, data[:100])
            raise OSError(errors[0], os.strerror(errors[0]))
        really(descriptor, data)

    monkeypatch.setattr("skykeep.models.cache.blobs.write_all", write_all)
    return errors


async def test_a_disk_that_is_full_is_left_as_it_was(rig: Rig, full: list[int]) -> None:
    await pushed(rig)
    models = rig.models()
    for number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        full[:] = [number]
        with pytest.raises(Quota, match="the cache of models cannot grow") as caught:
            await models.pull("m")
        assert "model_cache.directory" in caught.value.hint
        assert rig.room("parts") == rig.room("blobs") == rig.room("trees") == []
    full.clear()
    assert (await models.pull("m")).read_bytes() == BODY


async def test_a_disk_that_fails_is_no_outage_of_the_store(rig: Rig, full: list[int]) -> None:
    models = rig.models()
    await models.push("m", "0", rig.file("m.bin", b"old"))
    await models.pull("m")
    await pushed(rig)
    for number, error in ((errno.EIO, Unavailable), (errno.EROFS, Denied)):
        full[:] = [number]
        with pytest.raises(error, match="the cache of models cannot be used"):
            await models.pull("m")  # not the version before, which would hide it
    full.clear()
    assert (await models.fetch("m")).version == "1"


async def test_a_file_system_without_hard_links(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    def link(*_: object, **__: object) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "link", link)
    await pushed(rig)
    models = rig.models()
    model = await models.fetch("m")
    assert model.path.read_bytes() == BODY
    assert (await rig.models().fetch("m", "1")).downloaded == 0
    model.path.unlink()
    assert (await rig.models().fetch("m", "1")).downloaded == LARGE
    await rig.objects.put("models/bare.onnx", b"bare")
    assert await models.load("bare") == b"bare"
