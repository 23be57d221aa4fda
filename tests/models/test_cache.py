"""The cache on this host: hits, damage, whose it is, what goes; answers without a store."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from skykeep.errors import (
    Corrupt,
    Denied,
    NotFound,
    Quota,
    SkykeepError,
    Throttled,
    Unauthenticated,
    Unavailable,
)
from skykeep.models.cache.blobs import holds as holds_really
from skykeep.models.store import ModelStore
from tests.models.rig import Rig, damage

pytestmark = pytest.mark.asyncio

HOLDS = "skykeep.models.cache.trees.holds"
"""Reads a file of a tree whole."""


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of files of trees that are read whole."""
    seen: list[str] = []

    def holds(path: Path, sha256: str, size: int) -> bool:
        seen.append(path.name)
        return holds_really(path, sha256, size)

    monkeypatch.setattr(HOLDS, holds)
    return seen


async def pushed(rig: Rig, version: str = "1", data: bytes = b"weights") -> ModelStore:
    models = rig.models()
    await models.push("m", version, rig.file("m.bin", data))
    return models


async def test_a_warm_hit_asks_nobody_and_reads_no_file(rig: Rig, hashed: list[str]) -> None:
    models = await pushed(rig)
    path = await models.pull("m")
    rig.driver.calls.clear()
    hashed.clear()
    for store in (models, rig.models()):  # this process, and one that comes later
        assert await store.pull("m", "1") == path
    assert (dict(rig.driver.calls), hashed) == ({}, [])
    assert await models.pull("m") == path
    assert dict(rig.driver.calls) == {"read": 1}  # which version is the latest
    assert await models.pull("m", "1", fresh=True) == path
    assert dict(rig.driver.calls) == {"read": 2}
    assert hashed == []


def restore_time(path: Path) -> None:
    damage(path)


def append(path: Path) -> None:
    path.chmod(0o600)
    with path.open("ab") as file:
        file.write(b"x")


def swap(path: Path) -> None:
    other = path.with_name("other")
    other.write_bytes(b"WEIGHTS")
    other.replace(path)


def link(path: Path) -> None:
    other = path.parents[3] / "elsewhere"
    other.write_bytes(b"weights")
    path.unlink()
    path.symlink_to(other)


def pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


DAMAGES: list[Callable[[Path], object]] = [
    restore_time, append, swap, link, pipe, folder, Path.unlink,
    lambda path: (path.parent / "extra.py").write_text("print()"),
    lambda path: (path.parents[1] / "manifest").unlink(),
    lambda path: (path.parents[1] / "manifest").write_bytes(b"{}"),
    lambda path: path.parent.rename(path.parents[1] / "moved"),
]  # fmt: skip


@pytest.mark.parametrize("how", range(len(DAMAGES)))
async def test_what_is_damaged_in_the_cache_is_noticed_and_mended(rig: Rig, how: int) -> None:
    models = await pushed(rig)
    path = await models.pull("m")
    DAMAGES[how](path)
    again = await models.fetch("m", "1")
    assert again.path == path
    assert path.read_bytes() == b"weights"
    assert not path.is_symlink()
    assert [each.name for each in path.parent.iterdir()] == ["m.bin"]
    assert (await models.fetch("m", "1")).downloaded == 0


async def test_what_is_damaged_is_not_served_without_a_store(rig: Rig) -> None:
    models = await pushed(rig)
    damage(await models.pull("m"))
    rig.driver.fail_next(Unavailable, times=100)
    for version in ("1", None):
        with pytest.raises(Unavailable):
            await models.pull("m", version)


@pytest.mark.parametrize("what", ["record", "key", "names", "forged"])
async def test_without_an_authentic_record_files_are_read_again(
    rig: Rig, hashed: list[str], what: str
) -> None:
    models = await pushed(rig)
    path = await models.pull("m")
    record = path.parents[1] / "record"
    if what == "record":
        record.unlink()
    elif what == "key":
        (rig.root / "key").write_bytes(b"cut off")
    elif what == "names":
        (rig.root / "names" / rig.room("names")[0]).write_bytes(b"x" * 100)
    else:
        # Somebody who cannot read the key damages the file and makes a record of what it is.
        damage(path)
        seen = path.stat()
        known = record.read_bytes()
        body = known[32:].decode()
        before = str(body).rpartition(",")[2].partition("]")[0]
        record.write_bytes(known[:32] + body.replace(before, str(seen.st_ctime_ns)).encode())
    hashed.clear()
    assert await rig.models().load("m", "1") == b"weights"
    assert hashed or what == "names"


async def test_a_second_version_shares_what_is_equal(rig: Rig) -> None:
    models = rig.models()
    rig.file("m/weights", b"w" * 1000)
    for version in ("1", "2"):
        rig.file("m/notes", version.encode())
        await models.push("m", version, rig.home / "files" / "m")
    one, two = await models.fetch("m", "1"), await models.fetch("m", "2")
    assert (one.downloaded, two.downloaded) == (1001, 1)
    assert (one.path / "weights").samefile(two.path / "weights")
    assert (await models.gc()).left < 1002 + 4000  # manifests and records, and the weights once


async def test_only_this_user_may_read_it(rig: Rig) -> None:
    before = os.umask(0)
    try:
        models = await pushed(rig)
        await models.pull("m")
    finally:
        os.umask(before)
    for parent, folders, files in os.walk(rig.root):
        for name in folders:
            assert stat.S_IMODE((Path(parent) / name).stat().st_mode) == 0o700, name
        for name in files:
            assert stat.S_IMODE((Path(parent) / name).stat().st_mode) & 0o177 == 0, name
    assert stat.S_IMODE(rig.root.stat().st_mode) == 0o700


async def test_a_directory_that_is_not_this_users_alone_is_refused(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    await pushed(rig)
    real = rig.home / "real"
    real.mkdir(mode=0o700)
    rig.root.symlink_to(real)
    with pytest.raises(Denied, match="symbolic link"):
        await rig.models().pull("m")
    rig.root.unlink()
    rig.root.mkdir(mode=0o700)
    rig.root.chmod(0o770)
    with pytest.raises(Denied, match="other users may write"):
        await rig.models().pull("m")
    rig.root.chmod(0o700)
    (rig.root / "blobs").symlink_to(real)
    with pytest.raises(Denied, match="symbolic link"):
        await rig.models().pull("m")
    (rig.root / "blobs").unlink()
    with monkeypatch.context() as patch:
        patch.setattr(os, "geteuid", lambda: rig.root.stat().st_uid + 1)
        with pytest.raises(Denied, match="another user"):
            await rig.models().pull("m")
    (rig.root / "trees").write_text("")
    with pytest.raises(Denied, match="no directory"):
        await rig.models().pull("m")
    (rig.root / "trees").unlink()
    assert await rig.models().load("m") == b"weights"


async def test_the_least_recently_used_goes_first_and_never_what_is_in_use(rig: Rig) -> None:
    models = rig.models(max_bytes=40_000)
    for n in range(4):
        await models.push("m", str(n), rig.file("m.bin", bytes([n]) * 10_000))
    for version in ("0", "1", "2"):
        async with models.open("m", version):
            pass
        using = sorted((rig.root / "using").iterdir(), key=lambda p: p.stat().st_mtime_ns)
        os.utime(using[-1], ns=(0, 10**9 * (1 + int(version))))
    held = await rig.models().fetch("m", "0")
    keeper = rig.models()
    await keeper.fetch("m", "0")
    os.utime(rig.root / "using" / held.digest, ns=(0, 0))
    async with models.open("m", "3"):  # the oldest is in use: the next one goes
        pass
    rig.driver.fail_next(Unavailable, times=100)
    for version in ("0", "2", "3"):
        assert (await models.fetch("m", version)).downloaded == 0
    models.release()
    with pytest.raises(Unavailable):
        await models.pull("m", "1")
    freed = await models.gc(everything=True)
    assert (freed.models, held.path.exists()) == (2, True)
    keeper.release()
    assert (await models.gc(everything=True)).models == 1
    assert not held.path.exists()
    assert rig.room("blobs") == rig.room("trees") == rig.room("using") == []


async def test_a_model_that_the_cache_would_never_hold_is_refused_first(rig: Rig) -> None:
    models = rig.models(max_bytes=1000)
    await models.push("m", "1", rig.file("m.bin", b"x" * 1001))
    await rig.objects.put("models/bare.onnx", b"x" * 1001)
    rig.driver.calls.clear()
    with pytest.raises(Quota, match="1,001 bytes; the cache keeps 1,000"):
        await models.pull("m", "1")
    assert dict(rig.driver.calls) == {"read": 1}  # the manifest
    with pytest.raises(Quota):
        await models.pull("bare")
    assert rig.driver.calls["read"] == 2  # no pointer, and no body


async def test_gc_takes_what_killed_processes_have_left(rig: Rig) -> None:
    models = await pushed(rig)
    model = await models.fetch("m")
    old = rig.root / "tmp" / "left"
    old.write_bytes(b"x" * 100)
    os.utime(old, (0, 0))
    (rig.root / "drafts" / ("0" * 64) / "files").mkdir(parents=True)
    (rig.root / "parts" / "gone.etag").write_text("e")
    (rig.root / "blobs" / ("0" * 64)).write_bytes(b"y" * 100)
    (rig.root / "tmp" / "new").write_bytes(b"z")
    freed = await models.gc()
    assert (freed.models, freed.parts, freed.freed) == (0, 0, 201)
    assert rig.room("tmp") == ["new"]
    assert rig.room("drafts") == rig.room("parts") == []
    assert model.path.exists()


# -- without the store


@pytest.mark.parametrize("error", [Unavailable, Throttled])
async def test_the_store_cannot_be_asked(
    rig: Rig, error: type[SkykeepError], caplog: pytest.LogCaptureFixture
) -> None:
    models = await pushed(rig)
    first = await models.fetch("m")
    await pushed(rig, "2", b"newer")
    rig.driver.fail_next(error, times=100)
    later = rig.models()
    for version, fresh in ((None, False), ("1", True)):
        found = await later.fetch("m", version, fresh=fresh)
        assert (found.stale, found.version, found.path) == (True, "1", first.path)
    assert "is from the cache, and may be stale: planted by a test" in caplog.text
    assert not (await later.fetch("m", "1")).stale  # a version never changes
    for name, wanted in (("m", "2"), ("other", None)):
        with pytest.raises(error):
            await later.pull(name, wanted)
    rig.driver.clear_faults()
    assert (await later.fetch("m")).version == "2"


@pytest.mark.parametrize("error", [NotFound, Denied, Unauthenticated, Corrupt])
async def test_an_answer_of_the_store_is_not_passed_over(
    rig: Rig, error: type[SkykeepError]
) -> None:
    models = await pushed(rig)
    await models.fetch("m")
    rig.driver.fail_next(error, times=100)
    for version in (None, "1"):
        with pytest.raises(error):
            await models.fetch("m", version, fresh=True)


async def test_a_newer_version_that_breaks_off_leaves_the_one_before(rig: Rig) -> None:
    models = await pushed(rig)
    await models.pull("m")
    await pushed(rig, "2", b"newer")

    def down(done: int, size: int) -> None:
        rig.driver.fail_next(Unavailable, times=100)

    rig.driver.store.kept["models/m/2/manifest.json"].info  # noqa: B018  (it is there)
    rig.file("large/a", b"a")
    rig.file("large/b", b"b" * 9_000_000)
    await models.push("m", "3", rig.home / "files" / "large")
    found = await models.fetch("m", progress=down)
    assert (found.version, found.stale) == ("1", True)
    rig.driver.clear_faults()
    assert (await models.fetch("m")).version == "3"


async def test_stores_that_share_a_cache_are_told_apart(rig: Rig) -> None:
    other = Rig(rig.home)
    await pushed(rig, "1", b"of one")
    await other.models().push("m", "1", rig.file("m.bin", b"of another"))
    one, two = rig.models(identity="one"), other.models(identity="two")
    assert await one.load("m", "1") == b"of one"
    assert await two.load("m", "1") == b"of another"
    assert await rig.models(identity="one").load("m", "1") == b"of one"
    assert len(rig.room("names")) == 2


async def test_what_is_pushed_here_is_not_answered_from_before(rig: Rig) -> None:
    models = await pushed(rig)
    await models.pull("m", "1")
    rig.driver.store.kept.clear()  # a store of tests that begins anew, under the same name
    await pushed(rig, "1", b"others")
    assert await models.load("m", "1") == b"others"


async def test_without_an_identity_each_pull_asks(rig: Rig) -> None:
    await pushed(rig)
    nameless = rig.models(identity="")
    assert (await nameless.fetch("m", "1")).downloaded == 7
    assert (await nameless.fetch("m", "1")).downloaded == 0
    rig.driver.fail_next(Unavailable, times=100)
    with pytest.raises(Unavailable):
        await nameless.pull("m", "1")
    assert rig.room("names") == []


async def test_verify_reads_what_is_here_and_takes_damage_away(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = await pushed(rig)
    async with models.open("m") as model:
        pass
    assert (await models.verify("m")).cached
    # What a disk changes under a file system's feet: only verify reads it.
    with monkeypatch.context() as patch:
        patch.setattr(HOLDS, lambda *_: False)
        assert (await models.fetch("m", "1")).downloaded == 0
        models.release()
        with pytest.raises(Corrupt, match=r"'m\.bin' is damaged in the cache"):
            await models.verify("m")
    assert not model.path.exists()
    held = await models.fetch("m", "1")
    assert held.downloaded in {0, 7}
    damage(held.path)
    with pytest.raises(Corrupt):
        await models.verify("m")
    assert held.path.exists()  # in use
    assert await rig.models().load("m") == b"weights"
