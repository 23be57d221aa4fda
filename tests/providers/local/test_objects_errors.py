"""A disk that is full, broken, read-only; limits of a process; nothing stays behind."""

from __future__ import annotations

import errno
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from skykeep.errors import (
    ConfigError,
    Denied,
    Invalid,
    NotFound,
    Quota,
    SkykeepError,
    Unavailable,
)
from skykeep.interfaces.object_driver import ObjectAttributes
from skykeep.providers.local.objects.driver import LocalObjects
from skykeep.providers.local.objects.errors import translated
from tests.providers.local.objects_dirs import check_tidy, keys, opened
from tests.repo.tree import ROOT

TABLE: list[tuple[int, type[SkykeepError], str]] = [
    (errno.ENOSPC, Quota, "no space is left"),
    (errno.EDQUOT, Quota, "no space is left"),
    (errno.EFBIG, Quota, "nothing was written"),
    (errno.EACCES, Denied, "must be this user's"),
    (errno.EPERM, Denied, "must be this user's"),
    (errno.EROFS, Denied, "cannot be opened or written"),
    (errno.ELOOP, Denied, "cannot be opened or written"),
    (errno.ENOENT, NotFound, "there is no object"),
    (errno.ENOTDIR, NotFound, "there is no object"),
    (errno.EISDIR, NotFound, "there is no object"),
    (errno.ENAMETOOLONG, Invalid, "no room for the name"),
    (errno.EMFILE, Unavailable, "ulimit -n"),
    (errno.ENFILE, Unavailable, "limit of open files"),
    (errno.EXDEV, ConfigError, "another file system is mounted within"),
    (errno.ENOLCK, ConfigError, "has no locks"),
    (errno.EOPNOTSUPP, ConfigError, "has no locks"),
    (errno.EIO, Unavailable, "look at the disk"),
    (errno.ESTALE, Unavailable, "look at the disk"),
]


@pytest.mark.parametrize(("number", "kind", "text"), TABLE)
def test_the_errors_of_the_system(number: int, kind: type[SkykeepError], text: str) -> None:
    error = translated(OSError(number, "not shown"), Path("/srv/objects"), "a/b")
    assert type(error) is kind
    assert text in str(error)
    assert "a/b" in str(error) or kind is ConfigError  # which speaks of the whole store
    assert "not shown" not in str(error)


# -- in the middle of a write: each call of the system fails once


CALLS = ("fsync", "rename", "pwrite", "utime", "open", "mkdir")
NEW = ObjectAttributes("text/new", {"is": "new"})
KEPT = ObjectAttributes("text/plain", {"is": "old"}, {"is": "old"})


async def writes(driver: LocalObjects) -> None:
    await driver.write("deep/key", b"new", NEW)


async def uploads(driver: LocalObjects) -> None:
    upload = await driver.begin_upload("deep/key", NEW)
    try:
        parts = [await driver.write_part("deep/key", upload, n, b"part") for n in (1, 2)]
        parts.append(await driver.write_part("deep/key", upload, 3, b"end"))
        await driver.complete_upload("deep/key", upload, parts)
    except SkykeepError:
        await driver.abort_upload("deep/key", upload)
        raise


async def copies(driver: LocalObjects) -> None:
    await driver.copy("source", "deep/key")


@pytest.mark.parametrize("before", [False, True])
@pytest.mark.parametrize("work", [writes, uploads, copies])
@pytest.mark.parametrize(
    "fault",
    [(errno.ENOSPC, Quota), (errno.EIO, Unavailable), (errno.EACCES, Denied)],
)
@pytest.mark.asyncio
async def test_a_write_that_fails_at_any_call(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    fault: tuple[int, type[SkykeepError]],
    work: Any,
    before: bool,
) -> None:
    (number, kind), failures = fault, 0
    for name in CALLS:
        for at in range(1, 100):
            root = tmp_path / f"{name}-{at}"
            async with opened(root) as driver:
                await driver.write("source", b"source", NEW)
                if before:
                    await driver.write("deep/key", b"old", KEPT)
                failed = False
                with failing(monkeypatch, name, at, number) as reached:
                    try:
                        await work(driver)
                    except SkykeepError as error:
                        assert type(error) is kind, (name, at, error)  # noqa: PT017  (or it ends)
                        failed = True
                # The last steps tidy up: what fails there fails nobody.
                assert failed or "deep/key" in await keys(driver)
                failures += failed
                if not reached:
                    break
                # What was renamed and not synced may be there, and is whole then.
                for key in await keys(driver):
                    fragment = await driver.read(key)
                    assert fragment.data in {b"old", b"new", b"source", b"partpartend"}
                    which = "old" if fragment.data == b"old" else "new"
                    assert fragment.info.metadata == {"is": which}
                for each in await driver.uploads(""):  # whose end has failed
                    assert work is uploads
                    await driver.abort_upload(each.key, each.id)
                await driver.write("deep/key", b"again", KEPT)
                assert (await driver.read("deep/key")).info.metadata == {"is": "old"}
            check_tidy(root)
    assert failures > 10


@contextmanager
def failing(
    monkeypatch: pytest.MonkeyPatch, name: str, at: int, number: int
) -> Iterator[list[int]]:
    """The call of that number fails. Gives a list that is not empty when it has."""
    real, made = getattr(os, name), 0
    reached: list[int] = []

    def call(*arguments: Any, **named: Any) -> Any:
        nonlocal made
        made += 1
        if made == at:
            reached.append(at)
            raise OSError(number, os.strerror(number))
        return real(*arguments, **named)

    with monkeypatch.context() as patch:
        patch.setattr(os, name, call)
        yield reached


# -- the real thing


IN_A_SMALL_WORLD = """
import asyncio, errno, resource, sys
from pathlib import Path
from skykeep.errors import SkykeepError
from skykeep.providers.local.objects.driver import LocalObjects

async def main(root, limit, value, key, size):
    driver = LocalObjects(Path(root))
    await driver.write("small", b"fits")
    soft, hard = resource.getrlimit(getattr(resource, limit))
    resource.setrlimit(getattr(resource, limit), (int(value), hard))
    try:
        await driver.write(key, b"x" * int(size))
        print("written")
    except SkykeepError as error:
        print(type(error).__name__)
    resource.setrlimit(getattr(resource, limit), (soft, hard))
    await driver.write("after", b"goes on")
    await driver.close()

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.mark.parametrize(
    ("limit", "value", "expected"),
    [("RLIMIT_FSIZE", 100_000, "Quota"), ("RLIMIT_NOFILE", 9, "Unavailable")],
)
@pytest.mark.asyncio
async def test_limits_of_the_process(
    tmp_path: Path, limit: str, value: int, expected: str
) -> None:
    assert hasattr(resource, limit)
    given = [str(tmp_path), limit, str(value), "d/e/e/p", "200000"]
    ended = subprocess.run(  # noqa: ASYNC221  (nothing else runs on this loop)
        [sys.executable, "-c", IN_A_SMALL_WORLD, *given],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.stdout == f"{expected}\n", ended.stderr
    async with opened(tmp_path) as driver:
        assert await keys(driver) == ["after", "small"]
    check_tidy(tmp_path)


@contextmanager
def mounted(place: Path, options: str) -> Iterator[bool]:
    """A small file system, where this user may mount one."""
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", place],
        capture_output=True,
        check=False,
    )
    try:
        yield made.returncode == 0
    finally:
        if made.returncode == 0:
            subprocess.run(["umount", "--lazy", place], check=True)


@pytest.mark.asyncio
async def test_a_disk_that_is_full(tmp_path: Path) -> None:
    with mounted(tmp_path, "size=1m,mode=700") as small:
        if not small:
            pytest.skip("a file system cannot be mounted here: needs the rights of root")
        async with opened(tmp_path) as driver:
            await driver.write("kept", b"k" * 100_000, KEPT)
            for work in (
                driver.write("large", b"x" * 2_000_000),
                driver.write("kept", b"x" * 2_000_000),
            ):
                with pytest.raises(Quota, match="no space is left"):
                    await work
            upload = await driver.begin_upload("large")
            await driver.write_part("large", upload, 1, b"x" * 400_000)
            with pytest.raises(Quota):
                await driver.write_part("large", upload, 2, b"x" * 800_000)
            await driver.abort_upload("large", upload)
            assert (await driver.read("kept")).data == b"k" * 100_000
            assert (await driver.head("kept")).metadata == {"is": "old"}
            await driver.write("fits again", b"x" * 500_000)
            assert await keys(driver) == ["fits again", "kept"]
        check_tidy(tmp_path)


@contextmanager
def read_only(root: Path) -> Iterator[None]:
    """Nothing can be written there: by a mount for root, by modes for others."""
    if os.geteuid():
        directories = [root, *(path for path in root.rglob("*") if path.is_dir())]
        for each in directories:
            each.chmod(0o500)
        yield
        for each in directories:
            each.chmod(0o700)
        return
    for command in (f"--bind {root} {root}", f"-o remount,ro,bind {root}"):
        subprocess.run(["mount", *command.split()], check=True, capture_output=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", root], check=True)


@pytest.mark.asyncio
async def test_a_directory_that_may_only_be_read(tmp_path: Path) -> None:
    async with opened(tmp_path) as driver:
        await driver.write("a", b"body", KEPT)
    with read_only(tmp_path):
        async with opened(tmp_path) as driver:
            assert (await driver.read("a")).info.metadata == {"is": "old"}
            assert await keys(driver) == ["a"]
            assert await driver.uploads("") == []
            for work in (
                driver.write("a", b"x"),
                driver.delete("a"),
                driver.copy("a", "b"),
                driver.begin_upload("a"),
            ):
                with pytest.raises(Denied):
                    await work
    check_tidy(tmp_path)


@pytest.mark.asyncio
async def test_a_name_that_the_file_system_has_no_room_for(tmp_path: Path) -> None:
    async with opened(tmp_path) as driver:
        await driver.write("ü" * 127, b"255 bytes are")  # 254 in UTF-8
        with pytest.raises(NotFound):
            await driver.read("x" * 255)
