"""What lies in a directory of objects: modes, files of others, copies, what is refused."""

# ruff: noqa: ASYNC240  (files of a test are small, and nothing else runs on its loop)

from __future__ import annotations

import os
import shutil
import stat
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from skykeep.errors import ConfigError, Conflict, Corrupt, Denied, Invalid, NotFound
from skykeep.interfaces.object_driver import Condition, ObjectAttributes
from skykeep.interfaces.provider import OpenContext
from skykeep.providers.local.objects.driver import open_objects
from skykeep.providers.local.settings import LocalSettings
from tests.providers.local.objects_dirs import (
    bodies,
    check_tidy,
    kept_beside,
    keys,
    left_over,
    listed,
    opened,
)

pytestmark = pytest.mark.asyncio

SECOND = 1_000_000_000
KEPT = ObjectAttributes("text/plain", {"made-by": "test"}, {"team": "blue"})


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


async def test_bodies_are_plain_files_under_their_keys(tmp_path: Path) -> None:
    root = tmp_path / "deep" / "objects"
    async with opened(root) as driver:
        await driver.write("models/a b/ü.onnx", b"body", KEPT)
        assert (root / "models/a b/ü.onnx").read_bytes() == b"body"
        upload = await driver.begin_upload("models/parts", KEPT)
        parts = [await driver.write_part("models/parts", upload, n, b"12345") for n in (1, 2)]
        await driver.complete_upload("models/parts", upload, parts)
        assert (root / "models/parts").read_bytes() == b"1234512345"
    assert all(mode(path) in (0o700, 0o600) for path in (root, *root.rglob("*")))
    assert all(mode(path) == 0o600 for path in root.rglob("*") if path.is_file())
    check_tidy(root)


async def test_modes_hold_under_any_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        async with opened(tmp_path / "o") as driver:
            await driver.write("a/b", b"")
    finally:
        os.umask(before)
    for path in (tmp_path / "o", *(tmp_path / "o").rglob("*")):
        assert mode(path) == (0o700 if path.is_dir() else 0o600)


async def test_nothing_is_made_by_looking(tmp_path: Path) -> None:
    root = tmp_path / "o"
    async with opened(root) as driver:
        assert await keys(driver) == []
        assert await driver.uploads("") == []
        for work in (driver.head("a"), driver.read("a"), driver.tags("a")):
            with pytest.raises(NotFound):
                await work
        await driver.delete("a")
        with pytest.raises(Conflict):
            await driver.delete("a", if_match="1-1-1")
    assert not root.exists()


async def test_files_of_others_are_objects(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "theirs.txt").write_bytes(b"theirs")
    async with opened(tmp_path) as driver:
        info = await driver.head("deep/theirs.txt")
        assert (info.size, info.content_type, dict(info.metadata)) == (6, None, {})
        assert info.checksums == {}
        assert info.modified_at.timestamp() == pytest.approx(
            (tmp_path / "deep/theirs.txt").stat().st_mtime, abs=1e-3
        )
        assert (await driver.read("deep/theirs.txt", if_match=info.etag)).data == b"theirs"
        assert await driver.tags("deep/theirs.txt") == {}
        assert [each.etag for each in await listed(driver)] == [info.etag]
        copied = await driver.copy("deep/theirs.txt", "copy")
        assert (await driver.read("copy")).data == b"theirs"
        assert copied.content_type is None
        ours = await driver.write("deep/theirs.txt", b"ours", KEPT, Condition(info.etag))
        assert ours.content_type == "text/plain"
        await driver.delete("deep/theirs.txt", if_match=ours.etag)
        assert await keys(driver) == ["copy"]
    check_tidy(tmp_path)


async def test_a_file_that_others_changed_loses_what_was_beside_it(tmp_path: Path) -> None:
    async with opened(tmp_path) as driver:
        before = await driver.write("a", b"before", KEPT)
        with (tmp_path / "a").open("r+b") as file:
            file.write(b"BEFORE")
        info = await driver.head("a")
        assert info.etag != before.etag
        assert (info.content_type, dict(info.metadata), dict(info.checksums)) == (None, {}, {})
        with pytest.raises(Conflict):
            await driver.write("a", b"x", condition=Condition(before.etag))
        (tmp_path / "new").write_bytes(b"after!")
        (tmp_path / "new").rename(tmp_path / "a")
        assert (await driver.head("a")).etag not in {before.etag, info.etag}


async def test_a_copy_of_the_directory_has_all_of_it(tmp_path: Path) -> None:
    async with opened(tmp_path / "first") as driver:
        before = await driver.write("deep/a", b"body", KEPT)
    shutil.copytree(tmp_path / "first", tmp_path / "second")  # other inodes, the same times
    async with opened(tmp_path / "second") as driver:
        info = await driver.head("deep/a")
        assert (info.content_type, info.metadata) == (before.content_type, before.metadata)
        assert info.checksums == before.checksums
        assert await driver.tags("deep/a") == {"team": "blue"}


async def test_bodies_of_one_size_are_told_apart_however_fast_they_come(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time_ns()
    monkeypatch.setattr(time, "time_ns", lambda: now)
    etags = set()
    async with opened(tmp_path) as driver:
        for number in range(20):
            attributes = ObjectAttributes(metadata={"number": str(number)})
            etags.add((await driver.write("a", b"same", attributes)).etag)
            info = await driver.head("a")
            assert info.metadata["number"] == str(number)
            etags.add(info.etag)
    assert len(etags) == 20
    check_tidy(tmp_path)


async def test_times_that_a_file_system_keeps_in_seconds_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.utime

    def coarse(file: int, *, ns: tuple[int, int]) -> None:
        real(file, ns=(ns[0] // (2 * SECOND) * 2 * SECOND,) * 2)

    monkeypatch.setattr(os, "utime", coarse)
    etags = set()
    async with opened(tmp_path) as driver:
        for number in range(5):
            attributes = ObjectAttributes(metadata={"number": str(number)})
            etags.add((await driver.write("a", b"same", attributes)).etag)
            assert (await driver.head("a")).metadata["number"] == str(number)
    assert len(etags) == 5
    check_tidy(tmp_path)


async def test_a_file_from_the_far_future_is_not_followed_there(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"theirs")
    ahead = time.time() + 366 * 86_400
    os.utime(tmp_path / "a", (ahead, ahead))
    async with opened(tmp_path) as driver:
        info = await driver.write("a", b"ours")
        assert info.modified_at < datetime.now(UTC) + timedelta(hours=1)


async def test_what_is_beside_a_body_and_damaged_is_said(tmp_path: Path) -> None:
    async with opened(tmp_path) as driver:
        await driver.write("a", b"body", KEPT)
        (beside,) = kept_beside(tmp_path)
        for damage in (
            b"",
            b"{",
            b"[]",
            b'{"key": "b"}',
            b'{"key": "a", "format": 2}',
            b"\xff",
        ):
            (tmp_path / ".skykeep/about" / beside).write_bytes(damage)
            for work in (driver.head("a"), driver.read("a"), driver.copy("a", "b")):
                with pytest.raises(Corrupt, match="body is untouched"):
                    await work
        assert await keys(driver) == ["a"]
        assert (await driver.write("a", b"new", KEPT)).size == 3
        assert (await driver.read("a")).data == b"new"
        check_tidy(tmp_path)
        (beside,) = kept_beside(tmp_path)
        (tmp_path / ".skykeep/about" / beside).unlink()
        assert (await driver.read("a")).info.content_type is None


async def test_our_own_directory_is_no_object(tmp_path: Path) -> None:
    async with opened(tmp_path) as driver:
        await driver.write("a/.skykeep", b"deeper it may be called so")
        for key in (".skykeep", ".skykeep/tmp/x", ".Skykeep/about", ".skykeep-old"):
            for work in (
                driver.write(key, b""),
                driver.head(key),
                driver.read(key),
                driver.delete(key),
                driver.copy(key, "b"),
                driver.copy("a/.skykeep", key),
                driver.begin_upload(key),
                driver.list(key, cursor=None, limit=1),
            ):
                with pytest.raises(Invalid, match="skykeep's own"):
                    await work
        assert await keys(driver) == ["a/.skykeep"]
    check_tidy(tmp_path)


async def test_what_no_key_can_name_is_not_listed(tmp_path: Path) -> None:
    for name in ("ends.", " space", "back\\slash", "u\u0308", "new\nline", "ok"):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "dir.").mkdir()
    (tmp_path / "dir." / "in").write_bytes(b"")
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff")).write_bytes(b"")
    (tmp_path / "empty" / "deeper").mkdir(parents=True)
    async with opened(tmp_path) as driver:
        assert await keys(driver) == ["ok"]
        page = await driver.list("", cursor=None, limit=10, delimiter=True)
        assert page.prefixes == []


async def test_directories_that_become_empty_go(tmp_path: Path) -> None:
    async with opened(tmp_path) as driver:
        await driver.write("a/b/c/d", b"")
        await driver.write("a/x", b"")
        await driver.delete("a/b/c/d")
        assert sorted(path.name for path in tmp_path.iterdir()) == [".skykeep", "a"]
        assert [path.name for path in (tmp_path / "a").iterdir()] == ["x"]
        await driver.write("a/b", b"a directory was here")
        with pytest.raises(Conflict):
            await driver.write("a/b/c", b"")
        await driver.delete("a/b")
        await driver.delete("a/x")
        assert [path.name for path in tmp_path.iterdir()] == [".skykeep"]
    check_tidy(tmp_path)


async def test_a_key_within_another(tmp_path: Path) -> None:
    (tmp_path / "room" / "empty").mkdir(parents=True)
    (tmp_path / "bare").mkdir()
    async with opened(tmp_path) as driver:
        await driver.write("a/b", b"kept")
        for key, what in (("a", "objects within it"), ("a/b/c/d", "lies within a key")):
            for condition in (Condition(), Condition(if_absent=True)):
                with pytest.raises(Conflict, match=what):
                    await driver.write(key, b"", condition=condition)
            with pytest.raises(Conflict, match=what):
                await driver.copy("a/b", key)
            upload = await driver.begin_upload(key)
            part = await driver.write_part(key, upload, 1, b"x")
            with pytest.raises(Conflict, match=what):
                await driver.complete_upload(key, upload, [part])
            await driver.abort_upload(key, upload)
            for work in (driver.head(key), driver.read(key), driver.copy(key, "z")):
                with pytest.raises(NotFound):
                    await work
            await driver.delete(key)
        with pytest.raises(Conflict):
            await driver.write("room", b"another directory is in it")
        await driver.write("bare", b"an empty directory makes room")
        assert await keys(driver) == ["a/b", "bare"]
    check_tidy(tmp_path)


async def test_order_is_that_of_the_keys_not_of_the_directories(tmp_path: Path) -> None:
    wanted = ["a-b", "a.b", "a/b", "a/c/d", "a0", "ab", "b", "é", "\U0001f600"]
    async with opened(tmp_path) as driver:
        for key in reversed(wanted):
            await driver.write(key, b"")
        assert await keys(driver) == wanted
        for limit in range(1, 11):
            for fresh in (True, False):
                found: list[str] = []
                deep: list[str] = []
                cursor = None
                while True:
                    page = await driver.list("", cursor=cursor, limit=limit, delimiter=True)
                    found += [info.key for info in page.items]
                    deep += page.prefixes
                    cursor = page.cursor
                    if cursor is None:
                        break
                    if fresh:
                        driver._listing._walks.clear()
                assert deep == ["a"]
                assert found == [key for key in wanted if "/" not in key]


async def test_a_page_goes_on_without_the_walk_of_the_page_before(tmp_path: Path) -> None:
    names = [f"{n % 7}/{n:03d}" for n in range(100)]
    async with opened(tmp_path) as driver, opened(tmp_path) as another:
        for name in names:
            await driver.write(name, b"")
        found: list[str] = []
        cursor = None
        turn = 0
        while True:
            page = await (driver, another)[turn % 2].list("", cursor=cursor, limit=9)
            found += [info.key for info in page.items]
            cursor, turn = page.cursor, turn + 1
            if cursor is None:
                break
        assert found == sorted(names)
        cursors = []
        for _ in range(10):  # more than are kept
            cursors.append((await driver.list("3", cursor=None, limit=2)).cursor)
            cursors.append((await driver.list("3", cursor=cursors[-1], limit=3)).cursor)
        assert len(driver._listing._walks) <= 4


# -- where it may be


async def test_a_root_that_everybody_may_write_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"theirs")
    tmp_path.chmod(0o777)
    async with opened(tmp_path) as driver:
        for work in (driver.head("a"), driver.read("a"), driver.write("a", b"x"), keys(driver)):
            with pytest.raises(Denied, match="everybody may write"):
                await work
        assert bodies(tmp_path) == ["a"]
        tmp_path.chmod(0o770)  # as volumes are mounted for the one user of a container
        await driver.write("b", b"x")
        (tmp_path / ".skykeep").chmod(0o770)
        with pytest.raises(Denied, match="others may write"):
            await driver.write("a", b"x")


async def test_a_root_that_is_no_directory(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "link").symlink_to("nowhere/at/all")
    for name in ("file", "link"):
        async with opened(tmp_path / name) as driver:
            with pytest.raises(ConfigError, match="no directory"):
                await driver.write("a", b"")
    (tmp_path / "real").mkdir()
    (tmp_path / "through").symlink_to("real")
    async with opened(tmp_path / "through") as driver:
        await driver.write("a", b"")
    assert (tmp_path / "real" / "a").exists()


async def test_where_objects_are_by_default_and_by_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = OpenContext(target="local", environ={}, data_dir=lambda: tmp_path / "data")
    driver = await open_objects(LocalSettings(backend="local"), context)
    await driver.write("a", b"")
    await driver.close()
    assert (tmp_path / "data" / "objects" / "a").exists()
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    for objects in ("~/mine", "relative"):
        driver = await open_objects(LocalSettings(backend="local", objects=objects), context)
        await driver.write("a", b"")
        await driver.close()
    assert (tmp_path / "mine" / "a").exists()
    assert (tmp_path / "relative" / "a").exists()
    with pytest.raises(ConfigError, match="no home directory"):
        await open_objects(LocalSettings(backend="local", objects="~nobody-here/o"), context)


async def test_a_vault_is_never_an_object(tmp_path: Path) -> None:
    context = OpenContext(target="local", environ={}, data_dir=lambda: tmp_path / "data")
    for settings, what in (
        (LocalSettings(backend="local", objects=str(tmp_path)), "vault"),
        (
            LocalSettings(
                backend="local", objects=str(tmp_path / "o"), key_file=str(tmp_path / "o/k")
            ),
            "key file",
        ),
    ):
        with pytest.raises(ConfigError, match=f"would hold the {what} itself"):
            await open_objects(settings, context)


async def test_a_store_that_is_removed_meanwhile(tmp_path: Path) -> None:
    root = tmp_path / "o"
    async with opened(root) as driver:
        await driver.write("a", b"first")
        shutil.rmtree(root)
        with pytest.raises(NotFound):
            await driver.read("a")
        await driver.write("a", b"second")
        assert (await driver.read("a")).data == b"second"
    assert left_over(root) == []
